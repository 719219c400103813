"""What a caller hears while an engine does not answer: something after ``waiting_after_s``, and again."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.audio.tones import still_there
from ivr.session import MemoryPlayer, VoiceSession
from ivr.speech.prompts.store import Prompt
from tests.session.conftest import PLAIN, Make
from tests.session.engines import LetterTTS, ScriptSTT

WORDS = np.full(4000, 3000, np.int16).tobytes()
"""Half a second that stands for "One moment, please"."""
AFTER_MS = PLAIN.waiting_after_s * 1000


class PreparedTTS(LetterTTS):
    """Makes nothing until ``gate`` is set; the words for a caller who waits are there."""

    sample_rate = 8000

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    def lookup(self, text: str) -> Prompt | None:
        return Prompt(WORDS, 1.0) if text == "One moment, please." else None

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        await self.gate.wait()
        async for piece in super().synthesize(text):
            yield piece


async def hear(session: VoiceSession, player: MemoryPlayer, seconds: float) -> np.ndarray:
    """Let so many seconds of a silent line go by, engines waiting or not; what is heard meanwhile."""
    before = len(player.played)
    for _ in range(round(seconds * 50)):
        session.process_audio(bytes(320))
        await asyncio.sleep(0.001)
    return np.frombuffer(player.played[before:], np.int16)


def longest_silence_ms(heard: np.ndarray) -> float:
    loud = np.flatnonzero(np.abs(heard) > 50)
    return float(np.diff(np.concatenate(([0], loud, [heard.size]))).max()) / 8


async def test_words_and_then_tones_end_the_silence_while_the_voice_is_stuck(
    make: Make, player: MemoryPlayer
) -> None:
    tts = PreparedTTS()
    async with make(tts=tts) as session:
        with capture_logs() as logs:
            handle = await session.say("Your balance is nine.")
            heard = await hear(session, player, 8.0)
        assert longest_silence_ms(heard) < AFTER_MS + 150
        assert (heard == 3000).sum() == 4000, "the words are said once"
        (line,) = [entry for entry in logs if entry["event"] == "caller_kept_waiting"]
        assert line["waits_for"] == "voice" and AFTER_MS <= line["silent_ms"] < AFTER_MS + 150
        tts.gate.set()
        await hear(session, player, 3.0)
        assert (await handle.wait_for_playout()).heard_text == "Your balance is nine."


async def test_the_wait_for_the_recogniser_counts_from_the_callers_last_sound(
    make: Make, player: MemoryPlayer, stt: ScriptSTT, sentence: np.ndarray
) -> None:
    stt.gate = asyncio.Event()
    async with make() as session:
        listening = asyncio.create_task(session.listen())
        for start in range(0, sentence.size, 160):
            session.process_audio(sentence[start : start + 160].tobytes())
            await asyncio.sleep(0.001)
        heard = await hear(session, player, 2.0)
        first = int(np.flatnonzero(heard)[0]) / 8
        assert AFTER_MS - 100 < first < AFTER_MS + 250
        stt.gate.set()
        assert (await listening).text == "hello there"


async def test_a_prompt_begins_after_the_words_and_the_tone_is_heard_where_they_are_not_prepared(
    make: Make, player: MemoryPlayer
) -> None:
    tts = PreparedTTS()
    tts.lookup = lambda text: None  # type: ignore[method-assign]
    async with make(tts=tts) as session:
        await session.say("Nine.")
        heard = await hear(session, player, AFTER_MS / 1000 + 0.1)
        assert np.abs(heard).max() == np.abs(np.frombuffer(still_there(), np.int16)).max()
        tts.gate.set()
        heard = await hear(session, player, 1.0)
        begins = int(np.flatnonzero(np.abs(heard) > 5000)[0])
        assert begins >= 8 * 200, "the tone was cut"


@pytest.mark.parametrize("waiting_after_s", [0.0])
async def test_nothing_is_heard_where_that_is_set(
    make: Make, player: MemoryPlayer, waiting_after_s: float
) -> None:
    config = dataclasses.replace(PLAIN, waiting_after_s=waiting_after_s)
    async with make(config, tts=PreparedTTS()) as session:
        await session.say("Nine.")
        assert not (await hear(session, player, 3.0)).any()


async def test_a_caller_who_is_listened_to_hears_nothing(make: Make, player: MemoryPlayer) -> None:
    async with make() as session:
        listening = asyncio.create_task(session.listen())
        assert not (await hear(session, player, 4.0)).any()
        listening.cancel()
