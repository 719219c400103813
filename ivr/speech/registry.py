"""Speech engines by kind and name: the providers of this package, and entry points of other packages."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

import structlog

from ivr.errors import IvrError
from ivr.speech.base import SpeechToText, TextToSpeech, TurnDetector, nearest
from ivr.speech.providers.openai.stt import OpenAIStt, OpenAISttOptions
from ivr.speech.providers.openai.tts import OpenAITts, OpenAITtsOptions
from ivr.speech.providers.piper.tts import PiperOptions, PiperTts
from ivr.speech.providers.smart_turn.detector import SmartTurn, SmartTurnOptions
from ivr.speech.providers.whisper.stt import WhisperOptions, WhisperStt

_log = structlog.get_logger(__name__)
_Engine = TypeVar("_Engine", SpeechToText, TextToSpeech, TurnDetector)


class UnknownEngine(IvrError, ValueError):
    """No engine has that name; the text names those there are."""


@dataclass(frozen=True, slots=True)
class _NoOptions:
    """Options of an engine that declares none."""


@dataclass(frozen=True, slots=True)
class EngineKind(Generic[_Engine]):
    """The engines of one protocol."""

    label: str
    """Names the kind in an error's text: "no voice is called ..."."""
    group: str
    """Entry-point group. An entry is a callable (a class, say) that takes the engine's options as keywords
    and returns an object of the protocol. If it has an attribute ``options_type``, a dataclass, its fields
    are settings. ``tests/example_engine`` is such a package."""
    built_in: dict[str, tuple[Callable[..., _Engine], type]]
    """Name of an engine to its factory and the dataclass of its options."""

    def create(self, name: str, **options: Any) -> _Engine:
        """Make an engine; nothing is loaded or connected before its ``start``.

        Raises UnknownEngine (a ValueError), ValueError for an unknown option, ModelMissing for a model
        that has not been fetched.
        """
        if name in self.built_in:
            return self.built_in[name][0](**options)
        return cast(_Engine, self._installed(name)(**options))

    def options(self) -> dict[str, type]:
        """Return the name of every engine and the dataclass of its options."""
        found = {name: kind for name, (_, kind) in self.built_in.items()}
        for entry in entry_points(group=self.group):
            if entry.name in self.built_in:
                continue  # a package cannot replace a built-in engine
            try:
                found[entry.name] = getattr(entry.load(), "options_type", _NoOptions)
            except Exception as error:  # a broken package must not keep the service from starting
                _log.warning("engine_not_loadable", engine=entry.name, group=self.group, error=str(error))
        return found

    def _installed(self, name: str) -> Callable[..., Any]:
        for entry in entry_points(group=self.group, name=name):
            factory: Callable[..., Any] = entry.load()
            return factory
        known = sorted({*self.built_in, *(entry.name for entry in entry_points(group=self.group))})
        raise UnknownEngine(
            f"no {self.label} is called {name!r}{nearest(name, known)}; there are: {', '.join(known)}"
        )


STT: EngineKind[SpeechToText] = EngineKind(
    "speech recogniser",
    "ivr.stt",
    {"whisper": (WhisperStt, WhisperOptions), "openai": (OpenAIStt, OpenAISttOptions)},
)
TTS: EngineKind[TextToSpeech] = EngineKind(
    "voice",
    "ivr.tts",
    {"piper": (PiperTts, PiperOptions), "openai": (OpenAITts, OpenAITtsOptions)},
)
TURN: EngineKind[TurnDetector] = EngineKind(
    "turn detector", "ivr.turn", {"smart-turn": (SmartTurn, SmartTurnOptions)}
)
KINDS: dict[str, EngineKind[Any]] = {"stt": STT, "tts": TTS, "turn": TURN}
"""Kinds by their name in the settings."""


def create_stt(name: str, **options: Any) -> SpeechToText:
    """Make a recogniser; see ``EngineKind.create``."""
    return STT.create(name, **options)


def create_tts(name: str, **options: Any) -> TextToSpeech:
    """Make a voice; see ``EngineKind.create``."""
    return TTS.create(name, **options)


def create_turn_detector(name: str, **options: Any) -> TurnDetector:
    """Make a turn detector; see ``EngineKind.create``."""
    return TURN.create(name, **options)
