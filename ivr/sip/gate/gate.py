"""The gate in front of pjsip: which messages it may see. SIP thread only."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from ivr.sip.errors import SipError
from ivr.sip.gate.audio_lines import Taken, unusable_ports
from ivr.sip.gate.bans import Bans
from ivr.sip.gate.counts import RefusalCounts, Treatment
from ivr.sip.gate.credentials import RegistrarChallenges
from ivr.sip.gate.dialogs import Dialogs
from ivr.sip.gate.digest import DigestChallenges
from ivr.sip.gate.hosts import HostAddresses, host_of
from ivr.sip.gate.nat import is_behind_nat
from ivr.sip.gate.peers import STRANGER, Peer, Peers
from ivr.sip.gate.raw_message import RawMessage, read
from ivr.sip.gate.recent import Recent
from ivr.sip.gate.request_checks import Refusal, media_types, refusal, response_refusal
from ivr.sip.gate.stranger_socket import Strangers
from ivr.sip.options import CODECS, SipOptions, is_loopback
from ivr.sip.pjsip import native
from ivr.sip.pjsip.packet_module import MessageLayout, Packet, PacketModule
from ivr.sip.pjsip.tls import build_security

log: Any = structlog.get_logger("ivr.sip")

_CHALLENGES = frozenset({401, 407})
_FORBIDDEN = 403
_NEVER = "4294967295"
"""A registration with this ``Expires`` ends the process on the stock wheel (an assertion)."""
_SCANNED = frozenset({"REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"})
"""Outside a call a phone sends these to its PBX, which we are not."""
_REFRESHES = frozenset({"INVITE", "UPDATE"})
"""Methods whose Contact says where the dialog's requests go from then on (RFC 3261, 12.2; RFC 3311)."""
REQUESTS_KEPT_S = 64.0
"""Seconds for which a request of ours is remembered: a transaction takes half of that (RFC 3261, 17)."""
RINGING_KEPT_S = 600.0
"""Seconds for which an INVITE of ours is remembered, from its last provisional response on."""
INVITES_KEPT_S = 300.0
"""Seconds within which the first answer to an INVITE is sent."""
PROVED_S = 3600.0
"""Seconds for which a source that proved a trunk's password may send what is no new call."""
_NO_PEER = "not from a peer in sip.accept_from"
_UNREADABLE = "not SIP, or broken (RFC 3261, 7)"
_BANNED: Treatment = "banned"
LOG_EVERY_S = 1.0
"""Refused messages are logged once in so many seconds, with a count of the others."""


@dataclass(slots=True)
class _Invite:
    """What is remembered of an INVITE that was let through."""

    peer: Peer
    branch: str
    media: list[str]
    routed: bool
    acknowledged: bool = False
    """Its ACK came. pjsip then takes one more copy of it for another call."""


class Gate:
    """Checks what pjsip receives, and keeps what it must know of what pjsip sends."""

    def __init__(
        self,
        options: SipOptions,
        admit: Callable[[bool], tuple[int, str] | None],
        challenges: RegistrarChallenges,
        hosts: HostAddresses,
        certificate_names: Callable[[int], Sequence[str]],
    ) -> None:
        """``admit(trusted)`` gives status and reason for a first INVITE that is not taken, else None.
        ``challenges`` knows which ones an account's credentials may answer, ``hosts`` the addresses of
        trunks, ``certificate_names`` what the sender of a ``pjsip_rx_data`` showed. Raises SipError.
        """
        self._admit, self._challenges, self._retry_after_s = admit, challenges, options.retry_after_s
        self._certificate_names = certificate_names
        try:
            self._peers = Peers(options, challenges.all_addresses, hosts)
        except (OSError, ValueError) as error:
            raise SipError(f"sip.trunks: password_file: {error}") from None
        elsewhere = set(options.accept_from) - {"loopback", "registrars", "trunks"}
        if not (elsewhere or options.registrations or options.trunks or is_loopback(options.bind)):
            log.warning("only_loopback_accepted", remedy="name those who may call in sip.accept_from")
        self._bans = Bans(options)
        keyings = set(options.srtp_keying) & set(build_security().keyings)
        encrypted = options.srtp != "off"
        self._taken = Taken(
            CODECS,
            plain=options.srtp != "required",
            sdes=encrypted and "sdes" in keyings,
            dtls=encrypted and "dtls" in keyings,
        )
        self._digest = DigestChallenges(time.monotonic)
        self._proved: Recent[str, Peer] = Recent(PROVED_S)
        """Sources that proved a trunk's password."""
        self.dialogs = Dialogs()
        self._requests: Recent[str, RawMessage] = Recent(REQUESTS_KEPT_S)
        """Requests of ours by the branch of their Via."""
        self._ringing: Recent[str, RawMessage] = Recent(RINGING_KEPT_S)
        """INVITEs among them."""
        self._invites: Recent[tuple[str, str], _Invite] = Recent(INVITES_KEPT_S)
        """INVITEs by Call-ID and From tag."""
        self._module = PacketModule(self._request, self._response, self._sent)
        self._strangers = Strangers(options.bind, self._peers, self._bans.limits)
        self.counts = RefusalCounts(time.monotonic())
        """Messages that did not reach pjsip, for whatever reason."""
        self._answering = False
        """An answer of our own is being sent: it begins no dialog."""
        self._logged = float("-inf")
        self._unlogged = 0

    def register(self) -> None:
        """Raises SipError."""
        self._module.register()
        self._strangers.open()

    def supervise(self) -> None:
        """Once a second: look at what strangers sent, log the counts (once a minute at most)."""
        self._strangers.update()
        self._look_at_strangers()
        report = self.counts.report(time.monotonic())
        if report is not None:
            log.info("messages_refused", **report)

    def close(self) -> None:
        """Log the counts since the start."""
        self._look_at_strangers()
        self._strangers.close()
        totals = self.counts.totals()
        if totals is not None:
            log.info("messages_refused_total", **totals)

    def _look_at_strangers(self) -> None:
        for data, host, port, banned in self._strangers.read():
            reason, treatment = ("banned", _BANNED) if banned else (_NO_PEER, None)
            self._note(reason, Packet(data, host, port), read(data), treatment=treatment)
        dropped = self._strangers.dropped()
        if dropped:
            self.counts.note("dropped", "dropped by the kernel", dropped)
            self._unlogged += dropped

    def sender(self, rdata: int) -> tuple[Packet, Peer]:
        """The packet of an INVITE in a ``pjsip_rx_data`` that was let through, and the peer that sent it."""
        packet = self._module.received(rdata)
        message = read(packet.data)
        invite = self._invites.get((message.call_id, message.from_tag))
        return packet, invite.peer if invite is not None else STRANGER

    # -- received

    def unreadable(self, host: str, port: int) -> None:
        """pjsip could not parse a packet, and has dropped it."""
        self._note(_UNREADABLE, Packet(b"", host, port), read(b""))
        peer = self._peers.find(host)
        if peer is None or not peer.trusted:
            self._bans.fault(host, "too many packets that are no SIP")

    def _request(self, packet: Packet) -> bool:
        message = read(packet.data)
        names = self._certificate_names(packet.pointer)
        peer = self._peers.find(packet.host, names)
        accounts = {} if peer is not None and peer.trusted else self._peers.accounts(packet.host, names)
        if (accounts or (peer is not None and not peer.trusted)) and self._bans.refuses(packet.host):
            self._note("banned", packet, message, treatment="banned")
            return True
        if accounts and message.method == "INVITE" and not message.to_tag:
            peer = self._judge(packet, message, accounts)
            if peer is None:
                return True
        elif accounts:
            peer = self._proved.get(packet.host) or peer
            if peer is None and message.method == "ACK":
                return True  # of the answer that was our challenge
        if peer is None:
            self._note(_NO_PEER, packet, message)
            return True
        found = (
            refusal(message, len(packet.data)) or self._sdp_refusal(message) or self._dialog_refusal(message)
        )
        if not peer.trusted and (found is not None or message.method in _SCANNED):
            self._bans.fault(packet.host)
        if found is None and message.method == "INVITE" and not message.to_tag:
            known = self._invites.get((message.call_id, message.from_tag))
            if known is not None and known.branch == message.branch:
                # The transaction repeats its answer until the ACK has come (RFC 6026, 7.1: then nothing).
                return known.acknowledged
            refused = self._admit(peer.trusted)
            found = Refusal(*refused) if refused is not None else None
        if found is not None:
            self._refuse(packet, message, found)
            return True
        self._let_through(packet, message, peer)
        return False

    def _let_through(self, packet: Packet, message: RawMessage, peer: Peer) -> None:
        routed = bool(message.value("record-route"))
        if message.method == "INVITE" and not message.to_tag:
            invite = _Invite(peer, message.branch, media_types(message.description), routed)
            self._invites.put((message.call_id, message.from_tag), invite)
        elif message.to_tag:
            dialog = self.dialogs.find(message.call_id, message.to_tag, message.from_tag)
            routed = dialog is not None and dialog.routed
            known = self._invites.get((message.call_id, message.from_tag))
            if known is not None and message.method == "ACK":
                known.acknowledged = True
        if message.method in _REFRESHES and message.body:
            self._module.refuse_media(packet, unusable_ports(message.body, self._taken))
        if message.method in _REFRESHES and not routed:
            self._reach_sender(packet, message, peer)

    def _reach_sender(self, packet: Packet, message: RawMessage, peer: Peer) -> None:
        """Where its Contact cannot be reached, its dialog's requests go to where the message came from."""
        contact = next(iter(message.addresses("contact")), "")
        host = host_of(contact)
        behind_nat = is_behind_nat(host, packet.host) if peer.behind_nat is None else peer.behind_nat
        if contact and behind_nat:
            self._module.replace_contact(packet, host)

    @staticmethod
    def _sdp_refusal(message: RawMessage) -> Refusal | None:
        """A session description that pjsip's own parser does not take: later it would assert that it does."""
        if all(native.sdp_is_valid(each.encode("latin-1")) for each in message.descriptions):
            return None
        return Refusal(0 if message.method == "ACK" else 488, "a session description that is none (RFC 8866)")

    # -- trunks that prove a password

    def _judge(
        self, packet: Packet, message: RawMessage, accounts: dict[str, tuple[str, Peer]]
    ) -> Peer | None:
        """The trunk whose password an INVITE proves; None when it was challenged or refused."""
        found = refusal(message, len(packet.data))
        if found is not None:
            self._bans.fault(packet.host)
            self._refuse(packet, message, found)
            return None
        passwords = {user: password for user, (password, _) in accounts.items()}
        verdict, user = self._digest.judge(message, packet.host, passwords)
        if verdict == "right":
            peer = accounts[user][1]
            self._proved.put(packet.host, peer)
            self._bans.forgive(packet.host)
            return peer
        if verdict == "wrong":
            self._bans.fault(packet.host, "too many wrong passwords")
            self._refuse(packet, message, Refusal(_FORBIDDEN, "wrong user or password"))
            return None
        if self._proved.get(packet.host) is None:
            # Who never answers a challenge is looking for open doors.
            self._bans.fault(packet.host, "too many unanswered challenges")
        stale = verdict == "stale"
        self._answer(packet, 401, self._digest.headers(packet.host, message.call_id, stale=stale))
        return None

    # -- dialogs

    def _dialog_refusal(self, message: RawMessage) -> Refusal | None:
        """A request inside a dialog that is not there, or whose offer its call cannot bear."""
        if message.method == "CANCEL" and not message.to_tag:
            # pjsip looks at the branch alone.
            known = self._invites.get((message.call_id, message.from_tag)) is not None
            return None if known else Refusal(481, "no such INVITE")
        if not message.to_tag:
            return None
        ids = (message.call_id, message.to_tag, message.from_tag)
        if not self.dialogs.accepts(message.method, *ids):
            return Refusal(0 if message.method == "ACK" else 481, "no such dialog")
        dialog = self.dialogs.find(*ids)
        offered = media_types(message.description)
        if dialog is None or not offered or message.method not in ("INVITE", "UPDATE"):
            return None
        before = dialog.media
        if before and (len(offered) < len(before) or offered[: len(before)] != before):
            return Refusal(488, "media lines may not be removed or change their kind (RFC 3264, 8)")
        if before and message.method == "UPDATE" and len(offered) > len(before):
            return Refusal(488, "an UPDATE adds no media lines here")
        dialog.media = offered
        return None

    def _response(self, packet: Packet, layout: MessageLayout) -> bool:
        message = read(packet.data)
        request = self._requests.get(message.branch) or self._ringing.get(message.branch)
        if request is None or request.call_id != message.call_id:
            self._note("response to no request of ours", packet, message)
            return True
        if message.status < 200 and request.method == "INVITE":
            self._ringing.put(message.branch, request)
        found = response_refusal(message) if request.method in _REFRESHES else None
        if found is not None:
            self._note(found.reason, packet, message, status=found.status)
            if not found.status:
                return True
            layout.set_status(packet.pointer, found.status)
            return False
        if request.method == "REGISTER" and _NEVER in message.head:
            self._note("an expiry that pjsip takes for none", packet, message)
            return True
        if message.status in _CHALLENGES and not self._challenges.allows(packet.host, request, message):
            # pjsua would answer with a digest of the account's password. It sees a refusal instead.
            self._note("a challenge from who is not the registrar", packet, message, status=_FORBIDDEN)
            layout.set_status(packet.pointer, _FORBIDDEN)
        if message.to_tag and request.method == "INVITE" and 100 < message.status < 300:
            dialog = self.dialogs.opened(message.call_id, message.from_tag, message.to_tag)
            dialog.media = media_types(message.description) or dialog.media
            dialog.routed = dialog.routed or bool(message.value("record-route"))
            dialog.confirmed = dialog.confirmed or message.status >= 200
        elif message.to_tag and request.method == "INVITE" and message.status >= 300:
            self.dialogs.failed(message.call_id, message.from_tag, message.to_tag)
        if request.method in _REFRESHES and 100 < message.status < 300 and not message.value("record-route"):
            self._reach_sender(packet, message, self._peers.find(packet.host) or STRANGER)
        return False

    # -- sent

    def _sent(self, packet: Packet) -> None:
        message = read(packet.data)
        if message.method:
            if message.method == "INVITE":
                self._ringing.put(message.branch, message)
            elif message.method != "ACK":  # which gets no answer
                self._requests.put(message.branch, message)
            self._strangers.called(packet.host)
            if message.method == "BYE":
                self.dialogs.ended(message.call_id, message.from_tag, message.to_tag)
            return
        if not message.to_tag or self._answering:
            return
        ids = (message.call_id, message.to_tag, message.from_tag)
        if message.cseq_method == "INVITE" and message.status > 100:
            # Also after a final refusal: its ACK has the tag, and ends the repetitions.
            is_new = self.dialogs.find(*ids) is None
            dialog = self.dialogs.opened(*ids)
            invite = self._invites.get((message.call_id, message.from_tag))
            if is_new and invite is not None:
                dialog.media, dialog.routed = invite.media, invite.routed
            if message.status >= 300:
                self.dialogs.failed(*ids)
            elif message.status >= 200:
                dialog.confirmed = True
        elif message.cseq_method == "BYE" and message.status >= 200:
            self.dialogs.ended(*ids)

    # -- refusing

    def _refuse(self, packet: Packet, message: RawMessage, found: Refusal) -> None:
        self._note(found.reason, packet, message, status=found.status)
        if found.status and message.method != "ACK":
            headers = [("Warning", f'399 ivr "{found.reason}"'), *found.headers]
            if found.status == 503:
                headers = [("Retry-After", str(self._retry_after_s))]
            self._answer(packet, found.status, headers)

    def _answer(self, packet: Packet, status: int, headers: list[tuple[str, str]]) -> None:
        self._answering = True
        try:
            native.respond_stateless(packet.pointer, status, headers)
        finally:
            self._answering = False

    def _note(
        self,
        reason: str,
        packet: Packet,
        message: RawMessage,
        *,
        status: int = 0,
        treatment: Treatment | None = None,
    ) -> None:
        self.counts.note(treatment or ("refused" if status else "dropped"), reason)
        now = time.monotonic()
        if now - self._logged < LOG_EVERY_S:
            self._unlogged += 1
            return
        log.warning(
            "message_refused",
            reason=reason,
            status=status or "dropped",
            method=message.method or message.status,
            source=f"{packet.host}:{packet.port}",
            call=message.call_id,
            others=self._unlogged,
        )
        self._logged, self._unlogged = now, 0
