"""Requests that are well formed but for what a test changes, and the process they are sent to."""

import copy
import itertools
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_numbers = itertools.count(1)

AUDIO = "m=audio 49000 RTP/AVP 0\r\n"


def sdp(media: str = AUDIO, connection: str = "IN IP4 127.0.0.1", more: str = "") -> str:
    """A session description with these media lines."""
    return f"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc={connection}\r\nt=0 0\r\n{more}{media}"


@dataclass
class Request:
    """One request; every field may be made wrong."""

    method: str = "INVITE"
    body: str = ""
    contact: str = "<sip:x@{host}:{port}>"
    via: str = "{host}:{port}"
    sender: str = "<sip:a@127.0.0.1>;tag=hostile"
    to: str = "<sip:b@127.0.0.1>"
    uri: str = "sip:b@127.0.0.1"
    call_id: str = field(default_factory=lambda: f"hostile-{next(_numbers)}-{time.time_ns()}")
    branch: str = field(default_factory=lambda: f"z9hG4bK{next(_numbers)}x{time.time_ns()}")
    cseq: str = ""
    more: str = ""
    content_type: str = "application/sdp"

    def data(self, host: str, port: int) -> bytes:
        """Return the message as it is sent from this address."""
        kind = f"Content-Type: {self.content_type}\r\n" if self.content_type and self.body else ""
        return (
            f"{self.method} {self.uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.via.format(host=host, port=port)};branch={self.branch}\r\n"
            f"From: {self.sender}\r\nTo: {self.to}\r\nCall-ID: {self.call_id}\r\n"
            f"CSeq: {self.cseq or '1 ' + self.method}\r\n"
            f"Contact: {self.contact.format(host=host, port=port)}\r\n"
            f"Max-Forwards: 70\r\n{self.more}{kind}Content-Length: {len(self.body)}\r\n\r\n{self.body}"
        ).encode("latin-1")


class Target:
    """The user agent in its process, and a socket that speaks to it."""

    def __init__(
        self,
        port: int,
        *,
        host: str = "127.0.0.1",
        environment: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        """``host`` is the address that we send from."""
        settings = {
            "bind": f"127.0.0.1:{port}",
            "rtp_ports": f"{port + 10}-{port + 49}",
            "max_calls": 3,
        } | options
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.agent", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.address = ("127.0.0.1", port)
        self.lines: list[str] = []
        self.established: dict[str, Established] = {}
        """Calls that were answered, by Call-ID."""
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.build = self.wait("ready", 20)["build"]
        self._open(host)

    def _open(self, host: str) -> None:
        self.host = host
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.port: int = self.socket.getsockname()[1]

    @property
    def pid(self) -> int:
        return self._process.pid

    def beside(self, host: str) -> "Target":
        """The same agent, spoken to from another address."""
        other = copy.copy(self)
        other._open(host)
        return other

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip())
            if line.startswith("{"):
                self.events.put(json.loads(line))

    def wait(self, event: str, timeout: float = 5.0, **fields: Any) -> dict[str, Any]:
        """The next event of that name with these fields; others are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                found = self.events.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {event} within {timeout:g} s; printed: {self.lines[-5:]}") from None
            if found["event"] == event and fields.items() <= found.items():
                return found

    def ask(self, text: str) -> None:
        """Give the agent a command, and do not wait."""
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def command(self, text: str) -> None:
        self.ask(text)
        self.wait("done")

    def send(self, request: Request | bytes) -> None:
        data = request.data(self.host, self.port) if isinstance(request, Request) else request
        self.socket.sendto(data, self.address)

    def receive(self, timeout: float = 2.0) -> str:
        """The next message from the agent; empty when none comes in time."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(65_536).decode("utf-8", "replace")
        except TimeoutError:
            return ""

    def status(self, request: Request | bytes, timeout: float = 2.0) -> int:
        """Send it; the final status of its answer, 0 when none comes in time."""
        self.clear()
        self.send(request)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            answer = self.receive(max(0.01, deadline - time.monotonic()))
            if answer.startswith("SIP/2.0 ") and int(answer[8:11]) >= 200:
                return int(answer[8:11])
        return 0

    def clear(self) -> None:
        """Forget what came before."""
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.recv(65_536)
        except BlockingIOError:
            pass

    def check_alive(self) -> None:
        """The process runs and answers OPTIONS."""
        answer = self.status(Request("OPTIONS"), 3)
        assert self._process.poll() is None, f"the process ended: {self.lines[-3:]}"
        assert answer in (200, 503), f"OPTIONS got {answer or 'no answer'}"

    def call(self, request: Request | None = None) -> "Established":
        """Set a call up with a well-formed INVITE."""
        invite = request or Request(body=sdp())
        self.clear()
        self.send(invite)
        while True:
            answer = self.receive(3)
            if answer and f"Call-ID: {invite.call_id}" not in answer:
                continue
            if answer.startswith("SIP/2.0 200"):
                break
            assert answer.startswith("SIP/2.0 1"), answer.split("\r\n")[0] or "no answer"
        to = next(line[3:].strip() for line in answer.split("\r\n") if line.startswith("To:"))
        established = Established(self, invite, to, answer, int(invite.cseq.partition(" ")[0] or 1))
        self.send(established.request("ACK"))
        self.established[invite.call_id] = established
        return established

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self.socket.close()


@dataclass
class Established:
    """A call that was answered."""

    target: Target
    invite: Request
    to: str
    answer: str
    """The 200 OK."""
    cseq: int = 1

    def request(self, method: str, body: str = "", **changes: Any) -> Request:
        """A request inside its dialog."""
        if method != "ACK":
            self.cseq += 1
        fields: dict[str, Any] = {"to": self.to, "call_id": self.invite.call_id, "sender": self.invite.sender}
        return Request(method, body, cseq=f"{self.cseq} {method}", **(fields | changes))

    def hang_up(self) -> None:
        assert self.target.status(self.request("BYE")) == 200
