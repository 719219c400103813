"""RTP packets (RFC 3550, 5.1) and telephone-event payloads (RFC 4733), G.711 as bytes."""

import audioop
import struct
from collections.abc import Iterable
from dataclasses import dataclass

FRAME = 160
"""Samples (and G.711 bytes) in one 20 ms packet at 8 kHz."""
PCMU, PCMA = 0, 8
KEYS = "0123456789*#ABCD"


@dataclass(slots=True)
class Packet:
    """One received RTP packet."""

    at: float
    """Arrival, seconds of CLOCK_REALTIME, by the kernel where it gives it."""
    seq: int
    ts: int
    payload_type: int
    marker: bool
    ssrc: int
    payload: bytes

    @property
    def pcm16(self) -> bytes:
        """Decoded sound; empty for anything that is not G.711."""
        if self.payload_type == PCMU:
            return audioop.ulaw2lin(self.payload, 2)
        if self.payload_type == PCMA:
            return audioop.alaw2lin(self.payload, 2)
        return b""


def pack(seq: int, ts: int, payload_type: int, marker: bool, ssrc: int, payload: bytes) -> bytes:
    head = struct.pack(
        "!BBHII", 0x80, payload_type | (0x80 if marker else 0), seq & 0xFFFF, ts & 0xFFFFFFFF, ssrc
    )
    return head + payload


def unpack(data: bytes, at: float) -> Packet:
    """Raises ValueError on something that is not RTP version 2."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise ValueError("not RTP")
    first, second, seq, ts, ssrc = struct.unpack("!BBHII", data[:12])
    start = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        start += 4 + 4 * struct.unpack("!H", data[start + 2 : start + 4])[0]
    end = len(data) - data[-1] if first & 0x20 else len(data)
    return Packet(at, seq, ts, second & 0x7F, bool(second & 0x80), ssrc, data[start:end])


def encode(pcm16: bytes, payload_type: int) -> bytes:
    """PCM16 to G.711."""
    return audioop.lin2alaw(pcm16, 2) if payload_type == PCMA else audioop.lin2ulaw(pcm16, 2)


@dataclass
class KeyPress:
    """One received telephone-event (RFC 4733): the packets of one timestamp."""

    key: str
    timestamp: int
    packets: list[Packet]

    @property
    def durations(self) -> list[int]:
        """What each packet said, in samples."""
        return [struct.unpack("!BBH", packet.payload[:4])[2] for packet in self.packets]

    @property
    def ends(self) -> int:
        """Packets with the end bit."""
        return sum(packet.payload[1] >> 7 for packet in self.packets)

    @property
    def markers(self) -> int:
        return sum(packet.marker for packet in self.packets)


def keys_of(packets: Iterable[Packet], payload_type: int = 101) -> list[KeyPress]:
    """The keys that were pressed, those that have ended."""
    found: dict[int, KeyPress] = {}
    for packet in packets:
        if packet.payload_type == payload_type and len(packet.payload) >= 4:
            key = KEYS[packet.payload[0]]
            found.setdefault(packet.ts, KeyPress(key, packet.ts, [])).packets.append(packet)
    return [press for press in found.values() if press.ends]


def event(key: str, end: bool, duration: int, volume: int = 10) -> bytes:
    """A telephone-event payload; ``duration`` in samples of 8 kHz."""
    return struct.pack("!BBH", KEYS.index(key), (0x80 if end else 0) | volume, duration)


def event_packets(key: str, tone_ms: int = 100, step: int = FRAME) -> list[tuple[bytes, bool]]:
    """The packets of one key press, 20 ms apart: (payload, marker); the end is sent three times."""
    steps = max(1, tone_ms * 8 // step)
    packets = [(event(key, False, step * (n + 1)), n == 0) for n in range(steps)]
    return packets + [(event(key, True, step * steps), False)] * 3
