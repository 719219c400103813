"""Engines of one call, which change with the language of the call.

Each call has a ``CallEngines``, whose ``stt`` and ``tts`` pass requests to the engines of the language that
is spoken now. A language without engines of its own has those of the service.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ivr.grammar.recognition import RecognitionContext
from ivr.speech.base import HasHealth, SpeechToText, Transcript, recognise
from ivr.speech.prompts.cache import CachedTTS
from ivr.speech.prompts.store import Prompt


@dataclass(frozen=True, slots=True)
class SpeechEngines:
    """Recogniser and synthesiser of one language."""

    stt: SpeechToText
    tts: CachedTTS


@runtime_checkable
class SwitchesLanguage(Protocol):
    """An engine that can change its language in mid-call."""

    def set_language(self, language: str) -> None:
        """Use ``language`` from the next request on: a tag (RFC 5646); ``fr-CA`` falls back on ``fr``."""


class CallEngines:
    """The engines of one call. ``set_language`` changes both."""

    def __init__(self, default: SpeechEngines, by_language: Mapping[str, SpeechEngines]) -> None:
        self._default, self._by_language = default, by_language
        self.current = default
        self.stt = CallSTT(self)
        self.tts = CallTTS(self)

    def set_language(self, language: str) -> None:
        found = self._by_language.get(language) or self._by_language.get(language.partition("-")[0])
        self.current = found or self._default


class CallSTT:
    """The recogniser of the call's language."""

    def __init__(self, engines: CallEngines) -> None:
        self._engines = engines
        self.name = engines.current.stt.name

    def set_language(self, language: str) -> None:
        self._engines.set_language(language)

    @property
    def down(self) -> bool:
        stt = self._engines.current.stt
        return isinstance(stt, HasHealth) and stt.down

    async def start(self) -> None:
        await self._engines.current.stt.start()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return await self._engines.current.stt.transcribe(pcm16, sample_rate)

    async def recognise(self, pcm16: bytes, sample_rate: int, context: RecognitionContext) -> Transcript:
        """See HasGrammar."""
        return await recognise(self._engines.current.stt, pcm16, sample_rate, context)

    async def aclose(self) -> None:
        """Leave the engines running: they belong to the process, not to the call."""


class CallTTS:
    """The voice of the call's language, at 8 kHz."""

    sample_rate = CachedTTS.sample_rate

    def __init__(self, engines: CallEngines) -> None:
        self._engines = engines
        self.name = engines.current.tts.name

    def set_language(self, language: str) -> None:
        self._engines.set_language(language)

    async def start(self) -> None:
        await self._engines.current.tts.start()

    def lookup(self, text: str) -> Prompt | None:
        return self._engines.current.tts.lookup(text)

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        return self._engines.current.tts.synthesize(text)

    def fingerprint(self) -> str:
        return self._engines.current.tts.fingerprint()

    async def aclose(self) -> None:
        """Leave the engines running: they belong to the process, not to the call."""
