"""The engines the settings ask for, put together: fallbacks in their order, the prompt cache in front."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.audio.line import LineBank
from ivr.process.requests import ProcessOptions
from ivr.service.config.languages import LanguageOptions
from ivr.service.config.settings import EngineOptions, Settings, VadOptions, load_settings
from ivr.speech.base import TurnDetector
from ivr.speech.fallback import FallbackSTT, FallbackTTS
from ivr.speech.languages import Pair, Tongue
from ivr.speech.prompts.cache import PromptCache
from ivr.speech.registry import KINDS, create_stt, create_tts, create_turn_detector
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from ivr.vad.silero import VadModelError


@dataclass(frozen=True, slots=True)
class Speech(Pair):
    """Engines with their life."""

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
    languages: Mapping[str, Speech] = field(default_factory=dict)
    """Engines of their own, by the language."""

    def tongue(self) -> Tongue:
        """A call's."""
        return Tongue(self, self.languages)

    async def start(self, prompts: Iterable[str]) -> None:
        if self.turn is not None:
            await self.turn.start()
        for speech in self.languages.values():
            await speech.start(())
        await Speech.start(self, prompts)

    async def close(self) -> None:
        self.vad.close()
        if self.turn is not None:
            await self.turn.aclose()
        for speech in self.languages.values():
            await speech.close()
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
    return Engines(speech.stt, speech.tts, vad, turn, make_languages(settings))


def make_languages(settings: Settings) -> dict[str, Speech]:
    """The engines of ``[[languages]]``. Raises as ``make_speech`` and ``settings_of``, and ValueError for a
    language that is given twice.
    """
    found: dict[str, Speech] = {}
    for language in settings.languages:
        if language.tag in found:
            raise ValueError(f"languages: {language.tag!r} is given twice")
        found[language.tag] = make_speech(settings_of(language))
    return found


def settings_of(language: LanguageOptions) -> Settings:
    """Of its engines; what the environment says of engines is said of the service's own. Raises
    SettingsError.
    """
    settings = load_settings(language.settings, environ={})
    return settings if language.host is None else on_host(settings, language.host)


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
    languages = tuple(dataclasses.replace(each, host=socket) for each in settings.languages)
    return settings.model_copy(update={**moved, "languages": languages})


def needs_host(settings: Settings) -> bool:
    """Any engine that is asked for runs in a process of its own."""
    return any(_of_processes(kind, engines) for kind, engines in settings.engines.items())


def _of_processes(kind: str, engines: EngineOptions) -> list[str]:
    """Those that run in a process of their own."""
    known = KINDS[kind].options()
    return [name for name in engines.order if issubclass(known[name], ProcessOptions)]
