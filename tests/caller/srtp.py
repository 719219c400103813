"""SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711): read what the service sends, and send it the like.
``openssl`` does the AES.
"""

import base64
import hashlib
import hmac
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.caller import sdp

SUITE = "AES_CM_128_HMAC_SHA1_80"
TAG = 10


@dataclass(frozen=True)
class Keys:
    """Session keys of one direction, derived from the master key and salt of an ``a=crypto`` line."""

    cipher: bytes
    authentication: bytes
    salt: bytes

    @classmethod
    def derived(cls, inline: str) -> "Keys":
        """Return the keys in the base64 text: 16 bytes of key, 14 of salt (RFC 4568, 6.1; RFC 3711, 4.3)."""
        master = base64.b64decode(inline)
        key, salt = master[:16], int.from_bytes(master[16:30], "big")

        def stream(label: int, length: int) -> bytes:
            return _keystream(key, (salt ^ label << 48) << 16, length)

        return cls(stream(0, 16), stream(1, 20), stream(2, 14))

    def unprotect(self, packet: bytes) -> bytes:
        """The payload of an RTP packet without extension, of the first 65536 of its stream. ValueError when
        its tag is wrong."""
        protected, tag = packet[:-TAG], packet[-TAG:]
        if not hmac.compare_digest(tag, self._tag(protected)):
            raise ValueError("the authentication tag is wrong")
        payload = protected[12:]
        return _xor(payload, _keystream(self.cipher, self._counter(*_place(packet)), len(payload)))

    def protector(self, packets: int = 3000, longest: int = 160) -> Callable[[bytes], bytes]:
        """What encrypts the packets of one RTP stream: so many from the first that it is given on, with
        payloads no longer than that. KeyError for any other."""
        blocks = -(-longest // 16)
        streams: dict[int, bytes] = {}

        def protect(packet: bytes) -> bytes:
            sequence, ssrc = _place(packet)
            if not streams:
                sequences = range(sequence, sequence + packets)
                counters = [self._counter(each, ssrc) + n for each in sequences for n in range(blocks)]
                whole = _encrypted(self.cipher, counters)
                for index, each in enumerate(sequences):
                    streams[each] = whole[index * blocks * 16 : (index + 1) * blocks * 16]
            protected = packet[:12] + _xor(packet[12:], streams[sequence])
            return protected + self._tag(protected)

        return protect

    def _counter(self, sequence: int, ssrc: int) -> int:
        """Return where the key stream of an RTP packet begins, without roll-over (RFC 3711, 4.1.1)."""
        return int.from_bytes(self.salt, "big") << 16 ^ ssrc << 64 ^ sequence << 16

    def _tag(self, protected: bytes) -> bytes:
        return hmac.new(self.authentication, protected + bytes(4), hashlib.sha1).digest()[:TAG]


def offer(host: str, port: int, profile: str = "RTP/SAVP", tag: int = 1) -> bytes:
    """An SDP offer of G.711 with a random key."""
    plain = sdp.write(host, port).decode()
    key = base64.b64encode(os.urandom(30)).decode()
    return (plain.replace("RTP/AVP", profile) + f"a=crypto:{tag} {SUITE} inline:{key}\r\n").encode()


def answer(offered: bytes, host: str, port: int) -> bytes:
    """An SDP answer, in the profile that was offered and with the tag of the suite (RFC 4568, 5.1.2)."""
    profile = re.search(rb"^m=audio \d+ (\S+)", offered, re.MULTILINE)
    tag = re.search(rb"^a=crypto:(\d+) " + SUITE.encode(), offered, re.MULTILINE)
    assert profile is not None and tag is not None, offered
    return offer(host, port, profile[1].decode(), int(tag[1]))


def keys_in(body: bytes) -> list[str]:
    """The keys in an SDP, as base64."""
    return re.findall(r"^a=crypto:\d+ \S+ inline:([^|\s]+)", body.decode(), re.MULTILINE)


def _place(packet: bytes) -> tuple[int, int]:
    """Sequence number and SSRC."""
    return int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")


def _xor(text: bytes, stream: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))


def _keystream(key: bytes, counter: int, length: int) -> bytes:
    return _encrypted(key, range(counter, counter + -(-length // 16)))[:length]


def _encrypted(key: bytes, counters: Iterable[int]) -> bytes:
    """AES of each as a block: its key stream in counter mode."""
    command = ["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", key.hex()]
    blocks = b"".join(counter.to_bytes(16, "big") for counter in counters)
    return subprocess.run(command, input=blocks, capture_output=True, check=True).stdout
