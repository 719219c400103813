"""What every verb is: its fields (one pydantic model) and what it does in a call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from ivr.dialplan.document import Path

if TYPE_CHECKING:
    from ivr.dialplan.run import Run


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go on with the first verb of another step."""

    step: str


@dataclass(frozen=True, slots=True)
class End:
    """The plan is over; ``reason`` goes to the call's record."""

    reason: str


Next = GoTo | End | None
"""What comes after a verb; None is the next verb of the same step."""


class Fields(BaseModel):
    """A mapping of fields in a plan: nothing but what is declared, never changed after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Verb(Fields):
    """One verb. Its class's fields, defaults and descriptions are the reference and the schema."""

    name: ClassVar[str]
    short: ClassVar[str | None] = None
    """The field that the short form (``verb: value``) fills; None when there is no short form."""
    listens: ClassVar[bool] = False
    """It takes the caller's input."""

    def goes_to(self) -> str | None:
        """The step it always goes to, for verbs that only jump."""
        return None

    def may_end(self) -> bool:
        """The plan may be over with it."""
        return False

    def prompts(self) -> Iterator[str]:
        """Every text it may say that is known beforehand."""
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
