"""Speech engines by name. A third party's come through the entry-point groups ``ivr.stt`` and ``ivr.tts``."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, cast

import structlog

from ivr.speech.base import SpeechToText, TextToSpeech
from ivr.speech.openai_stt import OpenAIStt, OpenAISttOptions
from ivr.speech.openai_tts import OpenAITts, OpenAITtsOptions
from ivr.speech.options import nearest
from ivr.speech.piper import PiperOptions, PiperTts
from ivr.speech.whisper import WhisperOptions, WhisperStt

_log = structlog.get_logger(__name__)

STT_GROUP = "ivr.stt"
TTS_GROUP = "ivr.tts"
"""Entry-point groups. An entry is a callable (a class, say) that takes the engine's options as keywords
and gives an object of the protocol. If it has an attribute ``options_type``, a dataclass, then its
fields can be written in the settings file."""


class UnknownEngine(ValueError):
    """No engine has that name; the text names those there are."""


@dataclass(frozen=True, slots=True)
class _NoOptions:
    """Of an engine that does not say what options it has."""


_STT: dict[str, tuple[Callable[..., SpeechToText], type]] = {
    "whisper": (WhisperStt, WhisperOptions),
    "openai": (OpenAIStt, OpenAISttOptions),
}
_TTS: dict[str, tuple[Callable[..., TextToSpeech], type]] = {
    "piper": (PiperTts, PiperOptions),
    "openai": (OpenAITts, OpenAITtsOptions),
}


def create_stt(name: str, **options: Any) -> SpeechToText:
    """Make a recogniser; nothing is loaded or connected before its ``start``.

    Raises UnknownEngine (a ValueError), ValueError for an unknown option, ModelMissing for a model that
    has not been fetched.
    """
    if name in _STT:
        return _STT[name][0](**options)
    return cast(SpeechToText, _installed(STT_GROUP, "speech recogniser", name, list(_STT))(**options))


def create_tts(name: str, **options: Any) -> TextToSpeech:
    """Make a voice; nothing is loaded or connected before its ``start``. Raises as ``create_stt``."""
    if name in _TTS:
        return _TTS[name][0](**options)
    return cast(TextToSpeech, _installed(TTS_GROUP, "voice", name, list(_TTS))(**options))


def stt_options() -> dict[str, type]:
    """Every recogniser's name and the dataclass of its options."""
    return {name: kind for name, (_, kind) in _STT.items()} | _installed_options(STT_GROUP, list(_STT))


def tts_options() -> dict[str, type]:
    """Every voice's name and the dataclass of its options."""
    return {name: kind for name, (_, kind) in _TTS.items()} | _installed_options(TTS_GROUP, list(_TTS))


def _installed(group: str, what: str, name: str, built_in: list[str]) -> Callable[..., Any]:
    for entry in entry_points(group=group, name=name):
        factory: Callable[..., Any] = entry.load()
        return factory
    known = sorted({*built_in, *(entry.name for entry in entry_points(group=group))})
    raise UnknownEngine(f"no {what} is called {name!r}{nearest(name, known)}; there are: {', '.join(known)}")


def _installed_options(group: str, built_in: list[str]) -> dict[str, type]:
    found: dict[str, type] = {}
    for entry in entry_points(group=group):
        if entry.name in built_in:
            continue  # an engine of our own cannot be replaced unseen
        try:
            found[entry.name] = getattr(entry.load(), "options_type", _NoOptions)
        except Exception as error:  # a broken package must not keep the service from starting
            _log.warning("engine_not_loadable", engine=entry.name, group=group, error=str(error))
    return found
