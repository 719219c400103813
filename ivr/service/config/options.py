"""Options that belong to no other room: which engines and detector are used, logs, files, languages."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ivr.service.config.declaration import INTERNAL
from ivr.vad.options import DetectorOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class VadOptions(DetectorOptions):
    """Which voice-activity detector is used, and its options."""

    name: str = "silero"
    """The voice-activity detector."""
    model: Path | None = None
    """A Silero-compatible ONNX file of your own; when not set, the one in the model cache."""

    def keywords(self) -> dict[str, Any]:
        """Return what differs from the defaults, for ``create_vad(name, **keywords)``.

        The detector of a third party need not know the options of ours.
        """
        return {
            item.name: getattr(self, item.name)
            for item in dataclasses.fields(self)
            if item.name != "name" and getattr(self, item.name) != item.default
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Engines in the order in which they are tried, and the options of each that were set."""

    order: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    def of(self, name: str) -> dict[str, Any]:
        """Return the keyword arguments for ``create_stt(name, ...)`` and its like."""
        return dict(self.options.get(name, {}))


@dataclass(frozen=True, slots=True, kw_only=True)
class SttOptions:
    """Which engines transcribe speech."""

    order: tuple[str, ...] = ("whisper",)
    """The speech-to-text engines in the order in which they are tried when one fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TtsOptions:
    """Which engines synthesise speech."""

    order: tuple[str, ...] = ("piper",)
    """The text-to-speech engines in the order in which they are tried when one fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnDetectorOptions:
    """Which turn detector is used."""

    name: str = "smart-turn"
    """The model that judges from the sound whether the caller has finished; with ``none`` silence alone
    decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """How the service logs."""

    format: Literal["console", "json"] = "console"
    """How log lines are written: for people, or as one JSON object a line."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe lines that are written."""
    file: Path | None = None
    """The file that log lines are appended to, reopened after it was rotated away; when not set, standard
    error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Where files of callers are kept."""

    folder: Path | None = None
    """The folder for what callers leave (voicemail); without one nothing can be left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageOptions:
    """A language with engines of its own."""

    tag: str
    """The language as plans name it: ``fr``."""
    settings: Path
    """A file of settings whose ``[stt]`` and ``[tts]`` apply to this language."""
    host: Path | None = field(default=None, metadata=INTERNAL)
    """The socket of the engine host, where workers share engines; set by the service."""
