"""The messages, their right answers, and what sends them."""

import json
import os
import re
import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HOST = f"127.{os.getpid() >> 8 & 255}.{os.getpid() & 255}.75"
"""Where they come from. Answers go to port 5060 here, or to the port that a Via names (RFC 3261, 18.2.2)."""
PORTS = (5060, 5050, 5070, 6050, 19823)
STATES = ("idle", "in call", "full", "draining")
TRANSPORTS = ("udp", "tcp")
DROPPED_S = 0.05
"""Seconds without an answer after which a message that should be dropped was."""
ANSWER_S = 3.0
"""Seconds within which an answer comes."""


@dataclass(frozen=True, slots=True)
class Torture:
    """One message of an RFC."""

    rfc: int
    section: str
    name: str
    data: bytes

    def fresh(self, mark: str) -> bytes:
        """The message in a transaction and a dialog of its own, so that it may be sent several times."""
        text = self.data.decode("latin-1")
        text = re.sub(r"(?i)(branch\s*=\s*z9hG4bK)(?=[^\s;,])", rf"\1{mark}", text)
        text = re.sub(r"(?im)^((?:call-id|i)\s*:\s*)", rf"\g<1>{mark}", text)
        return text.encode("latin-1")


def read() -> list[Torture]:
    """All messages, in the order of the RFCs."""
    found = []
    for name in ("rfc4475.json", "rfc5118.json"):
        for each in json.loads(Path(__file__).with_name(name).read_text()):
            data = "\r\n".join(each["lines"]).encode("latin-1")
            found.append(Torture(each["rfc"], each["section"], each["name"], data))
    return found


class Sender:
    """Sends from ``HOST`` over UDP, and over TCP by a connection for each message."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._sockets = []
        for port in PORTS:
            listening = socket.socket(type=socket.SOCK_DGRAM)
            listening.bind((HOST, port))
            self._sockets.append(listening)

    def status(self, message: Torture, mark: str, transport: str, expected: int) -> int:
        """Send it with that mark; the final status of its answer, 0 when dropped. A call is ended."""
        data = message.fresh(mark)
        if transport == "tcp":
            with socket.create_connection(self._address, 2, source_address=(HOST, 0)) as connection:
                connection.sendall(data)
                return self._answered(mark, [connection], expected)
        self._sockets[0].sendto(data, self._address)
        return self._answered(mark, self._sockets, expected)

    def _answered(self, mark: str, readable: Sequence[socket.socket], expected: int) -> int:
        deadline = time.monotonic() + (ANSWER_S if expected else DROPPED_S)
        while ready := select.select(readable, [], [], max(0, deadline - time.monotonic()))[0]:
            answer = ready[0].recv(65_536).decode("latin-1")
            if not answer:
                break
            # Others are repeated answers to a message before.
            found = [
                (int(each[8:11]), each)
                for each in re.findall(r"SIP/2\.0 [2-6]\d\d .*?\r\n\r\n", answer, re.DOTALL)
                if f"Call-ID: {mark}" in each
            ]
            if found:
                status, text = found[0]
                if status < 300 and re.search(r"(?m)^CSeq: *\d+ INVITE", text):
                    self._end(text)
                return status
        return 0

    def _end(self, answer: str) -> None:
        """Acknowledge a 200 and hang up."""
        names = "|".join(("From", "To", "Call-ID"))
        same = "".join(f"{line}\r\n" for line in re.findall(rf"(?m)^(?:{names}):[^\r]*", answer))
        found = re.search(r"(?m)^CSeq: *(\d+)", answer)
        number = int(found[1]) if found else 1
        for method, cseq in (("ACK", number), ("BYE", number + 1)):
            via = f"Via: SIP/2.0/UDP {HOST}:5060;branch=z9hG4bK{method}{time.time_ns()}\r\n"
            head = f"{method} sip:x@127.0.0.1 SIP/2.0\r\n{via}{same}CSeq: {cseq} {method}\r\n"
            request = f"{head}Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
            self._sockets[0].sendto(request.encode("latin-1"), self._address)

    def close(self) -> None:
        for each in self._sockets:
            each.close()
