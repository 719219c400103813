"""A prompt has one state and one way to be stopped, from any thread."""

import asyncio
import threading

import pytest

from ivr.audio.playback import Playback, PlaybackBuffer
from ivr.session import BargeInOptions
from ivr.session.prompt.handle import PromptState, SayHandle

S = PromptState


def make(**options: float) -> SayHandle:
    def buffer(handle: SayHandle) -> Playback:
        return PlaybackBuffer(8000)

    handle = SayHandle(1, BargeInOptions(**options), buffer, lambda handle: None)  # type: ignore[arg-type]
    handle.write(bytes(16000))
    return handle


async def test_a_prompt_is_queued_then_plays_then_ends() -> None:
    handle = make()
    assert handle.state is S.QUEUED and not handle.audible
    handle.begin()
    assert handle.state is S.PLAYING and handle.audible
    result = handle.end(interrupted=False)
    assert result is not None and not result.interrupted
    assert handle.state is S.ENDED and handle.done and handle.end(interrupted=True) is None
    assert await handle.wait_for_playout() == result


async def test_a_stopped_prompt_is_suspended_and_resumes_from_the_queue() -> None:
    handle = make()
    handle.begin()
    assert handle.duck() and handle.state is S.DUCKED
    assert handle.stop("speech") and handle.buffer.stopped and handle.stop_cause == "speech"
    assert handle.suspend() and handle.suspended
    assert not handle.stop("dtmf") and handle.stop_cause == "speech"
    handle.rewind()
    assert handle.state is S.QUEUED and handle.stop_cause is None and not handle.buffer.stopped


async def test_only_a_prompt_that_plays_can_be_stopped_ducked_or_suspended() -> None:
    handle = make()
    assert not (handle.stop("speech") or handle.duck() or handle.suspend())
    handle.begin()
    handle.end(interrupted=True)
    assert not (handle.stop("dtmf") or handle.duck() or handle.suspend())
    handle.restore()
    assert handle.state is S.ENDED


async def test_without_duck_db_the_volume_stays() -> None:
    handle = make(duck_db=0)
    handle.begin()
    assert not handle.duck() and handle.state is S.PLAYING


@pytest.mark.parametrize("ends", [False, True])
async def test_of_many_threads_that_stop_it_one_does(ends: bool) -> None:
    for _ in range(50):
        handle = make()
        handle.begin()
        barrier = threading.Barrier(4)
        stopped: list[bool] = []

        def stop(handle: SayHandle = handle, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            handle.duck()
            stopped.append(handle.stop("dtmf"))  # noqa: B023  (joined below)

        threads = [threading.Thread(target=stop) for _ in range(3)]
        for thread in threads:
            thread.start()
        barrier.wait()
        if ends:
            handle.end(interrupted=True)
        for thread in threads:
            thread.join()
        assert sum(stopped) <= 1 if ends else sum(stopped) == 1
        assert handle.state is S.ENDED if ends else handle.audible
        await asyncio.sleep(0)
