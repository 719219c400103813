"""The call that a plan controls: its facts, and answering, hanging up, transferring and dialling."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ivr.session.types import AudioClip


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call from its INVITE; ``call.…`` in a plan."""

    id: str = ""
    """SIP Call-ID."""
    caller: str = ""
    """The user part of From: a number, or a name. ``call.from``."""
    caller_name: str = ""
    """Its display name."""
    called: str = ""
    """The user part of what was called. ``call.to``."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of the INVITE, names in lower case; the first value where one is repeated."""
    all_headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Every value of the headers that the call brought, in order. ``call.all_headers``."""
    request_uri: str = ""
    """The address that the INVITE was sent to. ``call.request_uri``."""
    verified: bool = False
    """Whether the caller's number comes from a peer that is trusted. ``call.verified``."""
    diverted_from: str = ""
    """The number or name that the call was for before it was sent on to us. ``call.diverted_from``."""
    trunk: str = ""
    """The host that the call came from, or the account it came by."""
    direction: Literal["in", "out"] = "in"

    def plain(self) -> dict[str, Any]:
        """Return the mapping that expressions read as ``call``."""
        return {
            "id": self.id,
            "from": self.caller,
            "from_name": self.caller_name,
            "to": self.called,
            "headers": {name.replace("-", "_"): value for name, value in self.headers.items()},
            "all_headers": {
                name.replace("-", "_"): list(self.all_headers.get(name, (value,)))
                for name, value in self.headers.items()
            },
            "request_uri": self.request_uri,
            "verified": self.verified,
            "diverted_from": self.diverted_from,
            "trunk": self.trunk,
            "direction": self.direction,
        }


@dataclass(frozen=True, slots=True)
class TransferResult:
    """How a transfer went. Unless ``outcome`` is transferred, the caller is still with the plan."""

    outcome: Literal["transferred", "completed", "busy", "noanswer", "failed"]
    """``completed``: they have talked through us, and the other side has left."""
    status: int = 0
    """The last SIP status that was received; 0: none."""
    reason: str = ""
    """Its phrase, or what went wrong."""
    to: str = ""
    """The address that answered, among those that ``dial`` called."""
    seconds: float = 0.0
    """How long they talked."""


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Dial:
    """An outbound call whose callee is to be connected with the caller."""

    to: tuple[str, ...]
    """Addresses, or extensions of the trunk that the call came by. Not empty."""
    at_once: bool = False
    """Ring all at once, the first answer wins; else one after the other."""
    timeout_s: float = 30.0
    """Seconds that each may ring."""
    hand_over: bool = False
    """Once there is an answer, the caller's side is asked to call them in our place (REFER with Replaces, RFC
    3891); else both calls stay ours and are connected."""
    caller_id: str = ""
    """The caller ID, an address or an extension; empty: that of the account."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Added to the INVITE."""
    whisper: str = ""
    """Said to the callee who answers, before the two are connected."""
    ringback: AudioClip | None = None
    """What the caller hears again and again while it rings, unless the other side sends sound of its own.
    None: the caller hears neither."""
    on_answer: Callable[[], None] = _nothing
    """Called on the loop just before the two are connected, to end what the caller hears."""


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

    async def dial(self, dial: Dial) -> TransferResult:
        """Call somebody and connect them with the caller, or hand the caller over to them. Returns when they
        have left ("completed"), the caller's side has called them itself ("transferred"), or nobody could be
        reached. Cancelling it hangs up on them. Does not raise.
        """

    async def send_digits(self, digits: str) -> None:
        """Press keys (0-9 * # A-D) for the caller's side to hear, as telephone-events (RFC 4733); ``w`` is a
        pause of half a second, ``W`` of one. Returns when all of it was sent.
        """
