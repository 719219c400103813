"""SIP messages as text (RFC 3261, 7): parsed and built, no sockets."""

import random
import re
import string
from dataclasses import dataclass, field

COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
    "k": "supported",
    "x": "session-expires",
}


def token(length: int = 10) -> str:
    """A random tag, branch or Call-ID."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=length))


@dataclass
class Message:
    """A request (``method`` and ``uri`` set) or a response (``status`` set)."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    at: float = 0.0
    """Arrival, seconds of CLOCK_REALTIME."""
    source: tuple[str, int] = ("", 0)

    def get(self, name: str) -> str:
        """First value of a header, or an empty text."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        low = name.lower()
        return [v for n, v in self.headers if COMPACT.get(n.lower(), n.lower()) == low]

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self.get("CSeq").split()
        return int(number), method

    @property
    def branch(self) -> str:
        match = re.search(r";\s*branch=([^;,\s]+)", self.get("Via"))
        return match.group(1) if match else ""

    def encode(self) -> bytes:
        """The wire form; Content-Length is ours to write."""
        first = f"SIP/2.0 {self.status} {self.reason}" if self.status else f"{self.method} {self.uri} SIP/2.0"
        lines = [first, *(f"{n}: {v}" for n, v in self.headers if n.lower() != "content-length")]
        head = "\r\n".join([*lines, f"Content-Length: {len(self.body)}", "", ""])
        return head.encode() + self.body


def parse(data: bytes) -> Message:
    """Read one datagram. Raises ValueError on something that is not SIP."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
    first = lines[0].split(" ", 2)
    if len(first) < 3:
        raise ValueError(f"not a SIP message: {lines[0]!r}")
    message = Message(body=body)
    if first[0] == "SIP/2.0":
        message.status, message.reason = int(first[1]), first[2]
    elif first[2] == "SIP/2.0":
        message.method, message.uri = first[0], first[1]
    else:
        raise ValueError(f"not a SIP message: {lines[0]!r}")
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            message.headers.append((name.strip(), value.strip()))
    return message


def first_of(stream: bytes) -> tuple[Message | None, bytes]:
    """The first message of a stream (RFC 3261, 18.3), once all of it is there, and the rest."""
    stream = stream.lstrip(b"\r\n")  # keep-alives
    head, end, rest = stream.partition(b"\r\n\r\n")
    length = re.search(rb"^(?:Content-Length|l)\s*:\s*(\d+)", head, re.MULTILINE | re.IGNORECASE)
    size = int(length[1]) if length else 0
    if not end or len(rest) < size:
        return None, stream
    return parse(head + end + rest[:size]), rest[size:]


def tag_of(value: str) -> str:
    """The tag parameter of a From or To."""
    match = re.search(r";\s*tag=([^;,\s>]+)", value.rpartition(">")[2] or value)
    return match.group(1) if match else ""


def uri_of(value: str) -> str:
    """The address inside a Contact, From or To."""
    match = re.search(r"<([^>]+)>", value)
    return match.group(1) if match else value.split(";")[0].strip()


def address_of(uri: str) -> tuple[str, int]:
    """Host and port of a SIP URI."""
    match = re.match(r"sips?:(?:[^@]*@)?([^:;>?]+)(?::(\d+))?", uri)
    if not match:
        raise ValueError(f"not a SIP URI: {uri!r}")
    return match.group(1), int(match.group(2) or 5060)


def respond(request: Message, status: int, reason: str, to_tag: str = "") -> Message:
    """A response to ``request`` with the headers that must be copied (RFC 3261, 8.2.6.2)."""
    to = request.get("To")
    if to_tag and not tag_of(to):
        to += f";tag={to_tag}"
    headers = [("Via", v) for v in request.all("Via")]
    headers += [("Record-Route", v) for v in request.all("Record-Route")]
    headers += [("From", request.get("From")), ("To", to)]
    headers += [("Call-ID", request.get("Call-ID")), ("CSeq", request.get("CSeq"))]
    return Message(status=status, reason=reason, headers=headers)
