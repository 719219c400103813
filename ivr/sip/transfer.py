"""A REFER that we sent (RFC 3515), followed to its end: responses, NOTIFYs and a time limit.

Pure: the call that sent it passes SIP messages and the time.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ivr.sip.gate.raw_message import RawMessage
from ivr.sip.message import Outcome, outcome_of, readable
from ivr.text import clean_text

_STATUS_LINE = re.compile(r"\s*SIP/2\.0 +(\d{3}) *([^\r\n]*)")
_EVENT_ID = re.compile(r";\s*id\s*=\s*([^;\s]+)", re.IGNORECASE)
_CHALLENGES = frozenset({401, 407})
"""pjsip sends the request again with credentials; if it has none, it reports that."""


@dataclass(frozen=True, slots=True)
class TransferEnd:
    """The result of a transfer. Unless ``outcome`` is answered or left, the caller is still with us."""

    outcome: Outcome | Literal["left"]
    """``left``: the other side accepted (202) and hung up before it reported a result, as a PBX may (RFC
    5589, 6.1).
    """
    status: int
    """The last SIP status that was reported: of the target, or of the REFER when that was refused. 0:
    none."""
    reason: str
    """Its reason phrase, or what went wrong."""


class Transfer:
    """Follows one REFER. ``progress`` receives each provisional status, ``done`` the end, once."""

    def __init__(
        self,
        deadline: float,
        progress: Callable[[int, str], None],
        done: Callable[[TransferEnd], None],
    ) -> None:
        self._deadline = deadline
        self._progress, self._done = progress, done
        self._cseq = ""
        self._last = (0, "")
        self.accepted = False
        self.end: TransferEnd | None = None

    @property
    def waiting(self) -> bool:
        return self.end is None

    @property
    def taken(self) -> bool:
        """Whether the transfer is the reason if the other side hangs up now."""
        return self.accepted if self.end is None else self.end.outcome in ("answered", "left")

    def answered(self, status: int, reason: str, message: RawMessage | None = None) -> None:
        """Process the final response to the REFER; ``message`` is that, when there was one."""
        if self.accepted or not self.waiting or status in _CHALLENGES:
            return
        if status // 100 != 2:
            self.finish(status, reason)
            return
        self.accepted = True
        if message is None:
            return
        # The id of the NOTIFYs to come (RFC 3515, 2.4.6).
        self._cseq = message.value("cseq").partition(" ")[0]
        if message.value("refer-sub").lower() == "false":
            self.finish(status, reason)  # no NOTIFYs will follow (RFC 4488)

    def notified(self, message: RawMessage) -> bool:
        """Process a NOTIFY. Returns True when the target has answered after the transfer had ended."""
        about = _EVENT_ID.search(message.value("event"))
        if about is not None and self._cseq and about.group(1) != self._cseq:
            return False  # of an earlier REFER in this call
        self.accepted = True  # a NOTIFY may arrive before the 202
        found = _STATUS_LINE.match(message.body)
        status, reason = (int(found.group(1)), readable(found.group(2).strip())) if found else self._last
        if not self.waiting:
            return outcome_of(status) == "answered" and not self.taken
        self._last = (status, reason)
        over = message.value("subscription-state").lower().startswith("terminated")
        if status >= 200 or over:
            self.finish(status, reason if status >= 200 else f"given up after {status} {reason}")
        elif found:
            self._progress(status, reason)
        return False

    def left(self) -> None:
        """The call has ended."""
        if self.waiting:
            if self.accepted:
                self._over(TransferEnd("left", *self._last))
            else:
                self.finish(487, "the call ended")

    def expire(self, now: float) -> None:
        if self.waiting and now >= self._deadline:
            said = f"{self._last[0]} {self._last[1]}" if self._last[0] else "nothing"
            self.finish(408, f"not answered in time; last report: {said}")

    def finish(self, status: int, reason: str) -> None:
        self._over(TransferEnd(outcome_of(status), status, clean_text(reason)))

    def _over(self, end: TransferEnd) -> None:
        if self.waiting:
            self.end = end
            self._done(end)
