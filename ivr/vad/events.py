"""The events of a voice-activity detector.

All times are samples at ``VAD_RATE`` (16 kHz) since the stream was opened; audio is PCM16 mono at that rate.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

Pcm16 = npt.NDArray[np.int16]
EndReason = Literal["silence", "max_turn", "flushed", "complete"]
FlushReason = Literal["flushed", "complete"]
_NO_AUDIO: Pcm16 = np.zeros(0, np.int16)


def no_audio(onset: int = 0) -> Pcm16:
    """The sound of a turn of which only the times matter."""
    return _NO_AUDIO


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller speaks: a turn has begun."""

    onset: int
    """The first sample of the window that began the run of speech."""
    at: int
    """The sample at which the run was long enough to be believed."""
    probability: float
    """Probability of speech in the window that ended at ``at``."""
    echo: float = 0.0
    """Share of the energy of the last windows that was the echo of what the call was sent, 0 to 1."""


@dataclass(frozen=True, slots=True)
class SpeechSuspected:
    """Speech may have begun in the window before ``at``; ``SpeechStarted`` or ``SpeechRuledOut`` follows."""

    at: int
    probability: float
    echo: float = 0.0
    """The share of echo, as in ``SpeechStarted``."""


@dataclass(frozen=True, slots=True)
class SpeechRuledOut:
    """The suspected speech was none."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechContinued:
    """A further window of speech in the turn that began at ``onset``."""

    onset: int
    at: int
    probability: float
    audio: Pcm16 | None = field(default=None, repr=False, compare=False)
    """The turn so far, from ``onset`` minus the pre-roll to ``at``, where ``request_audio`` asked for it."""


@dataclass(frozen=True, slots=True)
class SpeechDipped:
    """Within a turn the sound has fallen to the line's noise, or the network finds no speech: perhaps a pause
    begins. ``SpeechPaused``, ``SpeechResumed`` or the end follows.
    """

    onset: int
    at: int
    probability: float
    audio: Pcm16 = field(default_factory=no_audio, repr=False, compare=False)
    """The sound from ``onset`` minus the pre-roll to ``at``."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller pauses within a turn, which is perhaps over. Once for each pause."""

    onset: int
    offset: int
    """The last sample of speech."""
    at: int
    audio: Pcm16 = field(default_factory=no_audio, repr=False, compare=False)
    """The sound from ``onset`` minus the pre-roll to ``at``."""


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The turn continues after a pause or a dip."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller's turn is over.

    After ``max_turn`` and ``flushed`` the caller may still be speaking: then a new turn begins at once, with
    a ``SpeechStarted`` of its own, and no sound is lost or given twice.
    """

    onset: int
    offset: int
    """The last sample of speech."""
    at: int
    reason: EndReason
    audio: Pcm16 = field(default_factory=no_audio, repr=False, compare=False)
    """The sound from ``onset`` minus the pre-roll to ``at``; the pre-roll is shorter where the stream begins
    or the speech of the turn before ended.
    """


@dataclass(frozen=True, slots=True)
class AlarmRang:
    """The stream's clock has reached ``at``, the sample that was given to ``set_alarm``."""

    at: int


SpeechEvent = (
    SpeechStarted
    | SpeechEnded
    | SpeechSuspected
    | SpeechRuledOut
    | SpeechContinued
    | SpeechDipped
    | SpeechPaused
    | SpeechResumed
)
"""What endpointing decides."""
VadEvent = SpeechEvent | AlarmRang
VadListener = Callable[[VadEvent], None]
"""Called in order. On the pushing thread with an inline detector, on the VAD thread with a shared one: it
must be quick and must not raise (an exception is logged, and the stream continues)."""
