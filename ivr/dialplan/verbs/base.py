"""What every verb is: its fields (one pydantic model) and what it does in a call."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, Field

from ivr.dialplan.document import Path
from ivr.dialplan.fields import StepName
from ivr.dialplan.flow import Next
from ivr.dialplan.model import Fields

if TYPE_CHECKING:
    from ivr.dialplan.run import Run

__all__ = ["Fields", "Verb", "names_in"]


class Verb(Fields):
    """One verb. Its class's fields, defaults and descriptions are the reference and the schema."""

    name: ClassVar[str]
    short: ClassVar[str | None] = None
    """The field that the short form (``verb: value``) fills; None when there is no short form."""
    wraps: ClassVar[str | None] = None
    """The field that a mapping fills, for verbs whose fields are the plan's own names."""
    listens: ClassVar[bool] = False
    """It takes the caller's input."""
    after_hangup: ClassVar[bool] = False
    """It can be done when the caller has left: it neither speaks nor listens."""
    quiet: ClassVar[bool] = False
    """It can be done before the call is picked up."""
    bare: ClassVar[bool] = True
    """It can be written without any field where none is required."""

    on_error: StepName | None = Field(
        default=None, description="the step to go to when it fails; the plan's on_error when not given"
    )

    @property
    def keeps_private(self) -> bool:
        """The caller's input to it is never logged, recorded or traced."""
        return False

    def inner(self) -> "Iterator[Verb]":
        """Verbs that it may do itself."""
        return iter(())

    def goes_to(self) -> str | None:
        """The step it always goes to, for verbs that only jump."""
        return None

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        """Every (why, step) that it may go to; why is a word or two, such as a choice's name."""
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

    def sets(self) -> Iterator[str]:
        """The names of the variables that have a value after it."""
        return iter(())

    @classmethod
    def cross_check(cls, data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
        """Mistakes between fields, found in the data as written: (where, message).

        It sees data that may be wrong in any other way too, and must not raise.
        """
        return iter(())

    async def run(self, run: "Run") -> Next:
        """Do it in a call."""
        raise NotImplementedError


def names_in(value: Any) -> Iterator[str]:
    """The variables that a field's value reads, whatever it is made of."""
    names = getattr(value, "names", None)
    if isinstance(names, frozenset):
        yield from names
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from names_in(getattr(value, field))
    elif isinstance(value, dict):
        for item in value.values():
            yield from names_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from names_in(item)
