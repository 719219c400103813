"""goto, call, return, branch, switch: which step follows."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, model_validator

from ivr.dialplan.plan.verb import Enter, GoTo, Next, ReturnToCaller, Verb
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.fields import StepName, VariableName, parameters_of
from ivr.dialplan.values.texts import Expr


class Goto(Verb):
    """Go on with the first verb of another step."""

    name: ClassVar[str] = "goto"
    short_field: ClassVar[str | None] = "step"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True

    step: StepName = Field(description="the name of a step")

    def always_goes_to(self) -> str | None:
        return self.step

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield "", self.step

    def always_leaves(self) -> bool:
        return True

    async def run(self, run: "Run") -> Next:
        return GoTo(self.step)


class Call(Verb):
    """Go through another step and come back: at its end, or at its ``return``."""

    name: ClassVar[str] = "call"
    short_field: ClassVar[str | None] = "step"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True

    step: StepName = Field(description="the name of a step")
    with_: dict[VariableName, Expr] = Field(
        default_factory=dict, alias="with", description="a mapping of the step's params to their values"
    )

    @model_validator(mode="after")
    def _gives_what_is_asked(self, info: ValidationInfo) -> "Call":
        parameters_of(self.step, tuple(self.with_), info)
        return self

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield "call", self.step

    def subroutines(self) -> Iterator[tuple[str, str]]:
        return self.may_go_to()

    async def run(self, run: "Run") -> Next:
        values: dict[str, Any] = {name: run.evaluate(value) for name, value in self.with_.items()}
        for name, value in self.with_.items():
            if not run.variables.sensitive.isdisjoint(value.names):
                run.variables.sensitive.add(name)  # under its new name too
        return Enter(self.step, values)


class Return(Verb):
    """Back to the verb after the ``call`` that led here."""

    name: ClassVar[str] = "return"
    returns: ClassVar[bool] = True
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True

    def always_leaves(self) -> bool:
        return True

    async def run(self, run: "Run") -> Next:
        return ReturnToCaller()


class Branch(Verb):
    """Go to one step when a condition holds, to another when it does not."""

    name: ClassVar[str] = "branch"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True
    decided_by_values: ClassVar[bool] = True

    if_: Expr = Field(alias="if", description="an expression such as tries > 2 or hours.office.open")
    then: StepName = Field(description="the step to go to when it holds")
    else_: StepName | None = Field(
        default=None,
        alias="else",
        description="the step to go to when it does not; else the next verb follows",
    )

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield f"if {self.if_.source}", self.then
        if self.else_ is not None:
            yield "else", self.else_

    def sets_when(self, why: str) -> Iterator[str]:
        holds = why not in ("", "else")
        return iter(self.if_.defined_if if holds else self.if_.defined_unless)

    def always_leaves(self) -> bool:
        return self.else_ is not None

    async def run(self, run: "Run") -> Next:
        goto = self.then if run.evaluate(self.if_) else self.else_
        return GoTo(goto) if goto is not None else None


class Switch(Verb):
    """Go to the step that a value names."""

    name: ClassVar[str] = "switch"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True
    decided_by_values: ClassVar[bool] = True

    on: Expr = Field(description="an expression whose value is looked up, such as call.to")
    cases: dict[str, StepName] = Field(min_length=1, description="a mapping of values to steps")
    default: StepName | None = Field(
        default=None, description="the step for any other value; without it the next verb follows"
    )

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield from self.cases.items()
        if self.default is not None:
            yield "default", self.default

    def always_leaves(self) -> bool:
        return self.default is not None

    async def run(self, run: "Run") -> Next:
        value = run.evaluate(self.on)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        goto = self.cases.get(text, self.default)
        return GoTo(goto) if goto is not None else None
