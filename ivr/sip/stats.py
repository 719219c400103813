"""Counters of running calls: plain numbers, safe to read from any thread."""

from dataclasses import dataclass, field
from typing import Any

_BUCKET_NS = 5_000
_BUCKETS = 400


@dataclass(slots=True)
class CallbackTimes:
    """A histogram of Python time inside media callbacks, in buckets of 5 µs up to 2 ms.

    Written by the clock thread alone.
    """

    count: int = 0
    max_ns: int = 0
    _buckets: list[int] = field(default_factory=lambda: [0] * (_BUCKETS + 1), repr=False)

    def add(self, ns: int) -> None:
        self.count += 1
        if ns > self.max_ns:
            self.max_ns = ns
        self._buckets[min(ns // _BUCKET_NS, _BUCKETS)] += 1

    def percentile_us(self, percent: float) -> float:
        """Upper edge, in microseconds, of the bucket that holds the percentile; 0 with no sample."""
        wanted = self.count * percent / 100
        seen = 0
        for index, number in enumerate(self._buckets):
            seen += number
            if number and seen >= wanted:
                return (index + 1) * _BUCKET_NS / 1000
        return 0.0


@dataclass(slots=True)
class RtpStats:
    """One call's RTP, from pjmedia's RTCP session (RFC 3550, 6.4)."""

    received: int = 0
    arrived: int = 0
    """Packets of any kind that show that the other side is there: sound, RTCP, keep-alives (RFC 6263)."""
    sent: int = 0
    lost: int = 0
    jitter_ms: float = 0.0
    codec: str = ""
    encryption: str = "none"
    """``none``, or how the keys of SRTP were agreed: ``sdes`` or ``dtls``. The last that was in force."""

    def take(self, rtcp: Any, codec: str) -> None:
        """The counters of a ``pj.RtcpStat``."""
        self.received, self.lost = rtcp.rxStat.pkt, rtcp.rxStat.loss
        # Keep-alives that are not RTP are discarded, a receiver report updates what is known of our sending.
        self.arrived = rtcp.rxStat.pkt + rtcp.rxStat.discard + rtcp.txStat.updateCount
        self.sent = rtcp.txStat.pkt
        self.jitter_ms = rtcp.rxStat.jitterUsec.mean / 1000
        self.codec = codec
