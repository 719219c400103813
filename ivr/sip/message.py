"""SIP messages and what is in them: headers, addresses, keys, codecs, statuses (RFC 3261, 7.3 and 21)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal
from urllib.parse import unquote


def header(message: str, name: str, compact: str = "") -> str:
    """The value of the first header ``name`` (or its compact form); empty when there is none."""
    wanted = {name.lower(), compact.lower()} - {""}
    for line in message.split("\r\n\r\n", 1)[0].split("\r\n")[1:]:
        key, colon, value = line.partition(":")
        if colon and key.strip().lower() in wanted:
            return value.strip()
    return ""


class Headers(Mapping[str, str]):
    """The headers of a SIP message, names in lower case as they were written.

    A name gives the value of its first header, ``all`` gives every value: Via, Diversion, History-Info and
    others may be repeated (RFC 3261, 7.3.1). A folded line continues the one before it.
    """

    __slots__ = ("_values",)

    def __init__(self, message: str = "") -> None:
        values: dict[str, list[str]] = {}
        last: list[str] | None = None
        for line in message.split("\r\n\r\n", 1)[0].split("\r\n")[1:]:
            if line[:1] in (" ", "\t"):
                if last:
                    last[-1] += " " + line.strip()
                continue
            name, colon, value = line.partition(":")
            name = name.strip().lower() if colon else ""
            last = values.setdefault(name, []) if name else None
            if last is not None:
                last.append(value.strip())
        self._values = {name: tuple(each) for name, each in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values})"

    def all(self, name: str) -> tuple[str, ...]:
        """Returns every value of ``name``, in the order of the message; none when it is not there."""
        return self._values.get(name, ())


_USER = re.compile(r"sips?:([^@;>]*)@", re.IGNORECASE)


def uri_user(address: str) -> str:
    """The user part of the SIP URI in a From or To value; empty when it has none (RFC 3261, 19.1)."""
    found = _USER.search(address)
    return unquote(found.group(1).split(":", 1)[0]) if found else ""


def display_name(address: str) -> str:
    """The name in front of the address of a From or To value; empty when it has none."""
    name = address.partition("<")[0].strip() if "<" in address else ""
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name


_NORMAL, _TEMPORARY_FAILURE = 16, 41
_FAILURES = frozenset({"failed", "error", "loop", "shutdown", "rtp_timeout", "hold_timeout"})


def reason_header(reason: str) -> str:
    """Returns the value of a Reason header (RFC 3326): a cause of Q.850, and the reason as text for people
    who reads a trace.
    """
    cause = _TEMPORARY_FAILURE if reason in _FAILURES else _NORMAL
    text = re.sub(r'[^ -~]|["\\]', " ", reason)[:100]
    return f'Q.850;cause={cause};text="{text}"'


def body_of(message: str) -> str:
    """Returns the body of a message."""
    return message.partition("\r\n\r\n")[2]


_SIGNAL = re.compile(r"^\s*Signal\s*=\s*(\S*)\s*$", re.IGNORECASE | re.MULTILINE)


def relay_signal(body: str) -> str:
    """The signal of an ``application/dtmf-relay`` body; empty when it has none."""
    found = _SIGNAL.search(body)
    return found.group(1) if found else ""


def info_key(signal: str) -> str:
    """The key an INFO names, by its character or by the number of its event (RFC 4733, 3.2: 10 is ``*``,
    11 ``#``); empty when it names none.
    """
    signal = signal.strip()
    if signal.isascii() and signal.isdecimal() and len(signal) == 2 and int(signal) < 16:
        return "0123456789*#ABCD"[int(signal)]
    return signal.upper() if len(signal) == 1 and signal.upper() in "0123456789*#ABCD" else ""


_STATIC_PAYLOADS = {"0": "PCMU", "8": "PCMA", "9": "G722"}
_AUDIO = re.compile(r"^m=audio\s+(\d+)\s+\S+\s+(.*?)\s*$", re.MULTILINE)
_RTPMAP = re.compile(r"^a=rtpmap:(\d+)\s+([^/\s]+)", re.MULTILINE)


def offers_codec(sdp: str, codecs: Iterable[str]) -> bool:
    """Whether an SDP (RFC 8866) has an audio line with one of ``codecs`` (``NAME/RATE``). An offer without
    any audio line is left to pjsip.
    """
    known = {codec.partition("/")[0].upper() for codec in codecs}
    lines = _AUDIO.findall(sdp)
    names = _STATIC_PAYLOADS | {payload: name.upper() for payload, name in _RTPMAP.findall(sdp)}
    return not lines or any(names.get(payload) in known for _, rest in lines for payload in rest.split())


Outcome = Literal["answered", "busy", "noanswer", "refused"]
"""The words of VoiceXML's transfer (2.0, 2.3.7): everything that is not busy or unanswered is refused."""

_BUSY = frozenset({486, 600})
_NO_ANSWER = frozenset({408, 480, 487})


def outcome_of(status: int) -> Outcome:
    """Returns how an offered call ended by its final ``status``; anything below 200 counts as refused."""
    if 200 <= status < 300:
        return "answered"
    if status in _BUSY:
        return "busy"
    return "noanswer" if status in _NO_ANSWER else "refused"
