"""Bans, for a while: sources of too many requests, or of messages that no phone sends."""

import time
from typing import Any

import structlog

from ivr.sip.gate.peers import SourceLimits
from ivr.sip.options import SipOptions

log: Any = structlog.get_logger("ivr.sip")

LIMIT_WINDOW_S = 10
MAX_RATE = 50
"""Requests a second from a source that is not trusted, over the window, after which it is banned."""


class Bans:
    """Counts what sources that are not trusted send. SIP thread only."""

    def __init__(self, options: SipOptions) -> None:
        self._faults = SourceLimits(options.ban_after, LIMIT_WINDOW_S, options.ban_s)
        self._rate = SourceLimits(MAX_RATE * LIMIT_WINDOW_S, LIMIT_WINDOW_S, options.ban_s)
        self.limits = (self._faults, self._rate)

    def refuses(self, host: str) -> bool:
        """Note a request; whether nothing from ``host`` is looked at."""
        now = time.monotonic()
        if any(limit.banned(host, now) for limit in self.limits):
            return True
        if self._rate.counted(host, now):
            log.warning("source_banned", source=host, reason="too many requests")
            return True
        return False

    def fault(self, host: str, reason: str = "too many refused requests") -> None:
        """Note a message that no phone of a caller sends."""
        if self._faults.counted(host, time.monotonic()):
            log.warning("source_banned", source=host, reason=reason)

    def forgive(self, host: str) -> None:
        """Forget the faults of a source that has shown who it is."""
        self._faults.forgive(host)
