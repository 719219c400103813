"""The loop whose time is sound: nothing is waited for but what comes from outside."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from ivr.lab.replay.audio_clock import AudioClockLoop


@pytest.fixture
def loop() -> Iterator[AudioClockLoop]:
    loop = AudioClockLoop()
    yield loop
    loop.close()


async def play(loop: AudioClockLoop, seconds: float) -> None:
    await loop.idle()
    for _ in range(round(seconds / 0.02)):
        loop.advance(0.02)
        await loop.idle()


def test_timers_ring_in_the_time_of_the_recording(loop: AudioClockLoop) -> None:
    rang: list[float] = []

    async def ring(after: float) -> None:
        await asyncio.sleep(after)
        rang.append(round(loop.time(), 2))

    async def main() -> None:
        tasks = [asyncio.ensure_future(ring(after)) for after in (600.0, 0.5, 30.0)]
        await play(loop, 601)
        assert all(task.done() for task in tasks)

    began = time.monotonic()
    loop.run_until_complete(main())
    assert time.monotonic() - began < 20
    assert rang == pytest.approx([0.5, 30.0, 600.0], abs=0.021)


def test_time_goes_on_only_when_all_is_done(loop: AudioClockLoop) -> None:
    """However many steps it takes, and whatever a step starts."""
    seen: list[float] = []

    async def many(depth: int) -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        if depth:
            await asyncio.ensure_future(many(depth - 1))
        seen.append(loop.time())

    async def main() -> None:
        task = asyncio.ensure_future(many(5))
        await loop.idle()
        loop.advance(1)
        assert task.done()

    loop.run_until_complete(main())
    assert seen == [0.0] * 6


def test_the_recording_waits_for_who_is_outside(loop: AudioClockLoop) -> None:
    async def engine() -> float:
        with loop.wall_clock():
            await asyncio.to_thread(time.sleep, 0.2)
            await asyncio.sleep(0.1)  # the clock on the wall
        return loop.time()

    async def main() -> None:
        task = asyncio.ensure_future(engine())
        await loop.idle()
        assert task.done() and 0.28 < task.result() < 2
        before = loop.time()
        await play(loop, 1)
        assert loop.time() == pytest.approx(before + 1)

    began = time.monotonic()
    loop.run_until_complete(main())
    assert time.monotonic() - began > 0.29


def test_a_time_limit_outside_is_kept(loop: AudioClockLoop) -> None:
    async def stuck() -> None:
        with loop.wall_clock():
            async with asyncio.timeout(0.2):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        loop.run_until_complete(stuck())
