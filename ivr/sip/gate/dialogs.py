"""Which dialogs there are (RFC 3261, 12), known by all three parts of their identity. Pure.

pjsip finds a dialog by the local tag alone. An ended call keeps its dialog until its last transaction is over
(32 s), while pjsua gives its slot to the next call. So a request inside a dialog is looked up here.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_DIALOGS = 20_000
"""Dialogs remembered, ended ones included; the oldest ended one goes first when there are more."""
ENDED_KEPT_S = 64.0
"""Seconds that an ended dialog is remembered: its last transactions take half of that (RFC 3261, 17)."""

ALWAYS_PASSED = frozenset({"ACK", "BYE", "CANCEL", "PRACK"})
"""Methods that act on no call but their own transaction's: pjsip matches them itself."""


@dataclass(slots=True)
class Dialog:
    """What is remembered of one dialog."""

    ended: bool = False
    confirmed: bool = False
    """An INVITE was answered 2xx: a later one that fails ends nothing (RFC 3261, 14.1)."""
    media: list[str] = field(default_factory=list)
    """The media types of the last offer or answer from the other side, by line."""
    routed: bool = False
    """It has a route (Record-Route): its requests go there, whatever the Contact says."""


DialogId = tuple[str, str, str]
"""Call-ID, local tag, remote tag."""


class Dialogs:
    """The dialogs of a user agent, of which the ended ones are kept for a while."""

    def __init__(self, limit: int = MAX_DIALOGS, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds."""
        self._limit, self._clock = limit, clock
        self._known: OrderedDict[DialogId, Dialog] = OrderedDict()
        self._ended: OrderedDict[DialogId, float] = OrderedDict()
        """When each of the ended ones ended."""

    def __len__(self) -> int:
        return len(self._known)

    def opened(self, call_id: str, local_tag: str, remote_tag: str) -> Dialog:
        """Note a dialog, early or confirmed; returns what is known of it."""
        key = (call_id, local_tag, remote_tag)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Dialog()
            self._forget_oldest()
        return known

    def ended(self, call_id: str, local_tag: str, remote_tag: str) -> None:
        """Note that a BYE was sent or received."""
        key = (call_id, local_tag, remote_tag)
        known = self._known.get(key)
        if known is not None and not known.ended:
            known.ended = True
            self._ended[key] = self._clock()

    def failed(self, call_id: str, local_tag: str, remote_tag: str) -> None:
        """Note a final answer to an INVITE that is not 2xx: it ends a dialog that is not confirmed."""
        known = self._known.get((call_id, local_tag, remote_tag))
        if known is not None and not known.confirmed:
            self.ended(call_id, local_tag, remote_tag)

    def find(self, call_id: str, local_tag: str, remote_tag: str) -> Dialog | None:
        return self._known.get((call_id, local_tag, remote_tag))

    def accepts(self, method: str, call_id: str, local_tag: str, remote_tag: str) -> bool:
        """Whether a request with these tags belongs to a dialog that can act on it; else it gets 481."""
        known = self.find(call_id, local_tag, remote_tag)
        if known is None:
            return False
        return not known.ended or method in ALWAYS_PASSED

    def _forget_oldest(self) -> None:
        old = self._clock() - ENDED_KEPT_S
        while self._ended and (len(self._known) > self._limit or next(iter(self._ended.values())) < old):
            self._known.pop(self._ended.popitem(last=False)[0], None)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
