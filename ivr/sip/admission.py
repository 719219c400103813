"""Admission: whether one more call is taken, how others are refused, how OPTIONS is answered."""

import resource
import time
from collections.abc import Sized
from typing import Any

import structlog

from ivr.audio.line import LineBank
from ivr.sip.descriptors import Descriptors
from ivr.sip.gate.raw_message import RawMessage
from ivr.sip.options import SipOptions
from ivr.sip.pjsip.call import PjCall
from ivr.sip.pjsip.native import CallSlots
from ivr.sip.pjsip.outgoing import answer
from ivr.sip.security.srtp import refusal

log: Any = structlog.get_logger("ivr.sip")

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK"
LOAD_HEADER = "X-Load"
"""``calls/max`` in the answer to OPTIONS."""


RESERVED_FROM = 4
"""Calls at once from which one is reserved for trusted senders."""
REPORT_EVERY_S = 60.0
"""Seconds between two lines of the log about file descriptors that are used up."""


def _reserved(max_calls: int) -> int:
    """Return the default of ``reserved_calls``."""
    return max(1, max_calls // 10) if max_calls >= RESERVED_FROM else 0


class Admission:
    """Decides on each call. SIP thread only, except ``draining``."""

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
        self._limit = self._reserved = 0
        self._slots: CallSlots
        self._refused: set[PjCall] = set()
        self._descriptors = Descriptors()
        self._reported_at = float("-inf")

    def start(self, max_calls: int) -> None:
        """pjsua runs with one slot more than ``max_calls``."""
        self._limit = max_calls
        reserved = self._options.reserved_calls
        self._reserved = min(max_calls, _reserved(max_calls) if reserved is None else reserved)
        self._slots = CallSlots(max_calls + 1)

    def refusal_reason(self, exclude: int = -1, *, trusted: bool = True) -> str | None:
        """Return why no further call is taken or placed: "full", "draining", "descriptors" or None.
        ``exclude`` is the index of the call in question, which has its slot already. Who is not ``trusted``
        finds it full when only reserved calls are left.
        """
        if self.draining:
            return "draining"
        limit = self._limit if trusted else self._limit - self._reserved
        if self._open(exclude) >= limit or self._bank.full:
            return "full"
        if self._descriptors.used_up():
            self._report_descriptors()
            return "descriptors"
        return None

    def _report_descriptors(self) -> None:
        now = time.monotonic()
        if now - self._reported_at < REPORT_EVERY_S:
            return
        self._reported_at = now
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        remedy = "new calls get 503: raise the limit of open files (LimitNOFILE of systemd, ulimit -n)"
        log.error("descriptors_used_up", limit=limit, calls=len(self._calls), remedy=remedy)

    def _open(self, exclude: int = -1) -> int:
        """Return the calls in the registry, or pjsua's taken slots when these are more."""
        return max(self._slots.taken(exclude), len(self._calls))

    def slots_taken(self) -> int:
        """Return how many call slots pjsua has not freed yet."""
        return self._slots.taken()

    def gate_refusal(self, trusted: bool) -> tuple[int, str] | None:
        """Return status and reason for an INVITE that pjsua need not see; it would take a slot."""
        reason = self.refusal_reason(trusted=trusted) if self._takes_calls else "closed"
        return None if reason is None else (503, reason)

    def refusal(self, call_index: int, transport: str, message: RawMessage) -> tuple[int, str] | None:
        """Return status and reason for an INVITE that is refused; None for one that is admitted."""
        reason = self.refusal_reason(call_index) if self._takes_calls else "closed"
        if reason is not None:
            return 503, reason
        reason = refusal(self._options, transport, message.body)
        return None if reason is None else (488, reason)

    def refuse(self, call: PjCall, status: int, reason: str) -> None:
        """Answer a refused call, which is kept until it has ended. It may have ended already."""
        if call.freed:
            return
        self._refused.add(call)
        if status == 503:
            headers = {"Retry-After": str(self._options.retry_after_s)}
        else:
            headers = {"Warning": f'399 ivr "{reason}"'}
        log.warning("call_refused", call=call.call_id, status=status, reason=reason, calls=len(self._calls))
        call.end_reason = "refused"
        answer(call, status, headers)

    def forget(self, call: PjCall) -> None:
        """A refused call has ended."""
        self._refused.discard(call)

    def options_state(self) -> tuple[int, dict[str, str]]:
        """Return status and headers of the answer to OPTIONS (RFC 3261, 11): 200 while a call would be
        taken."""
        headers = {
            "Allow": ALLOW,
            "Accept": "application/sdp",
            LOAD_HEADER: f"{self._open()}/{self._limit}",
        }
        if self._takes_calls and self.refusal_reason() is None:
            return 200, headers
        return 503, headers | {"Retry-After": str(self._options.retry_after_s)}

    def clear(self) -> None:
        """Drop the calls that were not answered in time, when the agent stops."""
        self._refused.clear()
