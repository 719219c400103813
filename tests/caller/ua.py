"""A SIP user agent over UDP: client transactions with retransmission, and answers to what comes in.

Blocking calls, one receiving thread. Timers of RFC 3261, 17: T1 0.5 s, doubled up to T2 4 s.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.caller import message as sip
from tests.caller import sdp
from tests.caller.media import Media, receive, stamped_socket
from tests.caller.message import Message

if TYPE_CHECKING:
    from tests.caller.call import Call

T1, T2 = 0.5, 4.0
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY"
Address = tuple[str, int]


class Transaction:
    """A request of ours and the responses to it."""

    def __init__(self, ua: "UserAgent", request: Message, target: Address) -> None:
        self.ua, self.request, self.target = ua, request, target
        self.responses: queue.Queue[Message] = queue.Queue()
        self.sent_at = 0.0
        self.all: list[Message] = []

    def final(self, timeout: float = 10.0) -> Message:
        """The final response; the request is repeated until anything comes."""
        return self._wait(timeout, lambda m: m.status >= 200)

    def provisional(self, timeout: float = 5.0, status: int = 180) -> Message:
        return self._wait(timeout, lambda m: m.status == status or m.status >= 200)

    def _wait(self, timeout: float, enough: Callable[[Message], bool]) -> Message:
        for seen in self.all:
            if enough(seen):
                return seen
        deadline, interval = time.monotonic() + timeout, T1
        repeat = time.monotonic() + interval
        while (now := time.monotonic()) < deadline:
            with contextlib.suppress(queue.Empty):
                response = self.responses.get(timeout=max(0.001, min(repeat, deadline) - now))
                self.all.append(response)
                if enough(response):
                    return response
            if time.monotonic() >= repeat:
                interval = min(2 * interval, T2)
                repeat = time.monotonic() + interval
                if not self.all:
                    self.ua.send(self.request, self.target)
        raise TimeoutError(f"no answer to {self.request.method} within {timeout:g} s")


class UserAgent:
    """A SIP element on a UDP port of its own. Use as a context manager."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, user: str = "caller") -> None:
        self.sock = stamped_socket(host, port)
        self.host, self.port = self.sock.getsockname()
        self.user = user
        self.calls: dict[str, Call] = {}
        self.on_request: Callable[[Message], bool] | None = None
        """Sees a request outside a dialog first; True when it has dealt with it."""
        self.received: list[Message] = []
        """Every message that came in."""
        self.incoming: queue.Queue[Call] = queue.Queue()
        """Calls that were offered to us, not yet answered."""
        self._transactions: dict[tuple[str, str], Transaction] = {}
        self._sent_responses: dict[tuple[str, str], bytes] = {}
        self._closed = False
        self.sock.settimeout(0.2)
        self._thread = threading.Thread(target=self._receive_loop, daemon=True)
        self._thread.start()

    def __enter__(self) -> "UserAgent":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up what is left and free the port."""
        for call in list(self.calls.values()):
            with contextlib.suppress(TimeoutError, OSError):
                call.hangup()
            call.media.close()
        self._closed = True
        self._thread.join(1.0)
        self.sock.close()

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    # -- sending

    def send(self, message: Message, target: Address) -> None:
        message.at = time.time()
        self.sock.sendto(message.encode(), target)

    def request(
        self,
        method: str,
        target: Address,
        *,
        uri: str = "",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        from_: str = "",
        to: str = "",
        call_id: str = "",
        cseq: int = 1,
        branch: str = "",
        before: Callable[[Transaction], None] = lambda _: None,
    ) -> Transaction:
        """Send a request; its transaction gathers the responses. Headers not given are filled in.

        ``before`` is called before it leaves: the answer may come sooner than this returns.
        """
        uri = uri or f"sip:ivr@{target[0]}:{target[1]}"
        via = f"SIP/2.0/UDP {self.host}:{self.port};rport;branch={branch or 'z9hG4bK' + sip.token()}"
        message = Message(
            method,
            uri,
            body=body,
            headers=[
                ("Via", via),
                ("Max-Forwards", "70"),
                ("From", from_ or f"<sip:{self.user}@{self.host}>;tag={sip.token()}"),
                ("To", to or f"<{uri}>"),
                ("Call-ID", call_id or sip.token(20)),
                ("CSeq", f"{cseq} {method}"),
                ("Contact", self.contact),
                *headers,
            ],
        )
        transaction = Transaction(self, message, target)
        if method != "ACK":
            self._transactions[(message.branch, method)] = transaction
        before(transaction)
        self.send(message, target)
        transaction.sent_at = message.at
        return transaction

    def options(self, target: Address, timeout: float = 5.0) -> Message:
        return self.request("OPTIONS", target).final(timeout)

    def dial(
        self,
        target: Address,
        *,
        payloads: tuple[int, ...] = (0, 8, 101),
        body: bytes | None = None,
        headers: Sequence[tuple[str, str]] = (),
        media: Media | None = None,
        uri: str = "",
    ) -> "Call":
        """Send an INVITE and return at once; ``Call.answered`` waits for the outcome."""
        from tests.caller.call import Call

        media = media or Media(self.host)
        offer = sdp.write(self.host, media.port, payloads) if body is None else body
        content = [("Content-Type", "application/sdp")] if offer else []
        calls: list[Call] = []

        def register(transaction: Transaction) -> None:
            calls.append(Call.outgoing(self, media, transaction))
            self.calls[calls[0].call_id] = calls[0]

        self.request(
            "INVITE",
            target,
            uri=uri,
            headers=[("Allow", ALLOW), *content, *headers],
            body=offer,
            before=register,
        )
        return calls[0]

    def call(self, target: Address, timeout: float = 10.0, **options: object) -> "Call":
        """Dial, and wait until the call is up. Raises ConnectionError with the status when it is refused."""
        call = self.dial(target, **options)  # type: ignore[arg-type]
        response = call.answered(timeout)
        if response.status >= 300:
            raise ConnectionError(f"{response.status} {response.reason}")
        return call

    def wait_incoming(self, timeout: float = 10.0) -> "Call":
        """The next call offered to us."""
        return self.incoming.get(timeout=timeout)

    # -- receiving

    def _receive_loop(self) -> None:
        while not self._closed:
            try:
                data, at, source = receive(self.sock)
            except TimeoutError:
                continue
            except OSError:
                return
            try:
                message = sip.parse(data)
            except ValueError:
                continue  # keep-alives are blank lines
            message.at, message.source = at, source
            self.received.append(message)
            if message.status:
                self._on_response(message)
            else:
                self._on_request(message)

    def _on_response(self, response: Message) -> None:
        number, method = response.cseq
        transaction = self._transactions.get((response.branch, method))
        if transaction is None:
            return
        if method == "INVITE" and response.status >= 200:
            call = self.calls.get(response.get("Call-ID"))
            if response.status >= 300:
                self._ack_refusal(transaction, response)
            elif call is not None:
                call.acknowledge(response, number)
        transaction.responses.put(response)

    def _ack_refusal(self, transaction: Transaction, response: Message) -> None:
        """ACK of a final response that is not 2xx: same branch, same request (RFC 3261, 17.1.1.3)."""
        invite = transaction.request
        keep = ("via", "max-forwards", "from", "call-id", "route")
        headers = [(n, v) for n, v in invite.headers if n.lower() in keep]
        headers += [("To", response.get("To")), ("CSeq", f"{invite.cseq[0]} ACK")]
        self.send(Message("ACK", invite.uri, headers=headers), transaction.target)

    def _on_request(self, request: Message) -> None:
        key = (request.branch, request.method)
        if key in self._sent_responses:
            self.sock.sendto(self._sent_responses[key], request.source)
            return
        call = self.calls.get(request.get("Call-ID"))
        if call is not None:
            call.on_request(request)
        elif self.on_request is not None and self.on_request(request):
            return
        elif request.method == "INVITE":
            from tests.caller.call import Call

            call = Call.offered(self, request)
            self.calls[call.call_id] = call
            self.incoming.put(call)
        elif request.method == "OPTIONS":
            self.reply(request, 200, "OK", [("Allow", ALLOW)])
        elif request.method != "ACK":
            self.reply(request, 481, "Call/Transaction Does Not Exist")

    def reply(
        self,
        request: Message,
        status: int,
        reason: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        to_tag: str = "",
    ) -> Message:
        """Answer a request; a final answer is repeated when the request is."""
        response = sip.respond(request, status, reason, to_tag or sip.token())
        response.headers += [*headers, *([("Content-Type", "application/sdp")] if body else [])]
        response.body = body
        if status >= 200:
            self._sent_responses[(request.branch, request.method)] = response.encode()
        self.send(response, request.source)
        return response
