"""What a voice-activity detector is to the rest: events out, audio in.

All times are samples at ``VAD_RATE`` (16 kHz) since the stream was opened.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Pcm16 = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingOptions:
    """When speech has begun and when a turn has ended. Milliseconds."""

    min_speech_ms: float = 64
    """Speech before an onset is believed (rounded up to whole 32 ms windows)."""
    min_silence_ms: float = 500
    """Silence after which the turn has ended."""
    max_turn_ms: float = 20_000
    """A turn longer than this is ended where it stands."""
    pre_roll_ms: float = 300
    """Sound kept from before the onset."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller speaks. ``onset`` is the first sample of speech, ``at`` the sample of the decision."""

    onset: int
    at: int
    probability: float


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller's turn is over.

    ``audio`` is PCM16 mono at 16 kHz from ``onset`` minus the pre-roll to ``at``;
    ``offset`` is the last sample of speech.
    """

    onset: int
    offset: int
    at: int
    reason: Literal["silence", "max_turn", "flushed"]
    audio: Pcm16 = field(repr=False)


@dataclass(frozen=True, slots=True)
class AlarmRang:
    """The stream's clock has passed the sample given to ``set_alarm``."""

    at: int


VadEvent = SpeechStarted | SpeechEnded | AlarmRang
VadListener = Callable[[VadEvent], None]
"""Called in order. On the pushing thread with an inline detector, on the VAD thread with a shared one:
it must be quick and must not raise."""


class VadStream(Protocol):
    """One call's ear."""

    @property
    def clock(self) -> int:
        """Samples (16 kHz) examined so far."""

    @property
    def speaking(self) -> bool:
        """Between SpeechStarted and SpeechEnded."""

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        """Give sound: PCM16 mono, any whole number of samples. Callable from one thread at a time."""

    def set_alarm(self, at: int | None) -> None:
        """Ask for one ``AlarmRang`` once ``clock`` reaches ``at``; None forgets it."""

    def flush(self) -> None:
        """End the turn in progress, if any, with reason ``flushed``."""

    def close(self) -> None:
        """No event is delivered after this returns, except one already being delivered."""


class VoiceActivityDetector(Protocol):
    """Made once, shared by any number of streams."""

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> VadStream: ...

    def close(self) -> None: ...
