"""Who is let in: whether one more call is taken, what a refused one is answered, what OPTIONS says of it."""

from collections.abc import Sized
from typing import Any

import pjsua2 as pj
import structlog

from ivr.audio.line import LineBank
from ivr.sip.message import body_of
from ivr.sip.options import SipOptions
from ivr.sip.pjsip.call import PjCall
from ivr.sip.pjsip.native import CallSlots
from ivr.sip.security.srtp import refusal

log: Any = structlog.get_logger("ivr.sip")

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK"
LOAD_HEADER = "X-Load"
"""``calls/max`` in the answer to OPTIONS."""


class Admission:
    """SIP thread only, but for ``draining``."""

    def __init__(self, options: SipOptions, calls: Sized, bank: LineBank, *, takes_calls: bool) -> None:
        """``calls`` are those in the registry, ``bank`` has their lines; ``takes_calls`` is False where calls
        are only placed.
        """
        self._bank = bank
        self._options = options
        self._calls = calls
        self._takes_calls = takes_calls
        self.draining = False
        """Any thread → SIP thread: no further call is taken or placed."""
        self._limit = 0
        self._slots: CallSlots
        self._refused: set[PjCall] = set()

    def start(self, max_calls: int) -> None:
        """pjsua is there, with a slot more than that."""
        self._limit = max_calls
        self._slots = CallSlots(max_calls + 1)

    def why_not(self, but: int = -1) -> str | None:
        """Why no further call is taken or placed. ``but`` is the index of the call that is asked about, which
        has its slot already."""
        if self.draining:
            return "draining"
        return "full" if self._held(but) >= self._limit or self._bank.full else None

    def _held(self, but: int = -1) -> int:
        """Calls in the registry, or pjsua's slots when it still holds more."""
        return max(self._slots.taken(but), len(self._calls))

    def slots_taken(self) -> int:
        """Calls that pjsua has not let go of."""
        return self._slots.taken()

    def refusal(self, call_index: int, transport: str, message: str) -> tuple[int, str] | None:
        """Status and reason for an INVITE that is not let in."""
        reason = self.why_not(call_index) if self._takes_calls else "closed"
        if reason is not None:
            return 503, reason
        reason = refusal(self._options, transport, body_of(message))
        return None if reason is None else (488, reason)

    def refuse(self, call: PjCall, status: int, reason: str) -> None:
        """Answer it; it is kept until it has ended."""
        self._refused.add(call)
        prm = pj.CallOpParam()
        prm.statusCode = status
        reported = pj.SipHeader()
        if status == 503:
            reported.hName, reported.hValue = "Retry-After", str(self._options.retry_after_s)
        else:
            reported.hName, reported.hValue = "Warning", f'399 ivr "{reason}"'
        prm.txOption.headers.append(reported)
        log.warning("call_refused", call=call.call_id, status=status, reason=reason, calls=len(self._calls))
        call.end_reason = "refused"
        # Not hangup(): from inside onIncomingCall that drops the header.
        call.answer(prm)

    def forget(self, call: PjCall) -> None:
        """It has ended."""
        self._refused.discard(call)

    def options_state(self) -> tuple[int, dict[str, str]]:
        """The truth for who probes us (RFC 3261, 11): 200 while a call would be taken."""
        headers = {
            "Allow": ALLOW,
            "Accept": "application/sdp",
            LOAD_HEADER: f"{self._held()}/{self._limit}",
        }
        if self._takes_calls and self.why_not() is None:
            return 200, headers
        return 503, headers | {"Retry-After": str(self._options.retry_after_s)}

    def clear(self) -> None:
        """At the end: whatever was not answered in time."""
        self._refused.clear()
