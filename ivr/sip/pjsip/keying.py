"""The SRTP keys of a call: how they were agreed, and the time limit for agreeing on them."""

import re
from typing import Any

import pjsua2 as pj
import structlog

log: Any = structlog.get_logger("ivr.sip")

KEYING_S = 5.0
"""Seconds for the handshake of DTLS-SRTP; a call without keys has no sound either way."""

_SRTP = re.compile(r"SRTP status: Active Crypto-suite: (\S+)")
"""Part of pjsua's description of a call, the only place where pjsua2 reports it."""


class Keying:
    """The SRTP keys of one call. The call is passed to each method: a reference to it would be a cycle. SIP
    thread only.
    """

    def __init__(self) -> None:
        self.hidden = True
        """No SDES key in an offer of ours."""
        self.pending = False
        """DTLS has yet to agree on keys; what is said before is lost."""
        self.known = False
        """It is known how the stream is encrypted."""
        self._until = 0.0

    def begin(self, now: float) -> None:
        """There is a new stream."""
        self.known, self._until = False, now + KEYING_S

    def look(self, call: Any) -> str | None:
        """Return how the stream of a ``pj.Call`` is encrypted: ``none``, ``sdes`` or ``dtls``; None while
        that is pending."""
        try:
            dtls = bool(call.getStreamInfo(call.audio_index).proto & pj.PJMEDIA_TP_PROTO_DTLS)
            suite = _SRTP.search(call.dump(True, ""))
        except pj.Error:
            dtls, suite = False, None  # no stream: it is on hold
        self.pending = dtls and suite is None
        self.known = not self.pending
        if suite is None:
            return None if self.pending else "none"
        keys = "dtls" if dtls else "sdes"
        log.info("media_encrypted", call=call.call_id, keys=keys, suite=suite[1])
        return keys

    def overdue(self, now: float) -> bool:
        return self.pending and now >= self._until
