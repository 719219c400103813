"""Gaps between RTP packets sent to one call while the engines work for others."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from tests.bench.answer import conversation
from tests.bench.barge_in import callbacks
from tests.bench.report import Figure
from tests.bench.stage import Stage, finish, in_processes
from tests.caller import UserAgent, measure

SYNTHESIS = """
import asyncio, itertools, sys
from ivr import create_tts
async def main():
    tts = create_tts("piper")
    await tts.start()
    for number in itertools.count():
        async for _ in tts.synthesize(f"This is sentence number {number}, which nobody has heard before."):
            pass
asyncio.run(main())
"""
"""Every prompt of a plan is known beforehand and made before the service is ready, so synthesis during
calls is brought about here: the same engine, at the same priority, in a process of its own."""


def listen(address: tuple[str, int], seconds: float) -> tuple[list[float], int]:
    """The gaps, in ms, between the packets of one call, and how many were lost."""
    with UserAgent() as ua:
        call = ua.call(address)
        call.media.wait_loud(10, after=call.ack_at)
        since = time.time()
        time.sleep(seconds)
        packets = call.media.since(since)
        call.close()
    return [gap * 1000 for gap in measure.gaps(packets)], measure.flow(packets).lost


def talk(address: tuple[str, int], seconds: float, seed: int) -> int:
    """Keep the recogniser busy: conversations until the time is over; how many answers came."""
    until = time.monotonic() + seconds
    answers = 0
    while time.monotonic() < until:
        answers += len(conversation(address, 3, seed + answers)[1])
    return answers


def part(role: str, address: tuple[str, int], seconds: float, seed: int) -> tuple[list[float], int]:
    if role == "listen":
        return listen(address, seconds)
    return [], talk(address, seconds, seed)


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
    (between, lost), *talkers = results
    notes = {"lost": lost, "answers_meanwhile": sum(t[1] for t in talkers), "transcripts": transcripts}
    figure = Figure(
        "gap between RTP packets sent, engines at work", "ms", between, [("p99", 30), ("max", 60)]
    )
    figure.notes = notes
    return [figure, callbacks(media)]
