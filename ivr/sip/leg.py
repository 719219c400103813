"""A call as everything beyond ``ivr/sip`` sees it: plain Python, no pjsua2 object inside."""

from collections.abc import Callable
from typing import Protocol

from ivr.audio.frames import LINE_RATE
from ivr.audio.line import Line
from ivr.audio.playback import Playback
from ivr.sip.message import uri_user
from ivr.sip.ports import PlaybackSlot
from ivr.sip.stats import RtpStats


class LegCommands(Protocol):
    """What the SIP thread does for a call. Callable from any thread; none waits."""

    def answer(self, key: int, status: int) -> None: ...

    def hangup(self, key: int, reason: str, status: int) -> None: ...

    def send_dtmf(self, key: int, digits: str) -> None: ...

    def wire_player(self, key: int) -> None:
        """Connect or disconnect the player port, as its slot says when the SIP thread gets to it."""


class CallLeg:
    """One call. Its methods may be called from any thread and return at once; what they ask for happens
    on the SIP thread. Hooks are called on the SIP thread and must only schedule work elsewhere.
    """

    def __init__(
        self,
        commands: LegCommands,
        key: int,
        line: Line,
        new_playback: Callable[[], Playback],
        *,
        call_id: str,
        caller: str,
        called: str,
        transport: str = "udp",
    ) -> None:
        self._commands = commands
        self.key = key
        self.line = line
        """Its sound, both ways."""
        self.call_id = call_id
        """SIP Call-ID: what every line of the log about this call is bound to."""
        self.caller = caller
        self.called = called
        self.transport = transport
        """What its signalling came over: udp, tcp or tls."""
        self.player = LinePlayer(commands, key, new_playback)
        self.stats = RtpStats()
        self.on_confirmed: Callable[[], None] | None = None
        """The ACK is there and media runs."""
        self.on_dtmf: Callable[[str], None] | None = None
        self.on_ended: Callable[[str, int], None] | None = None
        """Called with why ("caller", "cancelled", "rtp_timeout", "failed" or the reason given to ``hangup``)
        and the SIP status."""
        self.held = False
        """The caller has put us on hold: nothing flows and no timer runs."""

    @property
    def called_user(self) -> str:
        """The user part of the called address: ``sales`` of ``<sip:sales@host>``."""
        return uri_user(self.called)

    def ring(self) -> None:
        self._commands.answer(self.key, 180)

    def answer(self) -> None:
        self._commands.answer(self.key, 200)

    def send_dtmf(self, digits: str) -> None:
        """RTP telephone-events (RFC 4733)."""
        self._commands.send_dtmf(self.key, digits)

    def hangup(self, reason: str, status: int = 0) -> None:
        """BYE, or the final answer ``status`` (603 when 0) to a call not yet answered. Idempotent."""
        self._commands.hangup(self.key, reason, status)


class LinePlayer:
    """The session's player on a call (see ``ivr.session.types.Player``)."""

    sample_rate = LINE_RATE

    def __init__(self, commands: LegCommands, key: int, new_playback: Callable[[], Playback]) -> None:
        self._commands = commands
        self._key = key
        self._new_playback = new_playback
        self.slot = PlaybackSlot()

    def playback(self) -> Playback:
        return self._new_playback()

    def play(self, buffer: Playback) -> None:
        self.slot.buffer = buffer
        self._commands.wire_player(self._key)

    def release(self, buffer: Playback) -> None:
        if self.slot.buffer is buffer:
            self.slot.buffer = None
            self._commands.wire_player(self._key)

    def advance(self, samples: int) -> None:
        """The bridge's clock paces a call; the caller's audio does not."""
