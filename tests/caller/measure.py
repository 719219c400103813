"""What received packets say: loudness, when a prompt stopped, gaps, loss. Pure; times in seconds."""

import audioop
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tests.caller.rtp import FRAME, Packet

LOUD_DBFS = -45.0
"""RMS of a packet above which it is counted as sound; comfort silence is far below."""
QUIET_S = 0.3
"""Quiet that must follow for a prompt to count as stopped."""


def dbfs(pcm16: bytes) -> float:
    """RMS level against full scale; -120 for digital silence."""
    rms = audioop.rms(pcm16, 2) if pcm16 else 0
    return 20 * math.log10(rms / 32768) if rms else -120.0


def is_loud(packet: Packet, threshold: float = LOUD_DBFS) -> bool:
    return dbfs(packet.pcm16) > threshold


def loud_times(packets: Sequence[Packet], threshold: float = LOUD_DBFS) -> list[float]:
    """Arrival times of the loud packets, in order."""
    return [p.at for p in packets if is_loud(p, threshold)]


def first_loud(packets: Sequence[Packet], after: float, threshold: float = LOUD_DBFS) -> float | None:
    return next((p.at for p in packets if p.at >= after and is_loud(p, threshold)), None)


def last_loud_before_quiet(
    packets: Sequence[Packet], after: float, threshold: float = LOUD_DBFS, quiet: float = QUIET_S
) -> float | None:
    """Arrival of the last loud packet that is followed by ``quiet`` seconds without one.

    Looked for from ``after`` on, beginning with the last loud packet before it; None when the sound
    went on to the end of the recording.
    """
    return last_before_quiet(loud_times(packets, threshold), packets[-1].at if packets else 0.0, after, quiet)


def last_before_quiet(
    times: Sequence[float], end: float, after: float, quiet: float = QUIET_S
) -> float | None:
    """The same from the loud packets' arrival times, and that of the last packet of all."""
    last = None
    for at in times:
        if last is not None and at > after and at - last >= quiet and last + quiet > after:
            return last
        last = at
    return last if last is not None and end - last >= quiet - 0.02 else None


def onset_sample(pcm16: bytes, rate: int = 8000, relative_db: float = -20.0, block: int = 40) -> int:
    """First sample of speech inside a recording: the first 5 ms block louder than ``relative_db`` below
    the loudest 20 ms of it, and then its first sample of that size."""
    levels, threshold = _levels(pcm16, relative_db, block)
    index = int(np.argmax(levels > threshold))
    samples = np.abs(np.frombuffer(pcm16, "<i2").astype(np.float64))[index * block : (index + 1) * block]
    return index * block + int(np.argmax(samples >= threshold))


def offset_sample(pcm16: bytes, relative_db: float = -30.0, block: int = 40) -> int:
    """Last sample of speech inside a recording, to the end of its 5 ms block."""
    levels, threshold = _levels(pcm16, relative_db, block)
    return (len(levels) - int(np.argmax(levels[::-1] > threshold))) * block - 1


def _levels(pcm16: bytes, relative_db: float, block: int) -> tuple[np.ndarray, float]:
    samples = np.frombuffer(pcm16, "<i2").astype(np.float64)
    if len(samples) < FRAME:
        raise ValueError("a recording needs at least 20 ms")
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    levels = np.sqrt((blocks**2).mean(axis=1))
    per_frame = FRAME // block
    power = (levels[: len(levels) // per_frame * per_frame] ** 2).reshape(-1, per_frame).mean(axis=1)
    peak = float(np.sqrt(power.max()))
    if peak < 1:
        raise ValueError("the recording is silent")
    return levels, peak * 10 ** (relative_db / 20)


@dataclass(frozen=True)
class Flow:
    """How a stream arrived."""

    packets: int
    lost: int
    reordered: int
    gap_p99: float
    gap_max: float


def gaps(packets: Sequence[Packet]) -> list[float]:
    """Seconds between arrivals."""
    return [b.at - a.at for a, b in itertools.pairwise(packets)]


def flow(packets: Sequence[Packet]) -> Flow:
    """Counts by sequence number (with its wrap-around) and gaps by arrival."""
    lost = reordered = 0
    highest = packets[0].seq if packets else 0
    for packet in packets[1:]:
        step = (packet.seq - highest + 0x8000) % 0x10000 - 0x8000
        if step > 0:
            lost += step - 1
            highest = packet.seq
        elif step < 0:
            reordered += 1
            lost -= 1
    between = gaps(packets)
    return Flow(len(packets), lost, reordered, percentile(between, 99), max(between, default=0.0))


def percentile(values: Sequence[float], q: float) -> float:
    """Nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(q / 100 * len(ordered)) - 1)]


def heard(packets: Sequence[Packet]) -> bytes:
    """The sound as PCM16 at 8 kHz, placed by RTP timestamps (lost packets become silence)."""
    voice = [p for p in packets if p.pcm16]
    if not voice:
        return b""
    ssrc, base = voice[0].ssrc, voice[0].ts
    out = bytearray()
    shift = 0
    for packet in voice:
        if packet.ssrc != ssrc:  # a new stream begins where the old one ended
            ssrc, base, shift = packet.ssrc, packet.ts, len(out)
        start = ((packet.ts - base) % (1 << 32)) * 2 + shift
        if start - len(out) > 8000 * 2 * 60:  # a jump of a minute is a restart, not loss
            base, shift, start = packet.ts, len(out), len(out)
        if start > len(out):
            out.extend(bytes(start - len(out)))
        out[start : start + len(packet.pcm16)] = packet.pcm16
    return bytes(out)
