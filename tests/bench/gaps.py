"""Gaps between RTP packets sent to one call while the engines work for others."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.answer import conversation
from tests.bench.barge_in import callbacks
from tests.bench.report import Figure
from tests.bench.stage import Stage, finish, in_processes
from tests.caller import UserAgent, measure
from tests.e2e.running import Event

SYNTHESIS = """
import asyncio, itertools, sys
from ivr import create_tts
async def main():
    tts = create_tts("piper")
    await tts.start()
    for number in itertools.count():
        async for _ in tts.synthesize(f"This is sentence number {number}, which nobody has heard before."):
            pass
        await asyncio.sleep(1)
asyncio.run(main())
"""
"""Every prompt of a plan is known beforehand and made before the service is ready, so synthesis during
calls is brought about here: the same engine, in a process of its own as always, a new sentence after
each second of rest."""


@dataclass
class Listened:
    """What one call was sent."""

    gaps_ms: list[float]
    ends: list[float]
    """When each gap ended, CLOCK_REALTIME."""
    lost: int
    own_late_ms: list[float]
    """How late this caller's own packets left: what the machine did to a thread that only sleeps."""


def listen(address: tuple[str, int], seconds: float) -> Listened:
    """Stay in one call and time its packets."""
    with UserAgent() as ua:
        call = ua.call(address)
        call.media.wait_loud(10, after=call.ack_at)
        since, first = time.time(), len(call.media.late)
        time.sleep(seconds)
        packets = call.media.since(since)
        late = [ms * 1000 for ms in call.media.late[first:]]
        call.close()
    between = [gap * 1000 for gap in measure.gaps(packets)]
    return Listened(between, [p.at for p in packets[1:]], measure.flow(packets).lost, late)


def talk(address: tuple[str, int], seconds: float, seed: int) -> int:
    """Keep the recogniser busy: conversations until the time is over; how many answers came."""
    until = time.monotonic() + seconds
    answers = 0
    while time.monotonic() < until:
        answers += len(conversation(address, 3, seed + answers)[1])
    return answers


def part(role: str, address: tuple[str, int], seconds: float, seed: int) -> Listened | int:
    return listen(address, seconds) if role == "listen" else talk(address, seconds, seed)


@contextlib.contextmanager
def synthesis() -> Iterator[None]:
    """Synthesis without end, meanwhile."""
    process = subprocess.Popen([sys.executable, "-c", SYNTHESIS], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def run(stage: Stage, seconds: float) -> list[Figure]:
    with stage.service("menu") as service, synthesis():
        roles = ("listen", "talk", "talk")
        results = in_processes(part, [(r, service.address, seconds, n) for n, r in enumerate(roles)])
        transcripts = len(service.find("transcript"))
        media = finish(service)
    listened, *answers = results
    assert isinstance(listened, Listened)
    between = listened.gaps_ms
    worst = sorted(zip(between, listened.ends, strict=True), reverse=True)[:5]
    notes = {
        "lost": listened.lost,
        "answers_meanwhile": answers,
        "transcripts": transcripts,
        "own_packets_late_ms": {
            "p99": measure.percentile(listened.own_late_ms, 99),
            "max": max(listened.own_late_ms),
        },
        "worst": [
            {"ms": ms, "service_logged": around(service.events, at - ms / 1000, at)} for ms, at in worst
        ],
    }
    figure = Figure(
        "gap between RTP packets sent, engines at work", "ms", between, [("p99", 30), ("max", 60)]
    )
    figure.notes = notes
    return [figure, *callbacks(media)]


def around(events: Sequence[Event], start: float, end: float) -> list[str]:
    """What the service logged during a gap, 50 ms either side."""
    return [str(e["event"]) for e in events if start - 0.05 <= e["_at"] <= end + 0.05]
