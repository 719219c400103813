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
    """Go on with the first verb of another step. ``unwind``: whatever subroutine runs is left for good."""

    step: str
    unwind: bool = False


@dataclass(frozen=True, slots=True)
class Enter:
    """Go through another step as a subroutine and come back to the next verb. ``values`` are variables of
    that step alone."""

    step: str
    values: Mapping[str, Any] = dataclass_field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Perform:
    """Go through verbs that are no step of the plan, as a subroutine; ``name`` is what logs call it. A
    ``goto`` among them leaves it for good."""

    name: str
    verbs: "tuple[PlacedVerb, ...]"


@dataclass(frozen=True, slots=True)
class ReturnToCaller:
    """Back to where the subroutine was entered; where none was, the plan is over."""


@dataclass(frozen=True, slots=True)
class GoBack:
    """Go to the step in which the caller was asked something before this one; where there is none, to the
    beginning of this one."""


@dataclass(frozen=True, slots=True)
class End:
    """The plan is over; ``reason`` goes to the call's record, ``status`` and ``phrase`` to SIP (0: the
    usual)."""

    reason: str
    status: int = 0
    phrase: str = ""


Next = GoTo | Enter | Perform | ReturnToCaller | GoBack | End | None
"""What comes after a verb; None is the next verb of the same step."""


class Verb(Fields):
    """One verb. Its class's fields, defaults and descriptions are the reference and the schema."""

    name: ClassVar[str]
    short_field: ClassVar[str | None] = None
    """The field that the short form (``verb: value``) fills; None when there is no short form."""
    mapping_field: ClassVar[str | None] = None
    """The field that a mapping fills, for verbs whose fields are the plan's own names."""
    listens: ClassVar[bool] = False
    """It takes the caller's input."""
    after_hangup: ClassVar[bool] = False
    """It can be done when the caller has left: it neither speaks nor listens."""
    before_answer: ClassVar[bool] = False
    """It can be done before the call is picked up."""
    reaches_a_person: ClassVar[bool] = False
    """It puts the caller through to a person, or has one call back."""
    ends_politely: ClassVar[bool] = False
    """Where the plan ends with it, it has said goodbye itself, or the call was never picked up."""
    decided_by_values: ClassVar[bool] = False
    """Where it goes depends on nothing but the values that it reads."""
    returns: ClassVar[bool] = False
    """It goes back to where the running subroutine was entered."""

    events: ClassVar[Mapping[str, str]] = {}
    """What can happen in it that the plan has routes for, each with what it means."""
    errors: ClassVar[Mapping[str, str]] = {}
    """The events of its failures (``VerbFailed``; ``error.event`` in a plan), each with what it means."""
    allows_no_fields: ClassVar[bool] = True
    """It can be written without any field where none is required."""

    on_error: StepName | None = Field(
        default=None, description="the step to go to when it fails; the plan's on_error when not given"
    )

    @property
    def has_sensitive_input(self) -> bool:
        """The caller's input to it is never logged, recorded or traced."""
        return False

    def inner_verbs(self) -> "Iterator[Verb]":
        """Verbs that it may do itself."""
        return iter(())

    def always_goes_to(self) -> str | None:
        """The step it always goes to, for verbs that only jump."""
        return None

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        """Every (why, step) that it may go to; why is a word or two, such as a choice's name."""
        return iter(())

    def subroutines(self) -> Iterator[tuple[str, str]]:
        """Those of ``may_go_to`` that are subroutines: the verb after it follows when they return."""
        return iter(())

    def may_end(self) -> bool:
        """The plan may be over with it."""
        return False

    def always_leaves(self) -> bool:
        """The verb after it in its step is never reached."""
        return False

    def prompts(self) -> Iterator[str]:
        """Every text it may say that is known beforehand."""
        return iter(())

    def reads(self) -> Iterator[str]:
        """The names of the variables that it reads: those of all its texts and expressions."""
        for field in type(self).model_fields:
            yield from names_in(getattr(self, field))

    def may_give_up(self) -> bool:
        """The plan may be over with it because the caller never answered."""
        return False

    def built_in_languages(self) -> frozenset[str]:
        """Return the languages of its built-in texts."""
        return frozenset({"en"})

    def accepts_keys(self) -> bool:
        """Whether a caller can answer it without a word."""
        return True

    def requires(self) -> Iterator[str]:
        """Those of ``reads`` without which it fails: not ``name | default(0)``."""
        for field in type(self).model_fields:
            yield from names_in(getattr(self, field), "needed")

    def sets(self) -> Iterator[str]:
        """The names of the variables that have a value after it."""
        return iter(())

    def sets_when(self, why: str) -> Iterator[str]:
        """Those that have a value when it goes on for that reason, one of ``may_go_to``'s; ``""`` is the verb
        after it. None where one of its events leads on, else all of ``sets``; some verbs know better."""
        return iter(()) if why in self.events else self.sets()

    def sets_sensitive(self) -> Iterator[str]:
        """Those of ``sets`` that are sensitive."""
        return self.sets() if getattr(self, "sensitive", False) is True else iter(())

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        """(Field, the variables it reads) of what others get to see: logs, call records, URLs."""
        for field in ("url", "query"):
            if field in type(self).model_fields:
                yield field, frozenset(names_in(getattr(self, field)))

    @classmethod
    def cross_check(cls, data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
        """Mistakes between fields, found in the data as written: (where, message).

        It sees data that may be wrong in any other way too, and must not raise.
        """
        return iter(())

    async def run(self, run: Run) -> Next:
        """Do it in a call."""
        raise NotImplementedError


class SpeakingVerb(PromptOptions, Verb):
    """A verb that says something."""

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
    """The variables that a field's value reads, whatever it is made of. ``which``: ``names``, or ``needed``,
    those that must have a value."""
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
