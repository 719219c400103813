"""The turn detector on recorded speech over a G.711 line, and its process in life and death."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ivr.modelstore import ModelStore
from ivr.process.host import ProcessHost
from ivr.process.request_process import RequestProcess
from ivr.speech.base import SpeechBusy, SpeechError, SpeechTimeout, TurnDetector
from ivr.speech.providers.smart_turn.child import SAMPLES, SHAPE, SmartTurnEngine, features
from ivr.speech.providers.smart_turn.detector import SmartTurn, SmartTurnOptions
from tests.speech.recordings import line, recording
from tests.speech.turn_clips import SENTENCES, TAIL_S, cuts, ended
from tests.speech.turn_ends import aligner, area, balanced, judge

RATE = 16_000
PAUSE = np.zeros(RATE // 5, np.int16)
"""What has been heard of the caller's pause when the question is asked."""


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[SmartTurn]:
    turn = SmartTurn(**{"answer_timeout_s": 5.0, "timeout_s": 10.0, **options})
    await turn.start()
    try:
        yield turn
    finally:
        await turn.aclose()


def process_of(turn: SmartTurn) -> RequestProcess:
    assert isinstance(turn.engine.requests, RequestProcess)
    return turn.engine.requests


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not met():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def said(sounds: Path, *names: str, until_s: float | None = None) -> bytes:
    pcm = np.concatenate([line(recording(sounds, name)) for name in names])
    if until_s is not None:
        pcm = pcm[: int(until_s * RATE)]
    return np.concatenate([pcm, PAUSE]).tobytes()


# -- what the model is given


def noise(samples: int) -> npt.NDArray[np.int16]:
    return (np.random.default_rng(3).standard_normal(samples) * 3000).astype(np.int16)


def test_a_short_turn_has_silence_in_front_and_a_long_one_loses_its_beginning() -> None:
    turn = noise(3 * RATE)
    padded = np.concatenate([np.zeros(SAMPLES - turn.size, np.int16), turn])
    assert features(turn, RATE).shape == SHAPE
    assert features(turn, RATE).tobytes() == features(padded, RATE).tobytes()
    long = np.concatenate([noise(5000)[::-1], padded])
    assert features(long, RATE).tobytes() == features(padded, RATE).tobytes()


def test_8_khz_is_converted() -> None:
    tone = (9000 * np.sin(2 * np.pi * 440 / 8000 * np.arange(8 * 8000))).astype(np.int16)
    wide = (9000 * np.sin(2 * np.pi * 440 / 16000 * np.arange(8 * 16000))).astype(np.int16)
    bands = features(tone, 8000)[0].mean(axis=1), features(wide, RATE)[0].mean(axis=1)
    assert bands[0].argmax() == bands[1].argmax()


# -- the judgement


async def test_sentences_and_halves_of_them(models: ModelStore, sounds: Path) -> None:
    async with running() as turn:
        assert isinstance(turn, TurnDetector)
        await turn.start()  # again is no harm
        for name in ("all-circuits-busy-now", "check-number-dial-again", "conf-onlyperson"):
            assert await turn.probability(said(sounds, name), RATE) > 0.9, name
        for name, cut_s in (("conf-onlyperson", 1.6), ("cannot-complete-as-dialed", 1.35)):
            assert await turn.probability(said(sounds, name, until_s=cut_s), RATE) < 0.3, name


@pytest.mark.campaign
def test_how_often_it_is_right_on_sentences_and_cuts_inside_them(models: ModelStore, sounds: Path) -> None:
    """Every fifth of the recordings behind the table in the room's README."""
    one, clips = judge(), []
    words = aligner()
    for name in SENTENCES[::5]:
        pcm = recording(sounds, name)
        clips += [ended("sentence", name, True, pcm, TAIL_S), *cuts(name, pcm, words(name), TAIL_S)]
    scores = np.array([one(line(clip.pcm), RATE) for clip in clips])
    complete = np.array([clip.complete for clip in clips])
    assert complete.sum() >= 30 and (~complete).sum() >= 50
    assert area(scores, complete) > 0.87
    assert balanced(scores, complete, 0.5) > 0.75


async def test_the_same_sound_gives_the_same_answer_here_and_in_the_process(
    models: ModelStore, sounds: Path
) -> None:
    sound = said(sounds, "vm-options")  # 16 s: only the last 8 are sent and judged
    engine = SmartTurnEngine(model=str(models.path("smart-turn")), threads=1)
    answers = []
    for _ in range(2):
        work = engine.handle({"sample_rate": RATE}, sound)
        with pytest.raises(StopIteration) as end:
            while True:
                next(work)
        answers.append(end.value.value["probability"])
    async with running() as turn:
        answers += [await turn.probability(sound, RATE) for _ in range(2)]
    assert len(set(answers)) == 1


async def test_sound_without_speech_has_an_answer_too(models: ModelStore) -> None:
    async with running() as turn:
        for sound in (b"", bytes(2), bytes(RATE), np.full(RATE, 32767, np.int16).tobytes()):
            assert 0 <= await turn.probability(sound, RATE) <= 1
        with pytest.raises(SpeechError, match="smart-turn: not PCM16: 3 bytes"):
            await turn.probability(b"abc", RATE)
        with pytest.raises(SpeechError, match="at 0 Hz"):
            await turn.probability(b"", 0)


async def test_it_runs_in_a_host_as_well(models: ModelStore, sounds: Path, tmp_path: Path) -> None:
    host = ProcessHost(tmp_path / "engines")
    await host.open()
    try:
        async with running(host=tmp_path / "engines") as one, running(host=tmp_path / "engines") as two:
            sound = said(sounds, "all-circuits-busy-now")
            answers = await asyncio.gather(one.probability(sound, RATE), two.probability(sound, RATE))
            assert answers[0] == answers[1] > 0.9
            assert len(host._processes) == 1, "one process for both"
    finally:
        await host.aclose()


# -- late, busy, dead: the caller of the API falls back at once


async def test_a_late_answer_is_dropped_and_the_process_is_not_restarted(
    models: ModelStore, sounds: Path
) -> None:
    async with running(answer_timeout_s=0.15) as turn:
        sound = said(sounds, "all-circuits-busy-now")
        pid = turn.engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        try:
            with pytest.raises(SpeechTimeout, match=r"smart-turn: no answer within 0\.15 s"):
                await turn.probability(sound, RATE)
            assert time.monotonic() - began < 1.0
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: process_of(turn)._current is None)  # the late answer has come, to nobody
        assert (turn.engine.pid, process_of(turn).restarts) == (pid, 0)
    async with running() as turn:
        assert await turn.probability(sound, RATE) > 0.9


async def test_cancelling_abandons_the_request(models: ModelStore) -> None:
    async with running() as turn:
        engine, sound = process_of(turn), bytes(2 * SAMPLES)
        pid = engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(turn.probability(sound, RATE))
        second = asyncio.create_task(turn.probability(sound, RATE))
        await until(lambda: engine._current is not None and len(engine._queue) == 1)
        second.cancel()
        await asyncio.wait({second})
        assert second.cancelled() and not engine._queue, "it was never sent"
        first.cancel()
        await asyncio.wait({first})
        os.kill(pid, signal.SIGCONT)
        assert 0 <= await turn.probability(sound, RATE) <= 1
        assert engine.restarts == 0


async def test_a_full_queue_is_busy_at_once(models: ModelStore) -> None:
    async with running(queue_size=2) as turn:
        engine, sound = process_of(turn), bytes(2 * SAMPLES)
        pid = engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        asked = [asyncio.create_task(turn.probability(sound, RATE))]
        await until(lambda: engine._current is not None)
        asked += [asyncio.create_task(turn.probability(sound, RATE)) for _ in range(2)]
        await until(lambda: len(engine._queue) == 2)
        with pytest.raises(SpeechBusy):
            await turn.probability(sound, RATE)
        os.kill(pid, signal.SIGCONT)
        assert len(set(await asyncio.gather(*asked))) == 1


async def test_kill_9_fails_one_request_and_the_next_is_answered(models: ModelStore, sounds: Path) -> None:
    async with running() as turn:
        sound, pid = said(sounds, "all-circuits-busy-now"), turn.engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.create_task(turn.probability(sound, RATE))
        await until(lambda: process_of(turn)._current is not None)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(SpeechError, match="signal 9"):
            await asked
        assert await turn.probability(sound, RATE) > 0.9
        assert turn.engine.pid != pid


async def test_one_that_is_stuck_is_killed_and_started_again(models: ModelStore) -> None:
    async with running(answer_timeout_s=0.1, timeout_s=0.5) as turn:
        engine, pid = process_of(turn), turn.engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(SpeechTimeout):
            await turn.probability(bytes(3200), RATE)
        await until(lambda: engine.pid not in (None, pid))
        assert engine.restarts == 1


# -- models and options that cannot be used


async def test_files_that_are_no_model(models: ModelStore, tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"no network at all")
    for path, words in (
        (tmp_path / "absent.onnx", "no such file"),
        (junk, "not an ONNX model"),
        (models.path("silero"), "no smart-turn v3"),
    ):
        turn = SmartTurn(model=path)
        with pytest.raises(SpeechError, match=words):
            await turn.start()
        await turn.aclose()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"answer_timeout_s": 0.0}, "answer_timeout_s must be above 0, got 0"),
        ({"answer_timout_s": 0.5}, "no option 'answer_timout_s', did you mean 'answer_timeout_s'"),
    ],
)
def test_options_that_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SmartTurn(**options)


async def test_the_doctor_reports_the_time_of_a_judgement(models: ModelStore) -> None:
    async with running(answer_timeout_s=0.001) as turn:
        assert "of 1 ms it may take; silence decides" in await turn.check()


def test_one_thread_and_a_short_queue() -> None:
    options = SmartTurnOptions()
    assert (options.threads, options.queue_size, options.niceness) == (1, 8, 19)
