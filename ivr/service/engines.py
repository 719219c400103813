"""The engines the settings ask for, put together: fallbacks in their order, the prompt cache in front."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ivr.audio.line import LineBank
from ivr.service.settings import EngineOptions, Settings, VadOptions
from ivr.speech.base import SpeechToText, TurnDetector
from ivr.speech.cache import CachedTTS, PromptCache
from ivr.speech.fallback import FallbackSTT, FallbackTTS
from ivr.speech.process import ProcessOptions
from ivr.speech.registry import KINDS, create_stt, create_tts, create_turn_detector
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from ivr.vad.silero import VadModelError


@dataclass(frozen=True, slots=True)
class Speech:
    """What understands and what speaks."""

    stt: SpeechToText
    tts: CachedTTS

    async def start(self, prompts: Iterable[str]) -> None:
        """Load the engines and make every prompt that is not on disk yet. Raises SpeechError."""
        await self.stt.start()
        await self.tts.start()
        await self.tts.prepare(prompts)

    async def close(self) -> None:
        await self.stt.aclose()
        await self.tts.aclose()


@dataclass(frozen=True, slots=True)
class Engines(Speech):
    """What all calls of a process share."""

    vad: VoiceActivityDetector
    turn: TurnDetector | None
    """Has the caller finished? None: silence alone decides."""

    async def start(self, prompts: Iterable[str]) -> None:
        if self.turn is not None:
            await self.turn.start()
        await Speech.start(self, prompts)

    async def close(self) -> None:
        self.vad.close()
        if self.turn is not None:
            await self.turn.aclose()
        await Speech.close(self)


def make_speech(settings: Settings) -> Speech:
    """Raises ValueError for an unknown name or option, ModelMissing for a model not fetched."""
    stt = [create_stt(name, **settings.stt.of(name)) for name in settings.stt.order]
    tts = [create_tts(name, **settings.tts.of(name)) for name in settings.tts.order]
    return Speech(FallbackSTT(stt), PromptCache(settings.prompts_dir).wrap(FallbackTTS(tts)))


def make_turn_detector(settings: Settings) -> TurnDetector | None:
    """Raises as ``make_speech``."""
    found = [create_turn_detector(name, **settings.turn.of(name)) for name in settings.turn.order]
    return found[0] if found else None


def make_engines(settings: Settings, bank: LineBank | None = None) -> Engines:
    """``bank`` holds the sound of the calls to be served; without one audio is pushed. Raises as
    ``make_speech``.
    """
    speech = make_speech(settings)
    turn = make_turn_detector(settings)
    vad = _make_vad(settings.vad, bank)
    return Engines(speech.stt, speech.tts, vad, turn)


def _make_vad(options: VadOptions, bank: LineBank | None) -> VoiceActivityDetector:
    try:
        return create_vad(options.name, bank=bank, **options.keywords())
    except VadModelError as error:
        if options.model is None:
            raise
        raise VadModelError(
            f"vad.model: {error}; name a Silero VAD in ONNX (v5 or later), or none for the one in the cache"
        ) from error


def on_host(settings: Settings, socket: Path) -> Settings:
    """The settings with every engine that runs in a process of its own moved to the host at ``socket``."""
    moved = {}
    for kind, engines in settings.engines.items():
        options = {name: dict(values) for name, values in engines.options.items()}
        for name in _of_processes(kind, engines):
            options.setdefault(name, {})["host"] = socket
        moved[kind] = dataclasses.replace(engines, options=options)
    return settings.model_copy(update=moved)


def needs_host(settings: Settings) -> bool:
    """Any engine that is asked for runs in a process of its own."""
    return any(_of_processes(kind, engines) for kind, engines in settings.engines.items())


def _of_processes(kind: str, engines: EngineOptions) -> list[str]:
    """Those that run in a process of their own."""
    known = KINDS[kind].options()
    return [name for name in engines.order if issubclass(known[name], ProcessOptions)]
