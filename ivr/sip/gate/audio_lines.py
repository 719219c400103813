"""Which audio lines of an offer can be taken (RFC 3264, 6): pure, on the text of the SDP.

pjsua takes the line that it likes best and refuses the whole call when that one turns out to be unusable, so
the lines that cannot be used are given port 0 before it sees them, as long as another can.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_STATIC_PAYLOADS = {"0": "PCMU", "8": "PCMA", "9": "G722"}
_LINE = re.compile(r"^m=audio[ ]+(\d+)(?:/\d+)?[ ]+(\S+)[ ]+(.*?)\s*$", re.MULTILINE | re.IGNORECASE)
_RTPMAP = re.compile(r"^a=rtpmap:(\d+)\s+([^/\s]+)", re.MULTILINE)
_CRYPTO = re.compile(r"^a=crypto:\d+\s+(\S+)\s+inline:", re.MULTILINE | re.IGNORECASE)
_MEDIA_START = re.compile(r"^(?=m=)", re.MULTILINE)
_PLAIN = frozenset({"RTP/AVP", "RTP/AVPF"})
_SDES = frozenset({"RTP/SAVP", "RTP/SAVPF"})
_DTLS = frozenset({"UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"})
_SUITE = re.compile(r"AES_(?:CM_)?(?:128|192|256)_(?:CM_)?HMAC_SHA1_(?:80|32)", re.IGNORECASE)
"""Suites that every build has; AEAD_AES_256_GCM and others are missing from some."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What can be taken of an offer."""

    codecs: Collection[str]
    """``NAME/RATE``."""
    plain: bool
    """RTP without encryption."""
    sdes: bool
    dtls: bool


def unusable_ports(sdp: str, taken: Taken) -> list[tuple[int, int]]:
    """Where in an SDP the ports of audio lines stand that cannot be taken, when another line can.

    Each is (begin, end) in characters. Such a line is answered with port 0.
    """
    lines = list(_lines(sdp, taken))
    if not any(usable for usable, _, _ in lines):
        return []
    return [(begin, end) for usable, begin, end in lines if not usable]


def _lines(sdp: str, taken: Taken) -> Iterator[tuple[bool, int, int]]:
    """Every audio line that is not off: whether it can be taken, and where its port begins and ends."""
    known = {codec.partition("/")[0].upper() for codec in taken.codecs}
    start = 0
    for part in _MEDIA_START.split(sdp):
        found = _LINE.match(part)
        if found is not None and int(found[1]):
            names = _STATIC_PAYLOADS | {payload: name.upper() for payload, name in _RTPMAP.findall(part)}
            has_codec = any(names.get(payload) in known for payload in found[3].split())
            usable = has_codec and _is_carried(found[2].upper(), part, taken)
            yield usable, start + found.start(1), start + found.end(1)
        start += len(part)


def _is_carried(profile: str, part: str, taken: Taken) -> bool:
    """Whether we can send and receive in this profile, with the keys that the line has."""
    keyed = taken.sdes and any(_SUITE.fullmatch(suite) for suite in _CRYPTO.findall(part))
    if profile in _PLAIN:
        return taken.plain or keyed
    if profile in _SDES:
        return keyed
    return profile in _DTLS and taken.dtls
