"""Engines started once for many tests, and a server that plays OpenAI."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ivr.modelstore import ModelStore
from ivr.speech.providers.piper.tts import PiperTts
from ivr.speech.providers.whisper.stt import WhisperStt
from tests import engine_host
from tests.speech.server import SpeechServer


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def whisper(models: ModelStore) -> AsyncIterator[WhisperStt]:
    """A started recogniser; tests that use it run on the package's loop."""
    stt = WhisperStt(**engine_host.options())
    await stt.start()
    yield stt
    await stt.aclose()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def piper(models: ModelStore) -> AsyncIterator[PiperTts]:
    """A started voice; tests that use it run on the package's loop."""
    tts = PiperTts(**engine_host.options())
    await tts.start()
    yield tts
    await tts.aclose()


@pytest.fixture
async def server() -> AsyncIterator[SpeechServer]:
    """A real HTTP server on loopback; each test says what it answers."""
    async with SpeechServer() as running:
        yield running
