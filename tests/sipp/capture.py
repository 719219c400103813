"""A packet capture (pcap) of one key press, for SIPp to replay as RTP."""

import struct
from pathlib import Path

from tests.caller import rtp


def write_key(path: Path, key: str, payload_type: int = 101, tone_ms: int = 100) -> Path:
    """Telephone-events of ``key`` in Ethernet, IPv4 and UDP; SIPp puts in the real addresses and ports."""
    out = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for n, (payload, marker) in enumerate(rtp.event_packets(key, tone_ms)):
        data = rtp.pack(1000 + n, 50_000, payload_type, marker, 0x1BADCAFE, payload)
        udp = struct.pack("!HHHH", 6000, 6000, 8 + len(data), 0) + data
        ip = struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), n, 0, 64, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1"
        )
        frame = bytes(12) + b"\x08\x00" + ip + udp
        out += struct.pack("<IIII", 0, n * 20_000, len(frame), len(frame)) + frame
    path.write_bytes(bytes(out))
    return path
