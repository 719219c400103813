"""SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711), to read what the service sends. ``openssl`` does the AES."""

import base64
import hashlib
import hmac
import os
import re
import subprocess
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
        """From the base64 text: 16 bytes of key, 14 of salt (RFC 4568, 6.1; RFC 3711, 4.3)."""
        master = base64.b64decode(inline)
        key, salt = master[:16], int.from_bytes(master[16:30], "big")

        def stream(label: int, length: int) -> bytes:
            return _keystream(key, (salt ^ label << 48) << 16, length)

        return cls(stream(0, 16), stream(1, 20), stream(2, 14))

    def unprotect(self, packet: bytes) -> bytes:
        """The payload of an RTP packet without extension, of the first 65536 of its stream. ValueError when
        its tag is wrong."""
        protected, tag = packet[:-TAG], packet[-TAG:]
        wanted = hmac.new(self.authentication, protected + bytes(4), hashlib.sha1).digest()[:TAG]
        if not hmac.compare_digest(tag, wanted):
            raise ValueError("the authentication tag is wrong")
        sequence, ssrc = int.from_bytes(packet[2:4], "big"), int.from_bytes(packet[8:12], "big")
        counter = int.from_bytes(self.salt, "big") << 16 ^ ssrc << 64 ^ sequence << 16
        payload = protected[12:]
        stream = _keystream(self.cipher, counter, len(payload))
        return bytes(a ^ b for a, b in zip(payload, stream, strict=True))


def offer(host: str, port: int, profile: str = "RTP/SAVP") -> bytes:
    """An SDP offer of G.711 with a random key."""
    plain = sdp.write(host, port).decode()
    key = base64.b64encode(os.urandom(30)).decode()
    return (plain.replace("RTP/AVP", profile) + f"a=crypto:1 {SUITE} inline:{key}\r\n").encode()


def keys_in(body: bytes) -> list[str]:
    """The keys in an SDP, as base64."""
    return re.findall(r"^a=crypto:\d+ \S+ inline:([^|\s]+)", body.decode(), re.MULTILINE)


def _keystream(key: bytes, counter: int, length: int) -> bytes:
    command = ["openssl", "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", f"{counter:032x}"]
    return subprocess.run(command, input=bytes(length), capture_output=True, check=True).stdout[:length]
