"""SIP of many calls on one UDP port: dials, acknowledges, says BYE, answers; nothing here waits.

Times of RFC 3261, 17: T1 0.5 s, doubled up to T2 4 s; a request without an answer is given up after 10 s.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.caller import message as sip
from tests.caller import sdp
from tests.caller.crowd.record import CrowdCall
from tests.caller.media import receive, stamped_socket
from tests.caller.message import Message

T1, T2, GIVEN_UP = 0.5, 4.0, 10.0
Address = tuple[str, int]


@dataclass
class _Dialog:
    """A call on its way."""

    call: CrowdCall
    target: Address
    seat: int
    local: str
    remote: str
    uri: str
    ack: bytes = b""


@dataclass
class _Pending:
    """A request that waits for its final answer."""

    dialog: _Dialog
    data: bytes
    method: str
    since: float
    again: float = 0.0
    interval: float = T1
    rang: bool = False
    branch: str = field(default="")


class Line:
    """The crowd's SIP side. ``on_up(seat, host, port)`` and ``on_over(seat)`` inform the media side."""

    def __init__(
        self, host: str, on_up: Callable[[CrowdCall, int, Address], None], on_over: Callable[[int], None]
    ) -> None:
        self.sock = stamped_socket(host, 0)
        self.sock.setblocking(False)
        self.host, self.port = self.sock.getsockname()
        self.calls: list[CrowdCall] = []
        self.unexpected: list[str] = []
        """Requests that a callee has no cause to send."""
        self._on_up, self._on_over = on_up, on_over
        self._dialogs: dict[str, _Dialog] = {}
        self._pending: dict[tuple[str, str], _Pending] = {}

    @property
    def waiting(self) -> int:
        """Requests that wait for an answer."""
        return len(self._pending)

    def dial(self, target: Address, user: str, seat: int, rtp_port: int) -> CrowdCall:
        """Send an INVITE."""
        call = CrowdCall(len(self.calls), sip.token(20), 0.0)
        uri = f"sip:{user}@{target[0]}:{target[1]}"
        dialog = _Dialog(call, target, seat, f"<sip:crowd@{self.host}>;tag={sip.token()}", f"<{uri}>", uri)
        self.calls.append(call)
        self._dialogs[call.call_id] = dialog
        body = sdp.write(self.host, rtp_port, (0, 101))
        call.invited = self._request(dialog, "INVITE", 1, body)
        return call

    def hang_up(self, call: CrowdCall) -> None:
        """BYE, if the call is up; nothing otherwise."""
        dialog = self._dialogs.get(call.call_id)
        if dialog is None or not dialog.ack or call.ended:
            return
        call.ended = self._request(dialog, "BYE", 2)
        self._on_over(dialog.seat)

    def receive(self, most: int) -> None:
        """Deal with so many messages at most."""
        for _ in range(most):
            try:
                data, at, source = receive(self.sock)
            except BlockingIOError:
                return
            try:
                message = sip.parse(data)
            except ValueError:
                continue
            message.at, message.source = at, source
            if message.status:
                self._on_response(message)
            else:
                self._on_request(message)

    def repeat(self) -> None:
        """Send again what was not answered in time; give up what never is."""
        now = time.monotonic()
        for key, pending in list(self._pending.items()):
            if now - pending.since > GIVEN_UP:
                del self._pending[key]
                self._fail(pending.dialog, f"no answer to {pending.method}")
            elif now >= pending.again and not pending.rang:
                pending.interval = min(2 * pending.interval, T2)
                pending.again = now + pending.interval
                self.sock.sendto(pending.data, pending.dialog.target)

    def close(self) -> None:
        self.sock.close()

    # -- out

    def _request(self, dialog: _Dialog, method: str, number: int, body: bytes = b"") -> float:
        """Send it; when it was sent."""
        branch = f"z9hG4bK{sip.token(12)}"
        data = self._encode(dialog, method, number, branch, body)
        now = time.monotonic()
        self._pending[(branch, method)] = _Pending(dialog, data, method, now, now + T1)
        at = time.time()
        self.sock.sendto(data, dialog.target)
        return at

    def _encode(self, dialog: _Dialog, method: str, number: int, branch: str, body: bytes = b"") -> bytes:
        headers = [
            ("Via", f"SIP/2.0/UDP {self.host}:{self.port};rport;branch={branch}"),
            ("Max-Forwards", "70"),
            ("From", dialog.local),
            ("To", dialog.remote),
            ("Call-ID", dialog.call.call_id),
            ("CSeq", f"{number} {method}"),
            ("Contact", f"<sip:crowd@{self.host}:{self.port}>"),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        return Message(method, dialog.uri, headers=headers, body=body).encode()

    # -- in

    def _on_response(self, response: Message) -> None:
        number, method = response.cseq
        dialog = self._dialogs.get(response.get("Call-ID"))
        pending = self._pending.get((response.branch, method))
        if response.status < 200:
            if pending is not None:
                pending.rang = True
            return
        if pending is None:
            if dialog is not None and method == "INVITE" and dialog.ack:
                self.sock.sendto(dialog.ack, dialog.target)  # our ACK was lost
            return
        del self._pending[(response.branch, method)]
        if method == "BYE":
            pending.dialog.call.bye_answered = response.at
            if response.status != 200:
                pending.dialog.call.failure = f"BYE answered {response.status}"
            self._dialogs.pop(pending.dialog.call.call_id, None)
        elif method == "INVITE":
            self._answered(pending.dialog, response, number)

    def _answered(self, dialog: _Dialog, response: Message, number: int) -> None:
        call = dialog.call
        call.status = response.status
        if response.status >= 300:
            # Same branch, same request (RFC 3261, 17.1.1.3).
            dialog.remote = response.get("To")
            self.sock.sendto(self._encode(dialog, "ACK", number, response.branch), dialog.target)
            self._fail(dialog, f"INVITE answered {response.status}")
            return
        call.answered = response.at
        dialog.remote = response.get("To")
        if contact := response.get("Contact"):
            dialog.uri = sip.uri_of(contact)
        dialog.ack = self._encode(dialog, "ACK", number, f"z9hG4bK{sip.token(12)}")
        self.sock.sendto(dialog.ack, dialog.target)
        try:
            description = sdp.read(response.body)
        except ValueError:
            call.failure = "a 200 without audio"
            return
        call.port = description.port
        self._on_up(call, dialog.seat, (description.host, description.port))

    def _on_request(self, request: Message) -> None:
        dialog = self._dialogs.get(request.get("Call-ID"))
        status, reason = 200, "OK"
        if dialog is None:
            status, reason = 481, "Call/Transaction Does Not Exist"
        elif request.method == "BYE":
            if not dialog.call.ended:
                dialog.call.ended = request.at
                dialog.call.failure = dialog.call.failure or "ended by the callee"
                self._on_over(dialog.seat)
            self._dialogs.pop(dialog.call.call_id, None)
        else:
            self.unexpected.append(request.method)
            status, reason = 488, "Not Acceptable Here"
        if request.method != "ACK":
            response = sip.respond(request, status, reason, sip.token())
            with contextlib.suppress(OSError):
                self.sock.sendto(response.encode(), request.source)

    def _fail(self, dialog: _Dialog, why: str) -> None:
        call = dialog.call
        call.failure = call.failure or why
        self._dialogs.pop(call.call_id, None)
        if not call.ended:
            call.ended = time.time()
            self._on_over(dialog.seat)
