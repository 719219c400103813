"""What a verb says comes next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ivr.dialplan.plan.plan import PlacedVerb


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
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Perform:
    """Go through verbs that are no step of the plan, as a subroutine; ``name`` is what logs call it. A
    ``goto`` among them leaves it for good."""

    name: str
    verbs: "tuple[PlacedVerb, ...]"


@dataclass(frozen=True, slots=True)
class Return:
    """Back to where the subroutine was entered; where none was, the plan is over."""


@dataclass(frozen=True, slots=True)
class Back:
    """To the step in which the caller was asked something before this one; where there is none, to the
    beginning of this one."""


@dataclass(frozen=True, slots=True)
class End:
    """The plan is over; ``reason`` goes to the call's record, ``status`` and ``phrase`` to SIP (0: the
    usual)."""

    reason: str
    status: int = 0
    phrase: str = ""


Next = GoTo | Enter | Perform | Return | Back | End | None
"""What comes after a verb; None is the next verb of the same step."""


class VerbFailed(Exception):
    """A verb could not do what it is for, and names no way on for that: the plan's ``on_error`` is next.

    ``event`` is one word for routes and logs, such as ``request_failed``.
    """

    def __init__(self, event: str, message: str) -> None:
        super().__init__(message)
        self.event = event
