"""What a crowd recorded, and what it says: gaps, losses, cuts, call by call. Pure; times in seconds."""

import audioop
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.caller import measure, rtp

PACKET = np.dtype([("at", "f8"), ("port", "u2"), ("seq", "u2"), ("type", "u1"), ("power", "f4")])
"""One received packet: arrival by the kernel (CLOCK_REALTIME), the port it came from, mean square of its
samples against full scale."""

ULAW_POWER = (
    (np.frombuffer(audioop.ulaw2lin(bytes(range(256)), 2), "<i2").astype(np.float64) / 32768) ** 2
).astype(np.float32)
"""Square of each mu-law code's sample."""

LOUD = 10 ** (measure.LOUD_DBFS / 10)


@dataclass
class CrowdCall:
    """One call that was dialled."""

    number: int
    call_id: str
    invited: float
    """When the INVITE was sent."""
    status: int = 0
    """The final answer; 0 when none came."""
    answered: float = 0.0
    """When the 200 came."""
    port: int = 0
    """The port from which the other side sends its RTP."""
    ended: float = 0.0
    """When we said BYE, or they did."""
    failure: str = ""
    """Why it is not a whole call; empty when it is, or while it lasts."""
    bye_answered: float = 0.0


@dataclass
class Shot:
    """One interruption."""

    call: int
    sound: str
    sent: list[float] = field(default_factory=list)
    """When each 20 ms of it was sent."""


@dataclass
class Record:
    """Everything of a crowd's life so far."""

    packets: np.ndarray
    """An array of dtype PACKET, by arrival at each socket, so nearly in order."""
    calls: list[CrowdCall]
    shots: list[Shot]
    ticks: np.ndarray
    """(n, 2): when each turn of sending was due (CLOCK_REALTIME), and how late it was, seconds."""
    dropped: int
    """Packets that came to us and that we did not fetch in time."""
    refused: int
    """Packets of ours that the kernel did not take."""
    sent: int
    cpu_s: float
    """Processor time of the crowd's process."""
    unexpected: list[str]
    """Requests of the other side that a callee has no cause to send."""

    def of(self, call: CrowdCall, start: float = 0.0, end: float = float("inf")) -> np.ndarray:
        """The packets of a call between two times, in order of arrival."""
        return next(iter(self.each([call], start, end)))[1]

    def each(
        self, calls: Iterable[CrowdCall], start: float = 0.0, end: float = float("inf")
    ) -> Iterator[tuple[CrowdCall, np.ndarray]]:
        """Each of these calls with its packets, from its 200 to its end and between two times."""
        at = self.packets["at"]
        between = self.packets[(at >= start) & (at <= end)]
        order = np.lexsort((between["at"], between["port"]))
        ordered = between[order]
        for call in calls:
            first, last = np.searchsorted(ordered["port"], [call.port, call.port + 1])
            mine = ordered[first:last]
            until = call.ended or float("inf")
            yield call, mine[(mine["at"] >= call.answered) & (mine["at"] <= until)]

    def late_ms(self, start: float = 0.0, end: float = float("inf")) -> np.ndarray:
        """How late our own packets left between two times, in ms."""
        due = self.ticks[:, 0]
        return self.ticks[(due >= start) & (due <= end), 1] * 1000


def gaps_ms(packets: np.ndarray, start: float | None = None, end: float | None = None) -> np.ndarray:
    """Return the times between arrivals. With the ends of the time looked at, the stretches there without a
    packet count too where they are longer than a packet's 20 ms: a stream that stops has a gap.
    """
    between = np.diff(packets["at"])
    if start is not None and end is not None:
        first, last = (packets["at"][0], packets["at"][-1]) if len(packets) else (end, end)
        between = np.append(between, [stretch for stretch in (first - start, end - last) if stretch > 0.02])
    return np.asarray(between) * 1000


def lost(packets: np.ndarray) -> int:
    """Sequence numbers that are missing between the first and the last packet (with the wrap-around)."""
    if len(packets) < 2:
        return 0
    steps = np.diff(packets["seq"].astype(np.int64))
    place = np.concatenate([[0], np.cumsum((steps + 0x8000) % 0x10000 - 0x8000)])
    return int(place.max() - place.min() + 1 - len(np.unique(place)))


def loud(packets: np.ndarray) -> np.ndarray:
    """Which of them are louder than ``measure.LOUD_DBFS``."""
    return np.asarray((packets["type"] == rtp.PCMU) & (packets["power"] > LOUD))


def first_loud(packets: np.ndarray, after: float) -> float | None:
    """Arrival of the first loud packet from ``after`` on."""
    heard = packets["at"][loud(packets) & (packets["at"] >= after)]
    return float(heard[0]) if len(heard) else None


def cut(packets: np.ndarray, onset: float) -> float | None:
    """Arrival of the last loud packet when the prompt yielded to speech with this onset; None: it went on."""
    times = packets["at"][loud(packets)].tolist()
    end = float(packets["at"][-1]) if len(packets) else 0.0
    return measure.last_before_quiet(times, end, onset)


def quantiles(values: np.ndarray, count: int = 2001) -> list[float]:
    """So many of the values, evenly spaced in their order, the ends among them; all of them if fewer."""
    ordered = np.sort(values)
    if len(ordered) <= count:
        return [float(v) for v in ordered]
    places = np.linspace(0, len(ordered) - 1, count).round().astype(int)
    return [float(v) for v in ordered[places]]


def conversation(
    words: Sequence[bytes], seconds: float, share: float, background: bytes, seed: int
) -> tuple[bytes, list[tuple[float, float]]]:
    """One side of a conversation, PCM16 at 8 kHz; and when each turn begins and ends, in seconds.

    Turns are recordings from ``words``; between them is ``background``, for as long as makes turns
    ``share`` of the time, in pauses of unequal length. It is under the turns too, as on a line.
    """
    dice = np.random.default_rng(seed)
    length = int(seconds * 8000) // rtp.FRAME * rtp.FRAME
    line = np.resize(np.frombuffer(background, "<i2").astype(np.float64), length)
    turns: list[tuple[float, float]] = []
    spoken = at = 0
    for index in itertools.cycle(dice.permutation(len(words))):
        word = np.frombuffer(words[index], "<i2").astype(np.float64)
        # The pause that brings the share back to what was asked, give or take a half.
        pause = (spoken + len(word)) / share - (at + len(word))
        at += int(max(0.0, pause * dice.uniform(0.5, 1.5)))
        if at + len(word) > length:
            break
        line[at : at + len(word)] += word
        turns.append((at / 8000, (at + len(word)) / 8000))
        spoken += len(word)
        at += len(word)
    return np.clip(line, -32768, 32767).astype("<i2").tobytes(), turns
