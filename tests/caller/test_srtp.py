"""Our SRTP against the test vectors of RFC 3711, and against itself."""

import base64

import pytest

from tests.caller.rtp import pack
from tests.caller.srtp import Keys, _keystream


def test_the_vectors_of_the_standard() -> None:
    # B.2: key stream of AES-CM; B.3: session keys from a master key and salt.
    key, salt = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"), "F0F1F2F3F4F5F6F7F8F9FAFBFCFD"
    stream = _keystream(key, int(salt, 16) << 16, 40)
    assert stream[:16].hex().upper() == "E03EAD0935C95E80E166B16DD92B4EB4" and len(stream) == 40
    master = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139" + "0EC675AD498AFEEBB6960B3AABE6")
    keys = Keys.derived(base64.b64encode(master).decode())
    assert keys.cipher.hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert keys.salt.hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    assert keys.authentication.hex().upper() == "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"


def test_what_is_encrypted_is_read_again_in_any_order() -> None:
    keys = Keys.derived(base64.b64encode(bytes(range(30))).decode())
    protect = keys.protector(packets=20)
    payloads = [bytes([n] * (160 if n % 2 else 4)) for n in range(20)]
    packets = [pack(1000 + n, 160 * n, 0, False, 0xCAFE, each) for n, each in enumerate(payloads)]
    for packet in [packets[0], *reversed(packets)]:
        protected = protect(packet)
        assert protected[12:-10] != packet[12:] and keys.unprotect(protected) == packet[12:]
    with pytest.raises(KeyError):
        protect(pack(1020, 0, 0, False, 0xCAFE, b"late"))
