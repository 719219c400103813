from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from ivr.modelstore import ModelStore
from ivr.session import BargeInOptions, MemoryPlayer, SessionConfig, TurnOptions, VoiceSession
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from tests.session.engines import LetterTTS, ScriptSTT
from tests.vad.sounds import loud_from, loud_until, prompt


@pytest.fixture(scope="session")
def vad(models: ModelStore) -> VoiceActivityDetector:
    return create_vad("silero")


@pytest.fixture(scope="session")
def sentence() -> np.ndarray:
    """Two seconds or so of recorded human speech, 8 kHz, loud from the first sample to the last."""
    x = prompt("vm-goodbye")
    x = prompt("please-try-again") if len(x) < 8000 else x
    return x[loud_from(x) : loud_until(x)]


@pytest.fixture
def tts() -> LetterTTS:
    return LetterTTS()


@pytest.fixture
def stt() -> ScriptSTT:
    return ScriptSTT("hello there", "second turn", "third turn")


@pytest.fixture
def player() -> MemoryPlayer:
    return MemoryPlayer()


PLAIN = SessionConfig(
    barge_in=BargeInOptions(false_interruption_timeout_ms=0), turn=TurnOptions(preemptive=False)
)
"""Speech interrupts for good, and each turn is transcribed once. ``test_turn_taking.py`` has all the rest."""

Make = Callable[..., VoiceSession]


@pytest.fixture
def make(vad: VoiceActivityDetector, stt: ScriptSTT, tts: LetterTTS, player: MemoryPlayer) -> Make:
    def make_session(config: SessionConfig | None = None, **more: Any) -> VoiceSession:
        parts = {"stt": stt, "tts": tts, "vad": vad, "player": player, **more}
        return VoiceSession(config=config or PLAIN, **parts)

    return make_session


@pytest.fixture
async def session(make: Make) -> AsyncIterator[VoiceSession]:
    async with make() as session:
        yield session
