"""Sets of options by name, for a start: how easily a prompt yields, and how long a caller is waited for.

The README says what each trades for what. A preset changes a few options and leaves all others at their
defaults; ``threshold`` is the only one of the detector's, so that any detector can follow it.
"""

import dataclasses
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ivr.session.options import BargeInOptions, SessionConfig, TurnOptions
from ivr.vad.options import DetectorOptions, EndpointingOptions

DEFAULT = "balanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """``create_vad(**preset.vad)`` and ``VoiceSession(config=preset.config)``."""

    detector: DetectorOptions = field(default_factory=DetectorOptions)
    config: SessionConfig = field(default_factory=SessionConfig)

    @property
    def vad(self) -> dict[str, Any]:
        """What it changes of ``DetectorOptions``."""
        return _changed(self.detector)

    @property
    def session(self) -> dict[str, dict[str, Any]]:
        """What it changes of the options of a session, by the names in ``SessionConfig``."""
        parts = {name: _changed(getattr(self.config, name)) for name in ("endpointing", "barge_in", "turn")}
        return {name: changed for name, changed in parts.items() if changed}


PRESETS: Mapping[str, Preset] = {
    "sensitive": Preset(
        detector=DetectorOptions(threshold=0.3),
        config=SessionConfig(
            endpointing=EndpointingOptions(min_speech_ms=32), barge_in=BargeInOptions(min_speech_ms=32)
        ),
    ),
    "balanced": Preset(),
    "robust": Preset(
        detector=DetectorOptions(threshold=0.65),
        config=SessionConfig(
            endpointing=EndpointingOptions(min_speech_ms=96, min_silence_ms=500),
            barge_in=BargeInOptions(min_speech_ms=192),
        ),
    ),
    "call_centre": Preset(
        detector=DetectorOptions(threshold=0.6),
        config=SessionConfig(
            endpointing=EndpointingOptions(min_speech_ms=96, min_silence_ms=600, max_turn_ms=30_000),
            barge_in=BargeInOptions(min_words=1),
            turn=TurnOptions(digits_silence_ms=1200, incomplete_ms=1500),
        ),
    ),
}


def preset(name: str) -> Preset:
    """Raises ValueError for an unknown name, with the nearest."""
    if name not in PRESETS:
        near = difflib.get_close_matches(name.lower(), PRESETS, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(PRESETS)}"
        raise ValueError(f"there is no preset {name!r}{hint}")
    return PRESETS[name]


def _changed(options: Any) -> dict[str, Any]:
    default = type(options)()
    values = {item.name: getattr(options, item.name) for item in dataclasses.fields(options)}
    return {name: value for name, value in values.items() if value != getattr(default, name)}
