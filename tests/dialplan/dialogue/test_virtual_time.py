"""The loop whose clock jumps, and the ear and the player that live on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from ivr.dialplan.dialogue.virtual_time import VirtualTimeLoop
from ivr.session.scripted.engines import ScriptedPlayer, ScriptedTts, TimedPlayback
from ivr.session.scripted.vad import TRAIL_MS, ScriptedVad, decode_script
from ivr.vad.events import SpeechEnded, SpeechPaused, SpeechStarted, VadEvent
from ivr.vad.options import EndpointingOptions

Go = Callable[[Awaitable[object]], object]


@pytest.fixture
def loop() -> Iterator[VirtualTimeLoop]:
    made = VirtualTimeLoop()
    yield made
    made.run_until_complete(made.shutdown_default_executor())
    made.close()


def test_a_day_passes_at_once(loop: VirtualTimeLoop) -> None:
    async def day() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(7200)
        await asyncio.sleep(82_800)
        return loop.time()

    began = time.perf_counter()
    assert loop.run_until_complete(day()) == pytest.approx(86_400)
    assert time.perf_counter() - began < 1


def test_timers_ring_in_their_order(loop: VirtualTimeLoop) -> None:
    rung: list[tuple[float, str]] = []

    async def main() -> None:
        for name, at in (("b", 2.0), ("a", 1.0), ("c", 2.5)):
            loop.call_later(at, lambda name=name: rung.append((loop.time(), name)))
        await asyncio.sleep(3)

    loop.run_until_complete(main())
    assert rung == [(pytest.approx(1), "a"), (pytest.approx(2), "b"), (pytest.approx(2.5), "c")]


def test_time_stands_still_while_a_thread_works(loop: VirtualTimeLoop) -> None:
    async def main() -> float:
        async with asyncio.timeout(0.01):
            await asyncio.to_thread(time.sleep, 0.05)
        return loop.time()

    assert loop.run_until_complete(main()) == 0


def test_ticks_stop_where_something_happens(loop: VirtualTimeLoop) -> None:
    async def main() -> list[float | bool]:
        seen: list[float | bool] = []
        loop.call_later(5, lambda: None)
        await loop.idle()
        seen.append(loop.time())
        await loop.advance()
        seen.append(loop.time())
        seen.append(await loop.advance())  # nothing is left that could happen
        return seen

    assert loop.run_until_complete(main()) == [0, pytest.approx(5), False]


def test_the_ear_reports_as_a_detector_does(loop: VirtualTimeLoop) -> None:
    reported: list[VadEvent] = []

    async def main() -> None:
        ear = ScriptedVad(lambda: False)
        stream = ear.open_stream(EndpointingOptions(details=True), reported.append)
        stream.say("one two three four", 1000, 0.7, after_ms=500)
        await asyncio.sleep(10)
        assert stream.clock == pytest.approx(160_000, abs=512) and not stream.busy

    loop.run_until_complete(main())
    started = next(event for event in reported if isinstance(event, SpeechStarted))
    paused = next(event for event in reported if isinstance(event, SpeechPaused))
    ended = next(event for event in reported if isinstance(event, SpeechEnded))
    assert started.onset == pytest.approx(8000, abs=512)
    assert ended.offset == pytest.approx(24000 + TRAIL_MS * 16, abs=512) == paused.offset
    assert decode_script(ended.audio.tobytes()) == ("one two three four", 0.7)
    assert ended.at - ended.offset == pytest.approx(6400, abs=513) and ended.reason == "silence"


def test_a_turn_without_end_is_cut_and_goes_on(loop: VirtualTimeLoop) -> None:
    reported: list[VadEvent] = []

    async def main() -> None:
        ear = ScriptedVad(lambda: False)
        stream = ear.open_stream(EndpointingOptions(details=True, max_turn_ms=2000), reported.append)
        stream.say(" ".join(str(n) for n in range(50)), 5000)
        await asyncio.sleep(10)

    loop.run_until_complete(main())
    ends = [event for event in reported if isinstance(event, SpeechEnded)]
    assert [event.reason for event in ends] == ["max_turn", "max_turn", "silence"]
    assert " ".join(decode_script(event.audio.tobytes())[0] for event in ends) == " ".join(
        str(n) for n in range(50)
    )


def test_what_was_heard_of_a_prompt_follows_the_clock(loop: VirtualTimeLoop) -> None:
    async def main() -> list[object]:
        player, over = ScriptedPlayer(), []
        buffer = player.playback()
        assert isinstance(buffer, TimedPlayback)
        prompt = ScriptedTts().lookup("one two three four")
        assert prompt is not None
        buffer.write(prompt.pcm)
        buffer.on_end = lambda: over.append(loop.time())
        player.play(buffer)
        await asyncio.sleep(0.71)
        seen: list[object] = [buffer.played]
        buffer.finish()
        await asyncio.sleep(2)
        return [*seen, buffer.played, buffer.ended, over]

    assert loop.run_until_complete(main()) == [5600, 11200, True, [pytest.approx(1.4)]]


def test_a_prompt_that_runs_dry_goes_on_when_there_is_more(loop: VirtualTimeLoop) -> None:
    async def main() -> list[int]:
        buffer = TimedPlayback(8000)
        buffer.write(bytes(8000))
        buffer.begin()
        await asyncio.sleep(1)
        seen = [buffer.played, int(buffer.starving)]
        buffer.write(bytes(8000))
        await asyncio.sleep(0.25)
        seen.append(buffer.played)
        buffer.stop()
        await asyncio.sleep(1)
        return [*seen, buffer.played]

    assert loop.run_until_complete(main()) == [4000, 1, 5920, 5920]  # whole frames


def test_a_turn_that_is_ended_from_outside_is_over(loop: VirtualTimeLoop) -> None:
    reported: list[VadEvent] = []

    async def main() -> None:
        ear = ScriptedVad(lambda: False)
        stream = ear.open_stream(EndpointingOptions(details=True, min_silence_ms=5000), reported.append)
        stream.say("one two", 600)
        await asyncio.sleep(1)
        assert stream.busy and any(isinstance(event, SpeechPaused) for event in reported)
        stream.flush("complete")
        assert not stream.busy and stream.clock == pytest.approx(16_000, abs=512)

    loop.run_until_complete(main())
    assert [event.reason for event in reported if isinstance(event, SpeechEnded)] == ["complete"]


def test_the_clock_goes_on_while_speech_is_to_come(loop: VirtualTimeLoop) -> None:
    async def main() -> int:
        stream = ScriptedVad(lambda: False).open_stream(EndpointingOptions(details=True), lambda event: None)
        stream.say("one", 300, after_ms=5000)
        await asyncio.sleep(4)
        return stream.clock

    assert loop.run_until_complete(main()) == pytest.approx(64_000, abs=512)
