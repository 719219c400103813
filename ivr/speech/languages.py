"""Engines for each language of a call, one language at a time.

Each call has a ``Tongue``, whose ``stt`` and ``tts`` are the engines of the language that is spoken now. A
language without engines of its own has those of the service.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ivr.speech.base import SpeechToText, TellsHealth, Transcript
from ivr.speech.prompts.cache import CachedTTS
from ivr.speech.prompts.store import Prompt


@dataclass(frozen=True, slots=True)
class Pair:
    """What understands a language and what speaks it."""

    stt: SpeechToText
    tts: CachedTTS


@runtime_checkable
class Switches(Protocol):
    """An engine that can change its language in mid-call."""

    def speak(self, language: str) -> None:
        """From the next request on. A tag (RFC 5646); ``fr-CA`` falls back on ``fr``."""


class Tongue:
    """One call's. ``speak`` changes both engines."""

    def __init__(self, usual: Pair, others: Mapping[str, Pair]) -> None:
        self._usual, self._others = usual, others
        self.pair = usual
        self.stt = TongueSTT(self)
        self.tts = TongueTTS(self)

    def speak(self, language: str) -> None:
        found = self._others.get(language) or self._others.get(language.partition("-")[0])
        self.pair = found or self._usual


class TongueSTT:
    """The recogniser of the call's language."""

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self.name = tongue.pair.stt.name

    def speak(self, language: str) -> None:
        self._tongue.speak(language)

    @property
    def down(self) -> bool:
        stt = self._tongue.pair.stt
        return isinstance(stt, TellsHealth) and stt.down

    async def start(self) -> None:
        await self._tongue.pair.stt.start()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return await self._tongue.pair.stt.transcribe(pcm16, sample_rate)

    async def aclose(self) -> None:
        """The engines are the process's."""


class TongueTTS:
    """The voice of the call's language, at 8 kHz."""

    sample_rate = CachedTTS.sample_rate

    def __init__(self, tongue: Tongue) -> None:
        self._tongue = tongue
        self.name = tongue.pair.tts.name

    def speak(self, language: str) -> None:
        self._tongue.speak(language)

    async def start(self) -> None:
        await self._tongue.pair.tts.start()

    def lookup(self, text: str) -> Prompt | None:
        return self._tongue.pair.tts.lookup(text)

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        return self._tongue.pair.tts.synthesize(text)

    def fingerprint(self) -> str:
        return self._tongue.pair.tts.fingerprint()

    async def aclose(self) -> None:
        """The engines are the process's."""
