"""Engines per language: each of ``[[languages]]`` in the settings names a file with its engines."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ivr.speech.base import SpeechToText
from ivr.speech.cache import CachedTTS
from ivr.speech.languages import Pair

if TYPE_CHECKING:
    from ivr.service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageOptions:
    """One of ``[[languages]]``."""

    tag: str
    """The language as plans name it: ``fr``."""
    settings: Path
    """TOML settings; what stands in ``[stt]`` and ``[tts]`` there holds for the language."""
    host: Path | None = None
    """Set by the service: the socket of the engine host, where workers share engines."""


def pairs_of(
    languages: Iterable[LanguageOptions],
    load: "Callable[[Path], Settings]",
    on_host: "Callable[[Settings, Path], Settings]",
    make: "Callable[[Settings], tuple[SpeechToText, CachedTTS]]",
) -> dict[str, Pair]:
    """The engines of each. Raises ValueError for a language that is given twice, and what ``load`` and
    ``make`` raise.
    """
    found: dict[str, Pair] = {}
    for language in languages:
        if language.tag in found:
            raise ValueError(f"languages: {language.tag!r} is given twice")
        settings = load(language.settings)
        if language.host is not None:
            settings = on_host(settings, language.host)
        found[language.tag] = Pair(*make(settings))
    return found
