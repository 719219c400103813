"""The gate in front of pjsip: which messages it may see. SIP thread only."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

import structlog

from ivr.sip.gate.audio_lines import Taken, unusable_ports
from ivr.sip.gate.credentials import RegistrarChallenges
from ivr.sip.gate.dialogs import Dialogs
from ivr.sip.gate.peers import STRANGER, Peer, Peers, SourceLimits
from ivr.sip.gate.raw_message import RawMessage, read
from ivr.sip.gate.request_checks import Refusal, media_types, refusal
from ivr.sip.options import CODECS, SipOptions, is_loopback
from ivr.sip.pjsip import native
from ivr.sip.pjsip.packet_module import MessageLayout, Packet, PacketModule
from ivr.sip.pjsip.tls import build_security

log: Any = structlog.get_logger("ivr.sip")

Key = TypeVar("Key")
Value = TypeVar("Value")

_CHALLENGES = frozenset({401, 407})
_FORBIDDEN = 403
_SCANNED = frozenset({"REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH"})
"""Outside a call a phone sends these to its PBX, which we are not."""
LIMIT_WINDOW_S = 10
MAX_RATE = 50
"""Requests a second from a source that is not trusted, over the window, after which it is banned."""
MAX_REQUESTS = 20_000
"""Requests of ours whose answers are waited for; the oldest is forgotten when there are more."""
LOG_EVERY_S = 1.0
"""Refused messages are logged once in so many seconds, with a count of the others."""


class Gate:
    """Checks what pjsip receives, and keeps what it must know of what pjsip sends."""

    def __init__(
        self,
        options: SipOptions,
        admit: Callable[[RawMessage, Packet], tuple[int, str] | None],
        challenges: RegistrarChallenges,
    ) -> None:
        """``admit(message, packet)`` gives status and reason for a first INVITE that is not taken, else None.
        ``challenges`` knows which ones an account's credentials may answer.
        """
        self._admit, self._challenges, self._retry_after_s = admit, challenges, options.retry_after_s
        self._peers = Peers(options, challenges.all_addresses)
        elsewhere = set(options.accept_from) - {"loopback", "registrars", "trunks"}
        if not (elsewhere or options.registrations or options.trunks or is_loopback(options.bind)):
            log.warning("only_loopback_accepted", remedy="name those who may call in sip.accept_from")
        self._faults = SourceLimits(options.ban_after, LIMIT_WINDOW_S, options.ban_s)
        self._rate = SourceLimits(MAX_RATE * LIMIT_WINDOW_S, LIMIT_WINDOW_S, options.ban_s)
        keyings = set(options.srtp_keying) & set(build_security().keyings)
        encrypted = options.srtp != "off"
        self._taken = Taken(
            CODECS,
            plain=options.srtp != "required",
            sdes=encrypted and "sdes" in keyings,
            dtls=encrypted and "dtls" in keyings,
        )
        self.dialogs = Dialogs()
        self._requests: OrderedDict[str, RawMessage] = OrderedDict()
        """Requests of ours by the branch of their Via."""
        self._offers: OrderedDict[tuple[str, str], list[str]] = OrderedDict()
        """The media types of an INVITE that was let through, by Call-ID and From tag."""
        self._module = PacketModule(self._request, self._response, self._sent)
        self.refused = 0
        """Messages that did not reach pjsip, for whatever reason."""
        self.strangers = 0
        """Those among them that came from nobody who may send SIP, or from who is banned."""
        self._logged = float("-inf")
        self._unlogged = 0

    def register(self) -> None:
        """Raises SipError."""
        self._module.register()

    def sender(self, rdata: int) -> tuple[Packet, Peer]:
        """The packet in a ``pjsip_rx_data`` that was let through, and the peer that sent it."""
        packet = self._module.received(rdata)
        return packet, self._peers.find(packet.host) or STRANGER

    # -- received

    def _request(self, packet: Packet) -> bool:
        message = read(packet.data)
        peer = self._peers.find(packet.host)
        if peer is None or (not peer.trusted and self._is_banned(packet)):
            self.strangers += 1
            self._note("not from a peer in sip.accept_from" if peer is None else "banned", packet, message)
            return True
        found = refusal(message, len(packet.data)) or self._dialog_refusal(message)
        if not peer.trusted and (found is not None or message.method in _SCANNED):
            self._fault(packet)
        if found is not None:
            self._refuse(packet, message, found)
            return True
        if message.method == "INVITE" and not message.to_tag:
            refused = self._admit(message, packet)
            if refused is not None:
                self._refuse(packet, message, Refusal(*refused))
                return True
            _keep(self._offers, (message.call_id, message.from_tag), media_types(message.body))
        if message.method in ("INVITE", "UPDATE") and message.body:
            self._module.refuse_media(packet, unusable_ports(message.body, self._taken))
        return False

    def _is_banned(self, packet: Packet) -> bool:
        now = time.monotonic()
        if self._faults.banned(packet.host, now) or self._rate.banned(packet.host, now):
            return True
        if self._rate.counted(packet.host, now):
            log.warning("source_banned", source=packet.host, reason="too many requests")
            return True
        return False

    def _fault(self, packet: Packet) -> None:
        """Note a message that no phone of a caller sends."""
        if self._faults.counted(packet.host, time.monotonic()):
            log.warning("source_banned", source=packet.host, reason="too many refused requests")

    def _dialog_refusal(self, message: RawMessage) -> Refusal | None:
        """A request inside a dialog that is not there, or whose offer its call cannot bear."""
        if not message.to_tag:
            return None
        ids = (message.call_id, message.to_tag, message.from_tag)
        if not self.dialogs.accepts(message.method, *ids):
            return Refusal(0 if message.method == "ACK" else 481, "no such dialog")
        dialog = self.dialogs.find(*ids)
        offered = media_types(message.body) if message.body else []
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
        request = self._requests.get(message.branch)
        if request is None or request.call_id != message.call_id:
            self._note("response to no request of ours", packet, message)
            return True
        if message.status in _CHALLENGES and not self._challenges.allows(packet.host, request, message):
            # pjsua would answer with a digest of the account's password. It sees a refusal instead.
            self._note("a challenge from who is not the registrar", packet, message)
            layout.set_status(packet.pointer, _FORBIDDEN)
        if message.to_tag and request.method == "INVITE" and 100 < message.status < 300:
            dialog = self.dialogs.opened(message.call_id, message.from_tag, message.to_tag)
            dialog.media = media_types(message.body) or dialog.media
        return False

    # -- sent

    def _sent(self, packet: Packet) -> None:
        message = read(packet.data)
        if message.method:
            _keep(self._requests, message.branch, message)
            if message.method == "BYE":
                self.dialogs.ended(message.call_id, message.from_tag, message.to_tag)
        elif message.to_tag and message.cseq_method == "INVITE" and 100 < message.status < 300:
            dialog = self.dialogs.opened(message.call_id, message.to_tag, message.from_tag)
            dialog.media = dialog.media or self._offers.pop((message.call_id, message.from_tag), [])
        elif message.to_tag and message.cseq_method == "BYE" and message.status >= 200:
            self.dialogs.ended(message.call_id, message.to_tag, message.from_tag)

    # -- refusing

    def _refuse(self, packet: Packet, message: RawMessage, found: Refusal) -> None:
        self._note(found.reason, packet, message, status=found.status)
        if found.status and message.method != "ACK":
            headers = {"Warning": f'399 ivr "{found.reason}"'}
            if found.status == 503:
                headers = {"Retry-After": str(self._retry_after_s)}
            native.respond_stateless(packet.pointer, found.status, headers)

    def _note(self, reason: str, packet: Packet, message: RawMessage, *, status: int = 0) -> None:
        self.refused += 1
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


def _keep(table: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    """Put the newest entry last, and forget the oldest when there are more than ``MAX_REQUESTS``."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > MAX_REQUESTS:
        table.popitem(last=False)
