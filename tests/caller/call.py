"""One dialog (RFC 3261, 12) with one G.711 stream."""

import threading
import time
from collections.abc import Sequence

from tests.caller import message as sip
from tests.caller import sdp
from tests.caller.media import Media
from tests.caller.message import Message
from tests.caller.ua import ALLOW, Transaction, UserAgent


class Call:
    """A call, dialled or offered. Requests inside it are answered by themselves."""

    def __init__(self, ua: UserAgent, media: Media, call_id: str) -> None:
        self.ua, self.media, self.call_id = ua, media, call_id
        self.local = self.remote = ""
        """Our and their side of From and To, tags included."""
        self.target = ("", 0)
        self.remote_uri = ""
        self.cseq = 1
        self.state = "early"
        self.description: sdp.Description | None = None
        """The other side's last SDP."""
        self.invite: Message | None = None
        self.transaction: Transaction | None = None
        self.ack_at = 0.0
        """When the first ACK of the first INVITE was sent."""
        self.ended_by = ""
        """``us`` or ``them``, once it is over."""
        self.ended = threading.Event()
        self.requests: list[Message] = []
        """Requests that came inside the dialog."""
        self.refer_answer: tuple[int, str, Sequence[tuple[str, str]]] = (202, "Accepted", ())
        """What a REFER is answered with: status, reason, headers."""
        self._acks: dict[int, Message] = {}
        self._routes: list[str] = []
        self._rseq = 0
        self._answered_early = False
        self._sdp_version = 1

    @classmethod
    def outgoing(cls, ua: UserAgent, media: Media, transaction: Transaction) -> "Call":
        request = transaction.request
        call = cls(ua, media, request.get("Call-ID"))
        call.local, call.remote = request.get("From"), request.get("To")
        call.target, call.remote_uri = transaction.target, request.uri
        call.transaction = transaction
        return call

    @classmethod
    def offered(cls, ua: UserAgent, request: Message) -> "Call":
        call = cls(ua, Media(ua.host), request.get("Call-ID"))
        call.local = f"{request.get('To')};tag={sip.token()}"
        call.remote = request.get("From")
        call.target = request.source
        call.remote_uri = sip.uri_of(request.get("Contact"))
        call.invite = request
        if request.body:
            call.description = sdp.read(request.body)
        return call

    # -- setting up

    def answered(self, timeout: float = 10.0) -> Message:
        """The final response to our INVITE; media runs when it is a 200."""
        assert self.transaction is not None
        response = self.transaction.final(timeout)
        if response.status >= 300 and self.state == "early":
            self.state = "over"
            self.ended.set()
            self.ua.calls.pop(self.call_id, None)
            self.media.close()
        return response

    def acknowledge(self, response: Message, number: int) -> None:
        """ACK a 2xx to an INVITE, also a repeated one (on the receiving thread, so without delay)."""
        self.remote = response.get("To")
        if contact := response.get("Contact"):
            self.remote_uri = sip.uri_of(contact)
        if self.state == "early":  # a re-INVITE changes nothing in the route (RFC 3261, 12.2)
            self._routes = list(reversed(response.all("Record-Route")))
        if number not in self._acks:
            self._acks[number] = self._ack(number)
            if self.transaction is not None and not self.transaction.request.body and self.state == "early":
                # The offer was theirs: the answer goes with the ACK (RFC 3261, 13.2.1).
                self._acks[number].body = sdp.write(self.ua.host, self.media.port, (0,))
                self._acks[number].headers.append(("Content-Type", "application/sdp"))
        self.ua.send(self._acks[number], self.target)
        if not self.ack_at:
            self.ack_at = self._acks[number].at
        if self.state == "early":
            self.state = "up"
        if response.body:
            self.description = sdp.read(response.body)
            self.media.start(self.description)

    def _ack(self, number: int) -> Message:
        via = f"SIP/2.0/UDP {self.ua.host}:{self.ua.port};rport;branch=z9hG4bK{sip.token()}"
        return Message(
            "ACK",
            self.remote_uri,
            headers=[
                ("Via", via),
                ("Max-Forwards", "70"),
                ("From", self.local),
                ("To", self.remote),
                ("Call-ID", self.call_id),
                ("CSeq", f"{number} ACK"),
                *(("Route", r) for r in self._routes),
            ],
        )

    def answer(self, payloads: tuple[int, ...] = (0, 101)) -> None:
        """Answer a call that was offered to us."""
        assert self.invite is not None
        body = sdp.write(self.ua.host, self.media.port, payloads)
        extra = [("Contact", self.ua.contact), ("Allow", ALLOW)]
        # An offer is answered once (RFC 3261, 13.2.1): what a reliable 183 said is not said again.
        self.ua.reply(self.invite, 200, "OK", extra, b"" if self._answered_early else body, self._tag)
        self.state = "up"
        if self.description:
            self.media.start(self.description)

    def ring(
        self,
        status: int = 180,
        reason: str = "Ringing",
        *,
        early_media: bool = False,
        reliable: bool = False,
        payloads: tuple[int, ...] = (0, 101),
    ) -> Message:
        """A provisional answer to a call that was offered to us; ``reliable`` is RFC 3262's, to be met by a
        PRACK in ``requests``."""
        assert self.invite is not None
        extra = [("Contact", self.ua.contact)]
        if reliable:
            self._rseq += 1
            extra += [("Require", "100rel"), ("RSeq", str(self._rseq))]
        body = sdp.write(self.ua.host, self.media.port, payloads) if early_media else b""
        if early_media and self.description:
            self.media.start(self.description)
            self._answered_early = reliable
        return self.ua.reply(self.invite, status, reason, extra, body, self._tag)

    def refuse(self, status: int, reason: str) -> None:
        """A final answer that is not 2xx."""
        assert self.invite is not None
        self.state, self.ended_by = "over", "us"
        self.ua.reply(self.invite, status, reason, to_tag=self._tag)
        self._finish()

    @property
    def _tag(self) -> str:
        return sip.tag_of(self.local)

    def cancel(self, timeout: float = 5.0) -> Message:
        """CANCEL an INVITE that was not answered; the response to the CANCEL."""
        assert self.transaction is not None
        invite = self.transaction.request
        to, from_ = invite.get("To"), invite.get("From")
        return self.ua.request(
            "CANCEL",
            self.target,
            uri=invite.uri,
            from_=from_,
            to=to,
            call_id=self.call_id,
            cseq=invite.cseq[0],
            branch=invite.branch,
        ).final(timeout)

    # -- inside the dialog

    def request(self, method: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Transaction:
        """A request inside the dialog."""
        self.cseq += 1
        routes = [("Route", r) for r in self._routes]
        return self.ua.request(
            method,
            self.target,
            uri=self.remote_uri,
            headers=[*routes, *headers],
            body=body,
            from_=self.local,
            to=self.remote,
            call_id=self.call_id,
            cseq=self.cseq,
        )

    def reinvite(
        self, direction: str = "sendrecv", payloads: tuple[int, ...] = (0, 8, 101), timeout: float = 5.0
    ) -> Message:
        """Offer again: ``sendonly`` or ``inactive`` is hold, ``sendrecv`` resumes."""
        self._sdp_version += 1
        body = sdp.write(self.ua.host, self.media.port, payloads, direction, self._sdp_version)
        self.media.sending = direction in ("sendrecv", "sendonly")
        return self.request("INVITE", [("Content-Type", "application/sdp")], body).final(timeout)

    def wait_request(self, method: str, timeout: float = 5.0) -> Message:
        """The last request of that method that came inside the dialog, waited for."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = [r for r in list(self.requests) if r.method == method]
            if found:
                return found[-1]
            time.sleep(0.005)
        raise TimeoutError(f"no {method} came within {timeout:g} s")

    def notify(
        self, status_line: str, state: str = "active;expires=60", event: str = "refer", timeout: float = 5.0
    ) -> Message:
        """Report how the call that a REFER asked for goes (RFC 3515, 2.4.5); return the response."""
        headers = [
            ("Event", event),
            ("Subscription-State", state),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ]
        return self.request("NOTIFY", headers, f"SIP/2.0 {status_line}\r\n".encode()).final(timeout)

    def info(self, body: bytes, content_type: str = "application/dtmf-relay") -> Message:
        return self.request("INFO", [("Content-Type", content_type)], body).final(5.0)

    def info_key(self, key: str) -> Message:
        """A key press as INFO, in the form most phones use."""
        return self.info(f"Signal={key}\r\nDuration=160\r\n".encode())

    def hangup(self, timeout: float = 5.0) -> Message | None:
        """BYE (CANCEL while ringing); the response, or None when the call was over."""
        if self.state == "over":
            return None
        if self.state == "early" and self.transaction is not None:
            return self.cancel(timeout)
        self.state, self.ended_by = "over", "us"
        response = self.request("BYE").final(timeout)
        self._finish()
        return response

    def _finish(self) -> None:
        self.ended.set()
        self.media.sending = False

    def close(self) -> None:
        """Hang up if need be and free the media; what was received stays readable."""
        self.hangup()
        self.ua.calls.pop(self.call_id, None)
        self.media.close()

    def on_request(self, request: Message) -> None:
        """What the other side asks inside the call."""
        self.requests.append(request)
        tag = sip.tag_of(self.local)
        if request.method == "ACK":
            return
        if request.method == "INVITE" and request.body:
            self.description = sdp.read(request.body)
            mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}
            direction = mirrored.get(self.description.direction, self.description.direction)
            self._sdp_version += 1
            codec = (self.description.codec, 101)
            body = sdp.write(self.ua.host, self.media.port, codec, direction, self._sdp_version)
            self.media.start(self.description)
            self.ua.reply(request, 200, "OK", [("Contact", self.ua.contact)], body, tag)
        elif request.method == "BYE":
            self.state, self.ended_by = "over", "them"
            self._finish()
            self.ua.reply(request, 200, "OK", to_tag=tag)
        elif request.method == "CANCEL":
            self.ua.reply(request, 200, "OK", to_tag=tag)
            if self.invite is not None and self.state == "early":
                self.ua.reply(self.invite, 487, "Request Terminated", to_tag=tag)
            self.state, self.ended_by = "over", "them"
            self._finish()
        elif request.method == "REFER":
            status, reason, more = self.refer_answer
            self.ua.reply(request, status, reason, [("Contact", self.ua.contact), *more], to_tag=tag)
        else:
            extra = [("Contact", self.ua.contact), ("Allow", ALLOW)]
            self.ua.reply(request, 200, "OK", extra, to_tag=tag)
