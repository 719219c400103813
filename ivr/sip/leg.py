"""A call as everything beyond ``ivr/sip`` sees it: plain Python, no pjsua2 object inside."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from ivr.audio.line import Line
from ivr.audio.playback import Playback
from ivr.sip.message import uri_user
from ivr.sip.player import LinePlayer
from ivr.sip.routing import dialled
from ivr.sip.stats import RtpStats
from ivr.sip.transfer import TransferEnd

log: Any = structlog.get_logger("ivr.sip")


class LegCommands(Protocol):
    """What the SIP thread does for a call. Callable from any thread; none waits."""

    def answer(self, key: int, status: int) -> None: ...

    def hangup(self, key: int, reason: str, status: int) -> None: ...

    def send_dtmf(self, key: int, digits: str) -> None: ...

    def transfer(self, key: int, uri: str, timeout_s: float) -> None: ...

    def transfer_to_call(self, key: int, other: int, timeout_s: float) -> None: ...

    def join(self, speaker: int, hearer: int) -> None: ...

    def part(self, key: int) -> None: ...

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
        call_id: str = "",
        caller: str,
        called: str,
        domain: str = "",
        transport: str = "udp",
        outgoing: bool = False,
        headers: Mapping[str, str] | None = None,
        account: str = "",
    ) -> None:
        self._commands = commands
        self.key = key
        self.line = line
        """Its sound, both ways."""
        self.call_id = call_id
        """SIP Call-ID: what every line of the log about this call is bound to. Known to a call that we
        place from ``on_dialled`` on."""
        self.caller = caller
        self.called = called
        self.domain = domain
        """``host[:port]`` that a bare extension belongs to: the registrar or the trunk the call came by."""
        self.transport = transport
        """What its signalling came over: udp, tcp or tls."""
        self.outgoing = outgoing
        """Placed by us."""
        self.more_headers: Mapping[str, str] = {}
        """Put into the INVITE of a call placed by us."""
        self.ring_s: float | None = None
        """How long a call placed by us may ring; None: ``SipOptions.dial_timeout_s``."""
        self.headers = headers or {}
        """Of the INVITE that came, names in small letters."""
        self.account = account
        """The registration that it came by; empty when by none."""
        self.player = LinePlayer(new_playback, lambda: commands.wire_player(key))
        self.stats = RtpStats()
        self.on_confirmed: Callable[[], None] | None = None
        """It is answered, the ACK is there and media runs."""
        self.on_dtmf: Callable[[str], None] | None = None
        self.on_ended: Callable[[str, int], None] | None = None
        """Called with why and the SIP status: "caller" or "callee" (who hung up), "cancelled", "rtp_timeout",
        "transferred", "failed" or the reason given to ``hangup``. Of a call placed by us that was not
        answered: "busy", "noanswer", "refused"; "full" or "draining" when it was not even dialled."""
        self.phrase = ""
        """The reason phrase that came with that status."""
        self.on_dialled: Callable[[], None] | None = None
        """The INVITE of a call placed by us is out. Comes before every other hook."""
        self.on_progress: Callable[[int, str], None] | None = None
        """A provisional status of a call placed by us: 180, 183, ... and its phrase."""
        self.on_early_media: Callable[[], None] | None = None
        """Sound from the other side flows before it has answered."""
        self.on_transfer_progress: Callable[[int, str], None] | None = None
        """What the other side tells of its call to the target of a transfer: 100, 180, ..."""
        self.on_transferred: Callable[[TransferEnd], None] | None = None
        """What became of ``transfer``; once each."""
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

    def transfer(self, to: str, timeout_s: float) -> None:
        """Ask the other side to call ``to`` instead of us: a blind transfer (REFER, RFC 3515). ``to`` is a
        SIP URI, or an extension of ``domain``. ``on_transferred`` tells the end, after ``timeout_s`` at the
        latest; when it is "answered" the call is still up, to be ended with ``hangup``. ValueError for an
        address that cannot be dialled.
        """
        self._commands.transfer(self.key, dialled(to, self.domain), timeout_s)

    def transfer_to_call(self, other: "CallLeg", timeout_s: float) -> None:
        """Ask the other side to take over our call ``other``, which was answered: an attended transfer (REFER
        with Replaces, RFC 3891, RFC 5589). Otherwise as ``transfer``.
        """
        self._commands.transfer_to_call(self.key, other.key, timeout_s)

    def hear(self, other: "CallLeg") -> None:
        """From now on this side is sent what ``other`` says, beside what we say."""
        self._commands.join(other.key, self.key)

    def part(self) -> None:
        """It hears no other call any more, and none hears it."""
        self._commands.part(self.key)

    def hangup(self, reason: str, status: int = 0) -> None:
        """BYE; CANCEL for a call placed by us that is not answered; the final answer ``status`` (603 when 0)
        to one offered to us. ``reason`` stands in the BYE too (RFC 3326). Idempotent."""
        self._commands.hangup(self.key, reason, status)

    # -- the SIP thread tells

    def tell_not_placed(self, reason: str) -> None:
        """It ends before it was dialled."""
        self.call_id = f"undialled-{self.key}"
        if self.on_dialled is not None:
            self.on_dialled()
        if self.on_ended is not None:
            self.on_ended(reason, 503)

    def tell_progress(self, status: int, phrase: str) -> None:
        if self.outgoing and self.on_progress is not None:
            self.on_progress(status, phrase)

    def tell_transfer_progress(self, status: int, phrase: str) -> None:
        log.info("transfer_progress", call=self.call_id, status=status, reason=phrase)
        if self.on_transfer_progress is not None:
            self.on_transfer_progress(status, phrase)

    def tell_transferred(self, end: TransferEnd) -> None:
        log.info(
            "transfer_ended", call=self.call_id, outcome=end.outcome, status=end.status, reason=end.reason
        )
        if self.on_transferred is not None:
            self.on_transferred(end)
