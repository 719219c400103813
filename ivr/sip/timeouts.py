"""When a call has gone on for too long. Pure: it receives what happened and a clock, in seconds."""

from ivr.sip.options import SipOptions


class CallTimeouts:
    """For one call."""

    def __init__(self, now: float) -> None:
        self._packets = -1
        self._heard = now
        self._dialed = self._held = 0.0
        self._ring_s: float | None = None

    def dialed(self, now: float, ring_s: float | None = None) -> None:
        """The INVITE is out. ``ring_s``: how long it may ring, when not as long as all."""
        self._dialed, self._ring_s = now, ring_s

    def heard(self, now: float) -> None:
        """Something was heard, or there is a new reason to expect it."""
        self._heard = now

    def hold_changed(self, now: float) -> None:
        self._held = now

    def unanswered(self, now: float, options: SipOptions) -> bool:
        """A call placed by us has rung for long enough."""
        return now - self._dialed >= (self._ring_s or options.dial_timeout_s)

    def over(self, now: float, options: SipOptions, received: int, *, held: bool) -> tuple[str, float] | None:
        """Why an answered call is to be ended, and the seconds it was given. ``received`` counts its RTP
        packets so far."""
        if received != self._packets or held:
            self._packets, self._heard = received, now
        elif now - self._heard >= options.rtp_timeout_s:
            return "rtp_timeout", options.rtp_timeout_s
        if held and now - self._held >= options.hold_timeout_s:
            return "hold_timeout", options.hold_timeout_s
        return None
