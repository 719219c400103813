"""Engines per language: each of ``[[languages]]`` in the settings names a file with its engines."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageOptions:
    """One of ``[[languages]]``."""

    tag: str
    """The language as plans name it: ``fr``."""
    settings: Path
    """TOML settings; what stands in ``[stt]`` and ``[tts]`` there holds for the language."""
    host: Path | None = None
    """Set by the service: the socket of the engine host, where workers share engines."""
