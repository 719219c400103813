"""The pjsua2 side of a call. Created, used and freed on the SIP thread."""

import time
from typing import Any, Protocol

import pjsua2 as pj
import structlog

from ivr.audio.line import Line
from ivr.sip.dialog_requests import answer_to
from ivr.sip.gate.raw_message import RawMessage, read_text
from ivr.sip.keys import KEYS, KeyEvents, KeyPresses, KeyTransport
from ivr.sip.leg import CallLeg
from ivr.sip.message import offers_codec, outcome_of, reason_header
from ivr.sip.options import CODECS, SipOptions
from ivr.sip.pjsip import native
from ivr.sip.pjsip.callbacks import guarded
from ivr.sip.pjsip.keying import KEYING_S, Keying
from ivr.sip.pjsip.media import FLOWING, CallMedia, audio_line
from ivr.sip.pjsip.media_filter import MediaFilter
from ivr.sip.pjsip.outgoing import add_headers, send_keys
from ivr.sip.pjsip.wiring import Wiring
from ivr.sip.redirects import Redirects
from ivr.sip.security.srtp import without_keys
from ivr.sip.stats import CallbackTimes
from ivr.sip.timeouts import CallTimeouts
from ivr.sip.transfer import Transfer, TransferEnd

log = structlog.get_logger("ivr.sip")


class CallOwner(Protocol):
    """The part of the user agent that a call uses. All on the SIP thread."""

    times: CallbackTimes
    options: SipOptions

    def call_ended(self, call: "PjCall", ports: CallMedia | None, line: Line | None) -> None: ...

    def securing(self, call: "PjCall", pending: bool) -> None: ...

    def media_changed(self, call: "PjCall") -> None: ...


class PjCall(pj.Call):  # type: ignore[misc]
    """A call with its media ports. ``leg`` is None for a call that is being refused."""

    def __init__(self, account: Any, owner: CallOwner, call_index: int = pj.PJSUA_INVALID_ID) -> None:
        """``call_index`` is pjsua's, for an incoming call; without it the call is to be dialed."""
        super().__init__(account, call_index)
        self._owner = owner
        self.leg: CallLeg | None = None
        self.key: int | None = None
        self.call_id = ""
        self.end_reason: str | None = None
        self.keying = Keying()
        self.confirmed = False
        self.freed = False  # when True, nothing of pjsua2's may be called for it
        self._confirmation_reported = False
        self._media_ready = False
        self._wiring = Wiring()
        self._timeouts = CallTimeouts(time.monotonic())
        self._dialing = False
        self._transfer: Transfer | None = None
        self._redirects: Redirects | None = None
        self._redirected = ""  # where it did not go
        self._events, self._presses, self._filter = KeyEvents(), KeyPresses(), MediaFilter()
        self.audio_index = 0
        """The media line that is used for the sound, in the order of the SDP."""

    @property
    def stream(self) -> Any:
        """The call's stream in the bridge (``pj.AudioMedia``); None while there is none."""
        return self._wiring.stream

    # -- callbacks of pjsua

    @guarded
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.confirmed = True
            self._timeouts.media_expected(time.monotonic())
            self._report_confirmed()
        elif info.state == pj.PJSIP_INV_STATE_EARLY:
            if self.leg is not None:
                self.leg.report_progress(int(info.lastStatusCode), info.lastReason)
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and not self._dialing:
            try:
                self._disconnected(int(info.lastStatusCode), info.lastReason)
            finally:
                self._free()

    @guarded
    def onCallMediaState(self, prm: Any) -> None:
        leg = self.leg
        if leg is None:
            return
        info = self.getInfo()  # kept in a variable: its media die with it
        place, media = audio_line(info.media)
        self.audio_index = int(media.index) if media is not None else 0
        if media is None or media.status not in FLOWING:
            # On hold with nothing flowing at all (a=inactive, c=0.0.0.0), perhaps from the start.
            self._without_stream(leg, media is not None and media.status == pj.PJSUA_CALL_MEDIA_NONE)
            if media is not None and media.status == pj.PJSUA_CALL_MEDIA_ERROR and self.keying.pending:
                self._give_up_keys("the handshake of DTLS failed")
            return
        held = media.status != pj.PJSUA_CALL_MEDIA_ACTIVE
        self._hold(leg, held)
        try:
            stream = self.getAudioMedia(place)
        except pj.Error:
            # An offer that begins on hold has no port in the bridge yet.
            self._without_stream(leg, True)
            return
        self._wiring.connect(stream, leg, self._owner.times)
        self._owner.media_changed(self)
        now = time.monotonic()
        self._timeouts.media_expected(now)
        self.keying.begin(now)
        self._filter.begin(self, now)
        if not self.confirmed:
            leg.listener.early_media()
        self.check_keys(now)

    @guarded
    def onCallSdpCreated(self, prm: Any) -> None:
        if self.keying.hidden and not self.getInfo().remOfferer:
            prm.sdp.wholeSdp = without_keys(native.sdp_text(prm.sdp))

    @guarded
    def onDtmfEvent(self, prm: Any) -> None:
        by_rtp = prm.method == pj.PJSUA_DTMF_METHOD_RFC2833
        if by_rtp and self._events.begins(prm.digit, prm.timestamp, prm.duration, prm.flags):
            self.pressed(prm.digit, "rtp")

    @guarded
    def onCallTsxState(self, prm: Any) -> None:
        event = prm.e.body.tsxState
        tsx, rdata = event.tsx, event.src.rdata
        over = tsx.state in (pj.PJSIP_TSX_STATE_COMPLETED, pj.PJSIP_TSX_STATE_TERMINATED)
        if over and tsx.role == pj.PJSIP_ROLE_UAC and tsx.method == "REFER" and self._transfer is not None:
            self._transfer.answered(int(tsx.statusCode), tsx.statusText, read_text(rdata.wholeMsg))
        if tsx.role != pj.PJSIP_ROLE_UAS or tsx.state != pj.PJSIP_TSX_STATE_TRYING:
            return
        status = answer_to(self, tsx.method, read_text(rdata.wholeMsg))
        if status is not None:
            native.respond(tsx.pjTransaction, rdata.pjRxData, status)

    @guarded
    def onCallRxOffer(self, prm: Any) -> None:
        # pjsua answers 500 to a re-INVITE it has no codec for; the first INVITE gets its 488 from it.
        if not offers_codec(prm.offer.wholeSdp, CODECS):
            prm.statusCode = pj.PJSIP_SC_NOT_ACCEPTABLE_HERE

    @guarded
    def onCallTransferRequest(self, prm: Any) -> None:
        # pjsua would obey: any caller could make us dial out, past admission and the log.
        log.warning("transfer_refused", call=self.call_id, target=prm.dstUri)
        prm.statusCode = pj.PJSIP_SC_DECLINE

    @guarded
    def onCallTransferStatus(self, prm: Any) -> None:
        # Only for a REFER that was challenged in vain. The rest is read from the messages themselves: pjsua
        # also reports to a call the NOTIFYs about the transfer of the call that had its slot before.
        refer = self._transfer
        if prm.statusCode in (401, 407) and prm.finalNotify and refer is not None and not refer.accepted:
            refer.finish(int(prm.statusCode), prm.reason)

    def onCallRedirected(self, prm: Any) -> int:
        assert self._redirects is not None
        message = read_text(prm.e.body.tsxState.src.rdata.wholeMsg)
        target, reason = self._redirects.judge(message, prm.targetUri)
        log.info("call_redirected", call=self.call_id, target=target, refused=reason)
        if reason is None:
            return int(pj.PJSIP_REDIRECT_ACCEPT)
        self._redirected = target
        return int(pj.PJSIP_REDIRECT_REJECT)  # tries the next one

    @guarded
    def onCallReplaceRequest(self, prm: Any) -> None:
        log.warning("replacement_refused", call=self.call_id)
        prm.statusCode = pj.PJSIP_SC_DECLINE

    @guarded
    def onStreamDestroyed(self, prm: Any) -> None:
        self.read_stats()

    # -- commands of the user agent

    def check_keys(self, now: float) -> None:
        """Record where a new stream comes from and how it is encrypted; the call waits for pending keys."""
        leg = self.leg
        if leg is None:
            return
        self._filter.look(self, now)
        encryption = None if self.keying.known else self.keying.look(self)
        self._owner.securing(self, self.keying.pending or self._filter.learning)
        if encryption is not None:
            leg.stats.encryption = encryption
            self._media_ready = True
            self._report_confirmed()
        elif self.keying.overdue(now):
            self._give_up_keys(f"no keys by DTLS in {KEYING_S:g} s")

    def pressed(self, key: str, way: KeyTransport) -> None:
        """A key. Some phones send each by RTP and by INFO."""
        key = key.upper()
        if key not in KEYS or not self._presses.is_new(key, way, time.monotonic()):
            log.info("dtmf_ignored", call=self.call_id, key=key)
        elif self.leg is not None:
            self.leg.listener.key_pressed(key)

    def notified(self, message: RawMessage) -> int | None:
        """Process a NOTIFY about a transfer. Returns the status to answer with; None leaves it to pjsip."""
        if self._transfer is None:
            return 481
        if self._transfer.notified(message):
            # The transfer had timed out, and now the target has answered: end our call.
            log.info("transfer_answered_late", call=self.call_id)
            self.end("transferred", 0)
        return None  # pjsip answers, with 481 where it knows no such subscription (RFC 6665, 4.1.3)

    def dial(self, uri: str, caller: str | None) -> None:
        """Send the INVITE. ``caller`` is the From, the account's own when None. A failure ends the call, as a
        final answer would.
        """
        prm = pj.CallOpParam(True)
        prm.opt.videoCount = prm.opt.textCount = 0
        if caller is not None:
            prm.txOption.localUri = caller
        leg = self.leg
        if leg is not None:
            add_headers(prm, leg.more_headers)
        status, phrase = 0, ""
        self._redirects = Redirects(self._owner.options, uri)
        self._timeouts.dialed(time.monotonic(), leg.ring_s if leg is not None else None)
        # pjsua may report "disconnected" in the middle of this, when the call must not be freed yet.
        self._dialing = True
        try:
            self.makeCall(uri, prm)
            info = self.getInfo()
            self.call_id = info.callIdString
            if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
                status, phrase = int(info.lastStatusCode), info.lastReason
        except pj.Error as error:
            status, phrase = 503, error.reason
        finally:
            self._dialing = False
        leg = self.leg  # it may have ended meanwhile
        if leg is not None:
            leg.call_id = self.call_id = self.call_id or f"undialed-{leg.key}"
            leg.listener.dialed()
        if status:
            log.warning("dial_failed", call=self.call_id, uri=uri, status=status, reason=phrase)
            self.end_reason = self.end_reason or "failed"
            self._disconnected(status, phrase)
            self._free()

    def transfer(self, uri: str, timeout_s: float, other: "PjCall | None" = None) -> None:
        """Send a REFER, one at a time; with ``other``, ask the other side to take over that call."""
        leg = self.leg
        if leg is None:
            return
        transfer = Transfer(
            time.monotonic() + timeout_s, leg.report_transfer_progress, leg.report_transferred
        )
        if not self.confirmed or (self._transfer is not None and self._transfer.waiting):
            transfer.finish(491, "another transfer is under way" if self.confirmed else "not answered yet")
            return
        self._transfer = transfer
        log.info("transfer_requested", call=self.call_id, target=uri, timeout_s=timeout_s)
        try:
            if other is None:
                self.xfer(f"<{uri}>", pj.CallOpParam())
            else:
                self.xferReplaces(other, pj.CallOpParam())
        except pj.Error as error:
            transfer.finish(500, error.reason)

    def transfer_to_call(self, other: "PjCall | None", timeout_s: float) -> None:
        """Ask the other side to take over our call ``other``; None when that has ended."""
        if other is not None and other.leg is not None:
            self.transfer(other.leg.called, timeout_s, other)
        elif self.leg is not None:
            self.leg.report_transferred(TransferEnd("refused", 481, "the other party has hung up"))

    def send_keys(self, digits: str) -> None:
        """Send keys to the other side. Raises pj.Error."""
        if send_keys(self, digits):
            log.info("dtmf_sent_by_info", call=self.call_id)

    def wire_player(self) -> None:
        """Connect or disconnect the player port: what is played has changed."""
        if self.leg is not None:
            self._wiring.play(self.leg)

    def end(self, reason: str, status: int) -> None:
        """Send BYE, CANCEL or a final answer. The first reason given is recorded."""
        if self.freed:
            return
        if self.end_reason is None:
            self.end_reason = reason
        try:
            prm = pj.CallOpParam()
            prm.statusCode = status
            if self.confirmed and self.end_reason:
                add_headers(prm, {"Reason": reason_header(self.end_reason)})
            self.hangup(prm)
        except pj.Error as error:
            # The call has ended already: pjsua has reported that, or is about to.
            log.debug("hangup_ignored", call=self.call_id, error=error.reason)

    def supervise(self, now: float, options: SipOptions) -> None:
        """Called once a second: read the counters, and end the call when a time limit has passed."""
        leg = self.leg
        if leg is None or not self.confirmed:
            if leg is not None and leg.outgoing and self._timeouts.unanswered(now, options):
                self.end("noanswer", 0)
            return
        if self._transfer is not None:
            self._transfer.expire(now)
        self.read_stats()
        self._filter.look(self, now)
        expired = self._timeouts.expired(now, options, leg.stats.arrived, held=leg.held)
        if expired is not None:
            reason, seconds = expired
            log.warning("call_timed_out", call=self.call_id, reason=reason, limit_s=seconds)
            self.end(reason, 0)

    def read_stats(self) -> None:
        leg = self.leg
        if leg is None or not self._media_ready:
            return
        try:
            stat = self.getStreamStat(self.audio_index)
            codec = self.getStreamInfo(self.audio_index).codecName
        except pj.Error:
            return  # between two streams of a re-INVITE
        leg.stats.take(stat.rtcp, codec)

    def _without_stream(self, leg: CallLeg, held: bool) -> None:
        self._wiring.lost()
        self._hold(leg, held)
        self._media_ready = self._media_ready or held
        self._report_confirmed()

    def _hold(self, leg: CallLeg, held: bool) -> None:
        if held != leg.held:
            log.info("call_held" if held else "call_resumed", call=self.call_id)
            self._timeouts.hold_changed(time.monotonic())
        leg.held = held

    def _end_reason(self, leg: CallLeg | None, status: int) -> str:
        """Return who or what ended the call: the reason for ``LegListener.ended``."""
        if self.end_reason is not None:
            return self.end_reason
        if self._transfer is not None and self._transfer.taken:
            return "transferred"
        outgoing = leg is not None and leg.outgoing
        if self.confirmed and not self._media_ready and status >= 300:
            # pjsua has hung up by itself: with such an answer there is no media.
            remedy = "the answer has no codec or no encryption that is accepted here: check sip.srtp"
            log.warning("media_failed", call=self.call_id, status=status, remedy=remedy)
            return "failed"
        if self.confirmed:
            return "callee" if outgoing else "caller"
        return outcome_of(status) if outgoing else "cancelled" if status == 487 else "failed"

    def _disconnected(self, status: int, phrase: str) -> None:
        if self._redirected and not self.confirmed and self.end_reason is None:
            self.end_reason, status, phrase = "refused", 302, f"redirected to {self._redirected}"
        ports = self._wiring.release()
        leg, self.leg = self.leg, None
        reason = self._end_reason(leg, status)
        if self._transfer is not None:
            self._transfer.left()
        self._owner.call_ended(self, ports, leg.line if leg is not None else None)
        if leg is not None:
            leg.phrase = phrase
            leg.listener.ended(reason, status)

    def _free(self) -> None:
        """Free the C++ call now, as pjsua2 allows here and only here: ``~Call`` hangs up whatever call is
        in its slot, and from this moment on that may be another one. Nothing may touch it after.
        """
        self.freed = True
        pj.Call.__swig_destroy__(self)

    def _give_up_keys(self, reason: str) -> None:
        self.keying.pending = False
        self._owner.securing(self, False)
        log.warning("media_not_encrypted", call=self.call_id, reason=reason)
        self.end("failed", 488)

    def _report_confirmed(self) -> None:
        leg = self.leg
        if self.confirmed and self._media_ready and not self._confirmation_reported and leg is not None:
            self._confirmation_reported = True
            leg.listener.confirmed()
