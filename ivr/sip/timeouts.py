"""Time limits of a call: ringing, silence on the wire, hold. Pure: the caller passes events and the time in
seconds.
"""

from ivr.sip.options import SipOptions


class CallTimeouts:
    """The running time limits of one call."""

    def __init__(self, now: float) -> None:
        self._packets = -1
        self._last_media = now
        self._dialed = self._hold_began = 0.0
        self._ring_s: float | None = None

    def dialed(self, now: float, ring_s: float | None = None) -> None:
        """The INVITE was sent. ``ring_s``: how long this call may ring, instead of ``dial_timeout_s``."""
        self._dialed, self._ring_s = now, ring_s

    def media_expected(self, now: float) -> None:
        """RTP came, or should come from now on: the time limit for silence starts again."""
        self._last_media = now

    def hold_changed(self, now: float) -> None:
        """The call was put on hold or resumed."""
        self._hold_began = now

    def unanswered(self, now: float, options: SipOptions) -> bool:
        """Return whether a call placed by us has rung for too long."""
        return now - self._dialed >= (self._ring_s or options.dial_timeout_s)

    def expired(
        self, now: float, options: SipOptions, arrived: int, *, held: bool
    ) -> tuple[str, float] | None:
        """Return why an answered call must end, with the limit in seconds; None while it may go on.
        ``arrived`` counts its packets of any kind so far, RTCP and keep-alives too.
        """
        if arrived != self._packets or held:
            self._packets, self._last_media = arrived, now
        elif now - self._last_media >= options.rtp_timeout_s:
            return "rtp_timeout", options.rtp_timeout_s
        if held and now - self._hold_began >= options.hold_timeout_s:
            return "hold_timeout", options.hold_timeout_s
        return None
