"""Make the engines that the settings name: fallbacks in their order, the prompt cache in front."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.audio.line import LineBank
from ivr.dialplan.plan.plan import texts_for_faults
from ivr.process.requests import ProcessOptions
from ivr.service.config.options import EngineOptions, LanguageOptions, VadOptions
from ivr.service.config.settings import Settings, load_settings
from ivr.service.start_progress import NoProgress, Progress, start_together
from ivr.speech.base import SpeechToText, TextToSpeech, TurnDetector
from ivr.speech.call_engines import CallEngines, SpeechEngines
from ivr.speech.fallback import FallbackSTT, FallbackTTS
from ivr.speech.prompts.cache import PromptCache
from ivr.speech.registry import KINDS, create_stt, create_tts, create_turn_detector
from ivr.speech.spoken_text import SpokenTextTTS
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from ivr.vad.silero import VadModelError

NO_PROGRESS = NoProgress()


@dataclass(frozen=True, slots=True)
class StartableEngines(SpeechEngines):
    """Recogniser and synthesiser of one language, from their start to their end."""

    async def start(self, prompts: Iterable[str], progress: Progress = NO_PROGRESS) -> None:
        """Load both engines at once, then make every prompt that is not on disk yet. Raises SpeechError."""
        await start_together(self._start_stt(progress), self._start_tts(prompts, progress))

    async def aclose(self) -> None:
        """End the engines. Idempotent."""
        await self.stt.aclose()
        await self.tts.aclose()

    async def _start_stt(self, progress: Progress) -> None:
        await _start(self.stt, progress)

    async def _start_tts(self, prompts: Iterable[str], progress: Progress) -> None:
        await _start(self.tts, progress)
        await self.tts.prepare(prompts, progress.prompts)


@dataclass(frozen=True, slots=True)
class Engines(StartableEngines):
    """The engines that all calls of a process share."""

    vad: VoiceActivityDetector
    turn: TurnDetector | None
    """Decides whether the caller has finished; None: silence alone decides."""
    languages: Mapping[str, StartableEngines] = field(default_factory=dict)
    """Languages that have engines of their own, by tag."""

    def engines_for_call(self) -> CallEngines:
        """Return the recogniser and the synthesiser of one call, which change with its language."""
        return CallEngines(self, self.languages)

    async def start(self, prompts: Iterable[str], progress: Progress = NO_PROGRESS) -> None:
        """Load all engines at once, then make every prompt that is not on disk yet; of languages with a voice
        of their own what is said while an engine fails. Raises SpeechError."""
        starts = [speech.start(texts_for_faults(tag), progress) for tag, speech in self.languages.items()]
        if self.turn is not None:
            starts.append(_start(self.turn, progress))
        await start_together(StartableEngines.start(self, prompts, progress), *starts)

    async def aclose(self) -> None:
        """End the engines. Idempotent."""
        self.vad.close()
        if self.turn is not None:
            await self.turn.aclose()
        for speech in self.languages.values():
            await speech.aclose()
        await StartableEngines.aclose(self)


async def _start(engine: SpeechToText | TextToSpeech | TurnDetector, progress: Progress) -> None:
    progress.engine_starting(engine.name)
    await engine.start()
    progress.engine_ready(engine.name)


def make_speech(settings: Settings, language: str = "") -> StartableEngines:
    """Make the service's recogniser and synthesiser. ``language`` is the tag of what they say, where a voice
    does not name its own. Raises ValueError for an unknown name or option,
    ModelMissing for a model not fetched.
    """
    stt = [create_stt(name, **settings.stt.of(name)) for name in settings.stt.order]
    tts = [
        _with_spoken_text(create_tts(name, **settings.tts.of(name)), language) for name in settings.tts.order
    ]
    return StartableEngines(FallbackSTT(stt), PromptCache(settings.prompts_dir).wrap(FallbackTTS(tts)))


def _with_spoken_text(tts: TextToSpeech, language: str) -> TextToSpeech:
    """Return the synthesiser with its text made speakable in the language of its voice, if that is known."""
    of_voice = getattr(tts, "languages", None)
    tag = of_voice[0] if of_voice else language
    return SpokenTextTTS(tts, tag) if tag else tts


def make_turn_detector(settings: Settings) -> TurnDetector | None:
    """Make the turn detector, None when there is none. Raises as ``make_speech``."""
    found = [create_turn_detector(name, **settings.turn.of(name)) for name in settings.turn.order]
    return found[0] if found else None


def make_engines(settings: Settings, bank: LineBank | None = None) -> Engines:
    """Make all engines. ``bank`` has the sound of the calls to be served; without one audio is pushed. Raises
    as ``make_speech``.
    """
    speech = make_speech(settings)
    turn = make_turn_detector(settings)
    vad = _make_vad(settings.vad, bank)
    return Engines(speech.stt, speech.tts, vad, turn, make_languages(settings))


def make_languages(settings: Settings) -> dict[str, StartableEngines]:
    """Make the engines of ``[[languages]]``. Raises as ``make_speech`` and ``settings_of``, and ValueError
    for a language that is given twice."""
    found: dict[str, StartableEngines] = {}
    for language in settings.languages:
        if language.tag in found:
            raise ValueError(f"languages: {language.tag!r} is given twice")
        found[language.tag] = make_speech(settings_of(language), language.tag)
    return found


def settings_of(language: LanguageOptions) -> Settings:
    """Return the settings of a language's engines; the environment does not apply to them. Raises
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
    """Return the settings with every engine that runs in its own process moved to the host at ``socket``."""
    moved: dict[str, Any] = {}
    for kind, engines in settings.engines.items():
        options = {name: dict(values) for name, values in engines.options.items()}
        for name in _engines_with_process(kind, engines):
            options.setdefault(name, {})["host"] = socket
        moved[kind] = dataclasses.replace(engines, options=options)
    languages = tuple(dataclasses.replace(each, host=socket) for each in settings.languages)
    return dataclasses.replace(settings, **moved, languages=languages)


def needs_host(settings: Settings) -> bool:
    """Return whether any engine of the settings runs in a process of its own."""
    return any(_engines_with_process(kind, engines) for kind, engines in settings.engines.items())


def _engines_with_process(kind: str, engines: EngineOptions) -> list[str]:
    """Return the engines that run in a process of their own."""
    known = KINDS[kind].options()
    return [name for name in engines.order if issubclass(known[name], ProcessOptions)]
