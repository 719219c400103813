"""What is in SIP messages: headers as text, keys, codecs, reasons, statuses (RFC 3261, 7.3 and 21)."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from ivr.sip.gate.raw_message import RawMessage
from ivr.text import clean_text, decode_text


class Headers(Mapping[str, str]):
    """The headers of a SIP message as readable text; names in small letters, compact ones written out.

    A name gives the value of its first header, ``all`` gives every value: Via, Diversion, History-Info and
    others may be repeated (RFC 3261, 7.3.1).
    """

    __slots__ = ("_values",)

    def __init__(self, message: RawMessage | None = None) -> None:
        values: dict[str, list[str]] = {}
        for name, value in message.headers if message is not None else ():
            if name:
                values.setdefault(readable(name), []).append(readable(value))
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
        """Return every value of ``name``, in the order of the message; none when it is not there."""
        return self._values.get(name, ())


def readable(text: str) -> str:
    """A piece of a ``RawMessage`` as text: UTF-8 or Latin-1, control characters and surrogates replaced."""
    return clean_text(decode_text(text.encode("latin-1")))


_NORMAL, _TEMPORARY_FAILURE = 16, 41
_FAILURES = frozenset({"failed", "error", "loop", "shutdown", "rtp_timeout", "hold_timeout"})


def reason_header(reason: str) -> str:
    """Return the value of a Reason header (RFC 3326): a cause of Q.850, and the reason as text for people
    who reads a trace.
    """
    cause = _TEMPORARY_FAILURE if reason in _FAILURES else _NORMAL
    text = re.sub(r'[^ -~]|["\\]', " ", reason)[:100]
    return f'Q.850;cause={cause};text="{text}"'


_SIGNAL = re.compile(r"^\s*(?:Signal|d)\s*=\s*(\S*)\s*$", re.IGNORECASE | re.MULTILINE)


def info_key(body: str) -> str:
    """The key that the body of an INFO names: ``Signal=5``, ``d=5`` or a bare ``5``, by its character or by
    the number of its event (RFC 4733, 3.2: 10 is ``*``, 11 ``#``); empty when it names none.
    """
    found = _SIGNAL.search(body)
    signal = found[1] if found else body.strip()
    if signal.isascii() and signal.isdecimal() and len(signal) == 2 and int(signal) < 16:
        return "0123456789*#ABCD"[int(signal)]
    return signal.upper() if len(signal) == 1 and signal.upper() in "0123456789*#ABCD" else ""


_STATIC_PAYLOADS = {"0": "PCMU", "8": "PCMA", "9": "G722"}
_AUDIO = re.compile(r"^m=audio[ ]+(\d+)(?:/\d+)?[ ]+\S+[ ]+(.*?)\s*$", re.MULTILINE)
_RTPMAP = re.compile(r"^a=rtpmap:(\d+)\s+([^/\s]+)", re.MULTILINE)
_MEDIA_START = re.compile(r"^(?=m=)", re.MULTILINE)


def offers_codec(sdp: str, codecs: Iterable[str]) -> bool:
    """Whether an SDP (RFC 8866) has an audio line with one of ``codecs`` (``NAME/RATE``). An offer without
    any audio line is left to pjsip.
    """
    known = {codec.partition("/")[0].upper() for codec in codecs}
    usable = []
    for part in _MEDIA_START.split(sdp):
        found = _AUDIO.match(part)
        if found is not None:
            names = _STATIC_PAYLOADS | {payload: name.upper() for payload, name in _RTPMAP.findall(part)}
            usable.append(any(names.get(payload) in known for payload in found[2].split()))
    return not usable or any(usable)


Outcome = Literal["answered", "busy", "noanswer", "refused"]
"""The words of VoiceXML's transfer (2.0, 2.3.7): everything that is not busy or unanswered is refused."""

_BUSY = frozenset({486, 600})
_NO_ANSWER = frozenset({408, 480, 487})


def outcome_of(status: int) -> Outcome:
    """Return how an offered call ended by its final ``status``; anything below 200 counts as refused."""
    if 200 <= status < 300:
        return "answered"
    if status in _BUSY:
        return "busy"
    return "noanswer" if status in _NO_ANSWER else "refused"
