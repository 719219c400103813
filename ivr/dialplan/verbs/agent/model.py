"""The fields of ``agent``, and what follows from them without a call."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from ivr.dialplan.plan.universals import Universal
from ivr.dialplan.plan.verb import SpeakingVerb, Verb, names_in
from ivr.dialplan.source.document import Path
from ivr.dialplan.values.fields import (
    Duration,
    Fields,
    LoadContext,
    StepName,
    Switch,
    Text,
    VariableName,
    refuse,
)
from ivr.dialplan.values.texts import PromptTexts, Said, TemplateText, say
from ivr.dialplan.verbs.agent.tools import DONE, Tool, tools_cross_check
from ivr.dialplan.verbs.built_in_texts import NOINPUT_TEXT


class Ends(Fields):
    """The steps that each end of a conversation leads to."""

    done: StepName | None = Field(
        default=None, description="the step after the model has found that it is over; else the next verb"
    )
    noinput: StepName | None = Field(
        default=None, description="the step when the caller says nothing any more; else the next verb"
    )
    max_turns: StepName | None = Field(
        default=None, description="the step after max_turns turns of the caller; else the next verb"
    )
    max_time: StepName | None = Field(
        default=None, description="the step when max_time is over; else the next verb"
    )
    max_cost: StepName | None = Field(
        default=None, description="the step when max_cost tokens are spent; else the next verb"
    )
    down: StepName | None = Field(
        default=None,
        description="the step when the model does not answer, or gives no usable reply; else on_error, an "
        "apology",
    )


class AgentFields(SpeakingVerb):
    """The fields of ``agent`` and what follows from them alone."""

    name: ClassVar[str] = "agent"
    listens: ClassVar[bool] = True
    ends_politely: ClassVar[bool] = True
    errors: ClassVar[Mapping[str, str]] = {
        "model_down": "the model does not answer and `on` has no step for `down`",
    }

    instructions: TemplateText = Field(
        description="what the model is, knows and is to do, values in {{ }}; it knows of the telephone"
    )
    greeting: Said | None = Field(
        default=None, description="a text to begin with, said without the model; else the caller speaks first"
    )
    tools: dict[VariableName, Tool] = Field(
        default_factory=dict, description="a mapping of names to what the model may have done"
    )
    model: Text | None = Field(
        default=None, description="the model's name; agent.model of the settings when not given"
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="0 (deterministic) to 2; the server's own when not given",
    )
    timeout: Duration = Field(default=8.0, description="how long to wait for the caller to begin, such as 8s")
    noinput: Said | None = Field(
        default=None,
        description="a text that is said when the caller is silent; a built-in one when not given",
    )
    tries: int = Field(default=2, ge=0, le=10, description="how many times in a row that is said")
    filler: PromptTexts = Field(
        default=(), description="said while the model takes its time; of a list one after the other"
    )
    filler_after: Duration = Field(
        default=2.0, description="after how long a filler is said, and the next one, such as 2s"
    )
    preemptive: Switch = Field(
        default=False,
        description="true: the model is asked at each pause of the caller's, before it is certain that they "
        "have finished; quicker, and costs more",
    )
    max_turns: int = Field(default=30, ge=1, le=500, description="how many turns the caller has at most")
    max_time: Duration = Field(default=600.0, description="how long it goes on at most, such as 10m")
    max_cost: int = Field(
        default=100_000, ge=1, le=10_000_000, description="how many tokens it may cost, questions and replies"
    )
    universals: Switch = Field(
        default=True,
        description="false: the plan's universals do not apply here, every word and key goes to the model",
    )
    on: Ends = Field(default_factory=Ends, description="a mapping of how it can end to steps")

    _universals: Mapping[str, Universal] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _done_is_ours(self) -> "AgentFields":
        if DONE in self.tools:
            raise refuse(
                "every agent has the tool 'done' for the end of the conversation; route it with 'on'"
            )
        return self

    @model_validator(mode="after")
    def _keep_context(self, info: ValidationInfo) -> "AgentFields":
        if isinstance(info.context, LoadContext) and self.universals:
            known = info.context.universals.items()
            self._universals = {name: each for name, each in known if each.do != "repeat"}
        return self

    @property
    def active_universals(self) -> Mapping[str, Universal]:
        """The universals that apply; the model repeats itself on its own."""
        return self._universals

    @classmethod
    def cross_check(cls, data: dict[str, Any], language: str) -> Iterator[tuple[Path, str]]:
        yield from tools_cross_check(data.get("tools"), language)

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        for end in Ends.model_fields:
            step = getattr(self.on, end)
            if step is not None:
                yield end, step
        for name, tool in self.tools.items():
            yield from tool.may_go_to(name)
        for name, universal in self._universals.items():
            if universal.goto is not None:
                yield name, universal.goto

    def inner_verbs(self) -> Iterator[Verb]:
        yield from (tool.verb for tool in self.tools.values() if tool.verb is not None)

    def may_end(self) -> bool:
        return any(tool.verb is not None and tool.verb.may_end() for tool in self.tools.values())

    def always_leaves(self) -> bool:
        return all(getattr(self.on, end) is not None for end in Ends.model_fields if end != "down")

    def prompts(self) -> Iterator[str]:
        for text in (self.greeting, self.noinput or say(NOINPUT_TEXT), *self.filler):
            yield from text.literals() if text is not None else ()
        for tool in self.tools.values():
            yield from tool.verb.prompts() if tool.verb is not None else ()

    def reads(self) -> Iterator[str]:
        for field in type(self).model_fields:
            if field != "tools":
                yield from names_in(getattr(self, field))
        for tool in self.tools.values():
            yield from tool.reads()

    def sets(self) -> Iterator[str]:
        for tool in self.tools.values():
            yield from tool.sets()

    def sets_when(self, why: str) -> Iterator[str]:
        return self.sets() if why != "down" else iter(())

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        """The instructions, which the model may repeat (its words are logged), and what its tools expose."""
        yield "instructions", frozenset(names_in(self.instructions))
        for name, tool in self.tools.items():
            if tool.verb is not None:
                for field, reads in tool.verb.exposes():
                    yield f"tools.{name}.{tool.verb.name}.{field}", reads

    def sets_sensitive(self) -> Iterator[str]:
        for tool in self.tools.values():
            yield from (name for name, param in tool.params.items() if param.sensitive)
            yield from tool.verb.sets_sensitive() if tool.verb is not None else ()

    def accepts_keys(self) -> bool:
        return False
