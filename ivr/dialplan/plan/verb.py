"""What every verb is, what it says comes next, and the steps that hold verbs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar

from pydantic import BaseModel, Field, field_validator

from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.document import Path
from ivr.dialplan.values.fields import ANSWERS, Fields, Hotword, StepName, refuse
from ivr.dialplan.values.prompting import PromptOptions


@dataclass(frozen=True, slots=True)
class GoTo:
    """Continue with the first verb of another step. ``unwind``: leave all subroutines that run."""

    step: str
    unwind: bool = False


@dataclass(frozen=True, slots=True)
class Enter:
    """Run another step as a subroutine, then the next verb. ``values`` are variables of that step alone."""

    step: str
    values: Mapping[str, Any] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Perform:
    """Run verbs that are no step of the plan as a subroutine; ``name`` is for logs. A ``goto`` among them
    leaves the subroutine for good."""

    name: str
    verbs: "tuple[PlacedVerb, ...]"


@dataclass(frozen=True, slots=True)
class ReturnToCaller:
    """Return to the verb after the ``call``; outside of subroutines the plan ends."""


@dataclass(frozen=True, slots=True)
class GoBack:
    """Go to the step in which the caller was asked something before this one; where there is none, to the
    beginning of this one."""


@dataclass(frozen=True, slots=True)
class End:
    """End the plan. ``reason`` goes to the call record, ``status`` and ``phrase`` to SIP (0: the default)."""

    reason: str
    status: int = 0
    phrase: str = ""


Next = GoTo | Enter | Perform | ReturnToCaller | GoBack | End | None
"""What follows a verb; None is the next verb of the same step."""


class Verb(Fields):
    """A verb with its fields. The schema and the reference are made from the class."""

    name: ClassVar[str]
    short_field: ClassVar[str | None] = None
    """The field that the short form (``verb: value``) fills; None: the verb has no short form."""
    mapping_field: ClassVar[str | None] = None
    """The field that takes the whole mapping, for a verb whose keys are the plan's own names."""
    listens: ClassVar[bool] = False
    """Whether it takes the caller's input."""
    after_hangup: ClassVar[bool] = False
    """Whether it can run after the caller has left: it neither speaks nor listens."""
    before_answer: ClassVar[bool] = False
    """Whether it can run before the call is answered."""
    reaches_a_person: ClassVar[bool] = False
    """Whether it connects the caller with a person, or has one call back."""
    ends_politely: ClassVar[bool] = False
    """Whether a plan may end with it: it says goodbye itself, or the call was never answered."""
    decided_by_values: ClassVar[bool] = False
    """Whether the values that it reads alone decide where it goes."""
    returns: ClassVar[bool] = False
    """Whether it ends the running subroutine."""

    events: ClassVar[Mapping[str, str]] = {}
    """Outcomes that the plan can route, each with its meaning."""
    errors: ClassVar[Mapping[str, str]] = {}
    """Events of its failures (``VerbFailed``; ``error.event`` in a plan), each with its meaning."""
    allows_no_fields: ClassVar[bool] = True
    """Whether it may be written without any field, where none is required."""

    on_error: StepName | None = Field(
        default=None, description="the step to go to when it fails; the plan's on_error when not given"
    )

    @property
    def has_sensitive_input(self) -> bool:
        """Whether the caller's input to it is never logged, recorded or traced."""
        return False

    def inner_verbs(self) -> "Iterator[Verb]":
        """Yield the verbs that it may run itself."""
        return iter(())

    def always_goes_to(self) -> str | None:
        """Return the step that it always goes to; None for a verb that does more than that."""
        return None

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        """Yield every (reason, step) that it may go to; the reason is short, such as a choice's name."""
        return iter(())

    def subroutines(self) -> Iterator[tuple[str, str]]:
        """Yield those of ``may_go_to`` that are subroutines: when they return, the next verb follows."""
        return iter(())

    def may_end(self) -> bool:
        """Whether the plan may end with it."""
        return False

    def always_leaves(self) -> bool:
        """Whether the next verb of its step is never reached."""
        return False

    def prompts(self) -> Iterator[str]:
        """Yield every text that it may say and that is known before a call."""
        return iter(())

    def reads(self) -> Iterator[str]:
        """Yield the names of the variables that its texts and expressions read."""
        for field in type(self).model_fields:
            yield from names_in(getattr(self, field))

    def may_give_up(self) -> bool:
        """Whether the plan may end with it because the caller never answers."""
        return False

    def built_in_languages(self) -> frozenset[str]:
        """Return the languages of its built-in texts."""
        return frozenset({"en"})

    def accepts_keys(self) -> bool:
        """Whether a caller can answer it by keys alone."""
        return True

    def requires(self) -> Iterator[str]:
        """Yield those of ``reads`` that must have a value: not ``name | default(0)``."""
        for field in type(self).model_fields:
            yield from names_in(getattr(self, field), "needed")

    def sets(self) -> Iterator[str]:
        """Yield the names of the variables that have a value after it."""
        return iter(())

    def sets_when(self, why: str) -> Iterator[str]:
        """Yield the variables that have a value when it continues for that reason of ``may_go_to``; ``""``
        is the next verb. The default: none where an event leads on, else all of ``sets``."""
        return iter(()) if why in self.events else self.sets()

    def sets_sensitive(self) -> Iterator[str]:
        """Yield those of ``sets`` that are sensitive."""
        return self.sets() if getattr(self, "sensitive", False) is True else iter(())

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Yield (field, variables that it reads) of what others can see: logs, call records, URLs."""
        for field in ("url", "query"):
            if field in type(self).model_fields:
                yield field, frozenset(names_in(getattr(self, field)))

    @classmethod
    def cross_check(cls, data: dict[str, Any], language: str) -> Iterator[tuple[Path, str]]:
        """Yield (path, message) for mistakes between fields, found in the data as written. The data may be
        wrong in any other way too; must not raise. ``language`` is the one that the plan begins in.
        """
        return iter(())

    async def run(self, run: Run) -> Next:
        """Do the verb's work in a call; returns what follows. Raises VerbFailed."""
        raise NotImplementedError


class SpeakingVerb(PromptOptions, Verb):
    """A verb that says something, with the options of barge-in."""

    @field_validator("hotword")
    @classmethod
    def _has_choices(cls, value: Hotword | None) -> Hotword | None:
        if value == ANSWERS and not cls.listens:
            raise refuse(
                f"true is for the choices of a gather, {cls.name} has none: give a phrase or a list of them"
            )
        return value


@dataclass(frozen=True, slots=True)
class PlacedVerb:
    """A verb and its place in the file."""

    verb: Verb
    line: int
    column: int = 1
    file: str = ""
    """The file's name; empty for the plan's own file."""


@dataclass(frozen=True, slots=True)
class Step:
    """Verbs under a name. ``params`` are the values that a ``call`` must give it."""

    verbs: tuple[PlacedVerb, ...]
    params: tuple[str, ...] = ()
    line: int = 1
    column: int = 1
    file: str = ""


def names_in(value: Any, which: str = "names") -> Iterator[str]:
    """Yield the variables that a field's value reads. ``which``: ``names``, or ``needed`` for those that
    must have a value."""
    names = getattr(value, which, None)
    if isinstance(names, frozenset):
        yield from names
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from names_in(getattr(value, field), which)
    elif isinstance(value, dict):
        for item in value.values():
            yield from names_in(item, which)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from names_in(item, which)
