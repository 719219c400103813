"""A call as everything beyond ``ivr/sip`` sees it: plain Python, no pjsua2 object inside."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from ivr.audio.line import Line
from ivr.audio.playback import Playback
from ivr.sip.identity import Identity, diverting, parse_identities, parse_identity
from ivr.sip.message import Headers
from ivr.sip.player import LinePlayer
from ivr.sip.routing import dial_uri
from ivr.sip.stats import RtpStats
from ivr.sip.transfer import TransferEnd
from ivr.text import clean_text

log: Any = structlog.get_logger("ivr.sip")


class LegCommands(Protocol):
    """Commands for a call, run on the SIP thread. Callable from any thread; none waits."""

    def answer(self, key: int, status: int) -> None: ...

    def hangup(self, key: int, reason: str, status: int) -> None: ...

    def send_dtmf(self, key: int, digits: str) -> None: ...

    def transfer(self, key: int, uri: str, timeout_s: float) -> None: ...

    def transfer_to_call(self, key: int, other: int, timeout_s: float) -> None: ...

    def connect_audio(self, source: int, sink: int) -> None: ...

    def disconnect_audio(self, key: int) -> None: ...

    def wire_player(self, key: int) -> None:
        """Connect or disconnect the player port, as its slot says when the SIP thread gets to it."""


class LegListener:
    """Receives what happens to a leg. Methods are called on the SIP thread and must only schedule work
    elsewhere; here each does nothing.
    """

    def offered(self) -> None:
        """An incoming call was admitted and waits for an answer. Comes first."""

    def dialed(self) -> None:
        """The INVITE of a call placed by us was sent, so its Call-ID is known. Comes first."""

    def progress(self, status: int, phrase: str) -> None:
        """A call placed by us got a provisional status: 180, 183, ... with its phrase."""

    def early_media(self) -> None:
        """Sound from the other side flows before it has answered."""

    def confirmed(self) -> None:
        """The call is answered, the ACK was received and media runs."""

    def key_pressed(self, key: str) -> None:
        """The other side pressed a key: one of 0-9 * # A-D."""

    def transfer_progress(self, status: int, phrase: str) -> None:
        """The other side reports a provisional status of its call to the target of a transfer."""

    def transferred(self, end: TransferEnd) -> None:
        """A transfer has ended; once for each ``CallLeg.transfer``."""

    def ended(self, reason: str, status: int) -> None:
        """The call is over. ``reason`` is "caller" or "callee" (who hung up), "cancelled", "rtp_timeout",
        "transferred", "failed" or the reason given to ``CallLeg.hangup``; of a call placed by us that was not
        answered "busy", "noanswer" or "refused", and "full" or "draining" when it was not even dialed.
        ``status`` is the final SIP status.
        """


class CallLeg:
    """One call. Its methods may be called from any thread and return at once; the SIP thread does what they
    ask for, and reports to ``listener``.
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
        headers: Headers | None = None,
        account: str = "",
        request_uri: str = "",
        peer: str = "",
        verified: bool = False,
    ) -> None:
        self._commands = commands
        self.key = key
        self.line = line
        """Its sound, both ways."""
        self.call_id = call_id
        """SIP Call-ID: what every line of the log about this call is bound to. Known to a call that we
        place from ``LegListener.dialed`` on."""
        self.caller = caller
        self.called = called
        self.domain = domain
        """``host[:port]`` that a bare extension belongs to: the registrar or the trunk the call came by."""
        self.transport = transport
        """The transport of its signalling: udp, tcp or tls."""
        self.outgoing = outgoing
        """Placed by us."""
        self.more_headers: Mapping[str, str] = {}
        """Put into the INVITE of a call placed by us."""
        self.ring_s: float | None = None
        """Seconds that a call placed by us may ring; None: ``SipOptions.dial_timeout_s``."""
        self.headers = headers or Headers()
        """The headers of the INVITE that came."""
        self.account = account
        """The registration that it came by; empty when by none."""
        self.request_uri = request_uri
        """Request-URI of the INVITE that came."""
        self.peer = peer
        """Sender of the INVITE: the name of a trunk, ``registrar``, ``loopback`` or ``any``."""
        self.verified = verified
        """It came from a peer whose word on identities is taken (RFC 3325)."""
        self.player = LinePlayer(new_playback, lambda: commands.wire_player(key))
        self.stats = RtpStats()
        self.listener = LegListener()
        """Receives what happens to the call; set once, by the user agent, before anything happens."""
        self._phrase = ""
        self.held = False
        """The caller has put us on hold: nothing flows and no timer runs."""

    @property
    def phrase(self) -> str:
        """The reason phrase of the final status, for ``LegListener.ended``; it is another side's text, made
        clean here.
        """
        return self._phrase

    @phrase.setter
    def phrase(self, phrase: str) -> None:
        self._phrase = clean_text(phrase)

    @property
    def called_user(self) -> str:
        """What was called: ``sales`` of ``sip:sales@host``. The Request-URI says it, unless a registrar or a
        proxy has put our account's own user there; then To does.
        """
        requested, to = (parse_identity(each).number_or_user for each in (self.request_uri, self.called))
        account = self.account.rpartition("@")[0]
        return to if not requested or (account and requested == account and to) else requested

    @property
    def caller_identity(self) -> Identity:
        """Return the caller: P-Asserted-Identity (RFC 3325) from a peer that is trusted, else From."""
        asserted = self.headers.get("p-asserted-identity", "") if self.verified else ""
        return next((each for each in parse_identities(asserted) if each.user), parse_identity(self.caller))

    @property
    def diverted_from(self) -> Identity:
        """Return who the call was for before it was sent on to us, as its sender says; empty when nobody."""
        return diverting(self.headers.all("diversion"), self.headers.all("history-info"))

    def ring(self) -> None:
        self._commands.answer(self.key, 180)

    def answer(self) -> None:
        self._commands.answer(self.key, 200)

    def send_dtmf(self, digits: str) -> None:
        """RTP telephone-events (RFC 4733)."""
        self._commands.send_dtmf(self.key, digits)

    def transfer(self, to: str, timeout_s: float) -> None:
        """Ask the other side to call ``to`` instead of us: a blind transfer (REFER, RFC 3515). ``to`` is a
        SIP URI, or an extension of ``domain``. ``LegListener.transferred`` follows within
        ``timeout_s``; when the outcome is "answered" the call is still up, to be ended with ``hangup``.
        Raises ValueError for an address that cannot be dialed.
        """
        self._commands.transfer(self.key, dial_uri(to, self.domain), timeout_s)

    def transfer_to_call(self, other: "CallLeg", timeout_s: float) -> None:
        """Ask the other side to take over our call ``other``, which was answered: an attended transfer (REFER
        with Replaces, RFC 3891, RFC 5589). Otherwise as ``transfer``.
        """
        self._commands.transfer_to_call(self.key, other.key, timeout_s)

    def receive_audio_from(self, other: "CallLeg") -> None:
        """Let the other side hear ``other`` too, in addition to what we play."""
        self._commands.connect_audio(other.key, self.key)

    def disconnect_audio(self) -> None:
        """Disconnect its audio from all other calls, in both directions."""
        self._commands.disconnect_audio(self.key)

    def hangup(self, reason: str, status: int = 0) -> None:
        """BYE; CANCEL for a call placed by us that is not answered; the final answer ``status`` (603 when 0)
        to one offered to us. ``reason`` is in the BYE too (RFC 3326). Idempotent."""
        self._commands.hangup(self.key, reason, status)

    # -- SIP thread

    def report_not_placed(self, reason: str) -> None:
        """The call ends before it was dialed."""
        self.call_id = f"undialed-{self.key}"
        self.listener.dialed()
        self.listener.ended(reason, 503)

    def report_progress(self, status: int, phrase: str) -> None:
        if self.outgoing:
            self.listener.progress(status, clean_text(phrase))

    def report_transfer_progress(self, status: int, phrase: str) -> None:
        phrase = clean_text(phrase)
        log.info("transfer_progress", call=self.call_id, status=status, reason=phrase)
        self.listener.transfer_progress(status, phrase)

    def report_transferred(self, end: TransferEnd) -> None:
        log.info(
            "transfer_ended", call=self.call_id, outcome=end.outcome, status=end.status, reason=end.reason
        )
        self.listener.transferred(end)
