"""The engines the settings ask for, put together: fallbacks in their order, the prompt cache in front."""

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.service.settings import Settings
from ivr.speech.base import SpeechToText
from ivr.speech.cache import CachedTTS, PromptCache
from ivr.speech.fallback import FallbackSTT, FallbackTTS
from ivr.speech.registry import create_stt, create_tts
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad


@dataclass(frozen=True, slots=True)
class Engines:
    """What all calls of a process share."""

    stt: SpeechToText
    tts: CachedTTS
    vad: VoiceActivityDetector

    async def start(self, prompts: Iterable[str]) -> None:
        """Load the engines and make every prompt that is not on disk yet. Raises SpeechError."""
        await self.stt.start()
        await self.tts.start()
        await self.tts.prepare(prompts)

    async def close(self) -> None:
        self.vad.close()
        await self.stt.aclose()
        await self.tts.aclose()


def make_engines(settings: Settings, *, shared_vad: bool) -> Engines:
    """Raises ValueError for an unknown name or option, ModelMissing for a model not fetched."""
    stt = [create_stt(name, **settings.stt.of(name)) for name in settings.stt.order]
    tts = [create_tts(name, **settings.tts.of(name)) for name in settings.tts.order]
    vad = create_vad(settings.vad.name, shared=shared_vad, **settings.vad.keywords())
    return Engines(FallbackSTT(stt), PromptCache(settings.prompts_dir).wrap(FallbackTTS(tts)), vad)
