"""A SIP message as it arrived (RFC 3261, 7), read without trust: no input raises, nothing is guessed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPACT_NAMES = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""Compact header names and the full ones (IANA's SIP parameters registry), both in small letters."""

_SPACE = " \t\r\n"
"""What may surround a value. Bytes of UTF-8 text such as A0 are no spaces, as ``str.strip`` would have it."""

_FOLD = re.compile(r"\r?\n[ \t]+")
_LINE_END = re.compile(r"\r?\n")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BODY_BLANK = re.compile(r"\r?\n\r?\n")
_BOUNDARY = re.compile(r"^--[^\r\n]*", re.MULTILINE)
_SDP_PART = re.compile(r"^(?:content-type|c)[ \t]*:\s*application/sdp", re.IGNORECASE | re.MULTILINE)
_TAG = re.compile(r";\s*tag\s*=\s*([^\s;,>]+)", re.IGNORECASE)
_BRANCH = re.compile(r";\s*branch\s*=\s*([^\s;,]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawMessage:
    """Start line, headers and body of a message. Text is Latin-1, so every byte has a character."""

    start_line: str
    headers: tuple[tuple[str, str], ...]
    """Names in small letters, compact ones written out; values without surrounding spaces, unfolded."""
    body: str
    head: str = ""
    """Start line and headers as they came."""

    @property
    def method(self) -> str:
        """The method of a request; empty for a response."""
        first = self.start_line.split(" ", 1)[0]
        return "" if first.upper().startswith("SIP/") else first

    @property
    def status(self) -> int:
        """The status code of a response; 0 for a request or when there is none."""
        parts = self.start_line.split(" ", 2)
        if parts[0].upper().startswith("SIP/") and len(parts) > 1 and re.fullmatch("[1-6][0-9]{2}", parts[1]):
            return int(parts[1])
        return 0

    @property
    def request_uri(self) -> str:
        """The Request-URI; empty for a response."""
        parts = self.start_line.split(" ")
        return parts[1] if self.method and len(parts) == 3 else ""

    def values(self, name: str) -> list[str]:
        """Every value of the header ``name`` (small letters), in order; lists are not split."""
        return [value for key, value in self.headers if key == name]

    def value(self, name: str) -> str:
        """The first value of the header ``name``; empty when there is none."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def call_id(self) -> str:
        return self.value("call-id")

    @property
    def from_tag(self) -> str:
        return _parameter(_TAG, self.value("from"))

    @property
    def to_tag(self) -> str:
        """Empty for a request outside a dialog (RFC 3261, 12.2.2)."""
        return _parameter(_TAG, self.value("to"))

    @property
    def branch(self) -> str:
        """The branch of the topmost Via (RFC 3261, 8.1.1.7)."""
        return _parameter(_BRANCH, next(elements(self.value("via")), ""))

    @property
    def cseq_method(self) -> str:
        parts = self.value("cseq").split()
        return parts[1] if len(parts) == 2 else ""

    @property
    def content_type(self) -> str:
        """Type and subtype of the body, in small letters."""
        return _media_type(self.value("content-type"))

    @property
    def descriptions(self) -> list[str]:
        """The session descriptions in the body: the body itself, or parts of a multipart one (RFC 5621)."""
        if self.content_type == "application/sdp":
            return [self.body]
        if not self.content_type.startswith("multipart/"):
            return []
        # Whatever the boundary is: what is between any two lines that begin as one does.
        parts = [_BODY_BLANK.split(part, maxsplit=1) for part in _BOUNDARY.split(self.body)]
        return [part[1] for part in parts if len(part) == 2 and _SDP_PART.search(part[0])]

    @property
    def description(self) -> str:
        """The first session description in the body; empty when there is none."""
        return next(iter(self.descriptions), "")

    def addresses(self, name: str) -> list[str]:
        """The elements of every header ``name`` that may hold a list (Contact, Via, Route, ...)."""
        return [element for value in self.values(name) for element in elements(value)]


def read(packet: bytes) -> RawMessage:
    """Split a message into its parts. Never raises: what is missing is empty."""
    end = _BLANK_LINE.search(packet)
    head, body = (packet[: end.start()], packet[end.end() :]) if end else (packet, b"")
    text = head.decode("latin-1").lstrip("\r\n")
    lines = _LINE_END.split(_FOLD.sub(" ", text))
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip(_SPACE).lower()
            headers.append((COMPACT_NAMES.get(key, key), value.strip(_SPACE)))
    return RawMessage(lines[0].strip(_SPACE), tuple(headers), body.decode("latin-1"), text)


def read_text(message: str) -> RawMessage:
    """Read a message that pjsua2 gives as text: UTF-8, with a surrogate for each byte that is none."""
    return read(message.encode("utf-8", "surrogateescape"))


def elements(value: str) -> Iterator[str]:
    """The elements of a comma-separated header value, minding quoted strings and angle brackets."""
    start, quoted, angle, escaped = 0, False, False, False
    for place, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"' and not angle:
            quoted = True
        elif character in "<>":
            angle = character == "<"
        elif character == "," and not angle:
            yield value[start:place].strip(_SPACE)
            start = place + 1
    yield value[start:].strip(_SPACE)


def outside_quotes(value: str) -> str:
    """``value`` without its quoted strings: a display name may say anything."""
    return re.sub(r'"(?:[^"\\]|\\.)*"?', "", value)


def _media_type(value: str) -> str:
    return value.partition(";")[0].strip(_SPACE).lower()


def _parameter(pattern: re.Pattern[str], value: str) -> str:
    text = outside_quotes(value)
    # Within angle brackets a parameter is the URI's, not the header's (RFC 3261, 20.10).
    found = pattern.search(text.rpartition(">")[2] if ">" in text else text)
    return found[1] if found else ""
