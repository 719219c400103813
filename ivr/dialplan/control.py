"""What a plan asks of the call under it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a call brings with it; ``call.…`` in a plan."""

    id: str = ""
    """SIP Call-ID."""
    caller: str = ""
    """The user part of From: a number, or a name. ``call.from``."""
    caller_name: str = ""
    """Its display name."""
    called: str = ""
    """The user part of what was called. ``call.to``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the INVITE, names in small letters; of several of one name the first."""
    trunk: str = ""
    """The host that the call came from, or the account it came by."""
    direction: Literal["in", "out"] = "in"

    def plain(self) -> dict[str, Any]:
        """As expressions see it."""
        return {
            "id": self.id,
            "from": self.caller,
            "from_name": self.caller_name,
            "to": self.called,
            "headers": {name.replace("-", "_"): value for name, value in self.headers.items()},
            "trunk": self.trunk,
            "direction": self.direction,
        }


@dataclass(frozen=True, slots=True)
class TransferResult:
    """How a transfer went. Unless ``outcome`` is transferred, the caller is still with the plan."""

    outcome: Literal["transferred", "busy", "noanswer", "failed"]
    status: int = 0
    """The last SIP status that was told; 0: none."""
    reason: str = ""
    """Its phrase, or what went wrong."""


class CallControl(Protocol):
    """The call under the session."""

    facts: CallFacts

    async def answer(self) -> None:
        """Pick up, where that was not done yet; returns when sound flows. Idempotent."""

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        """End the call; ``reason`` goes to its record. ``status`` is the final answer of SIP to a call that
        was not picked up; 0 is 603 (RFC 3261, 21.6.2)."""

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        """Blind: ask the caller's side to call ``to``, an address or an extension of the trunk the call came
        by, instead of us. Returns after ``timeout_s``, or a little later. After "transferred" the call is
        still to be hung up. Does not raise.
        """
