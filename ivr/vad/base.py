"""What a voice-activity detector is to the rest: events out, audio in.

All times are samples at ``VAD_RATE`` (16 kHz) since the stream was opened.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ivr.audio.line import Line

Pcm16 = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointingOptions:
    """When speech has begun and when a turn has ended. Milliseconds."""

    min_speech_ms: float = 64
    """Speech before an onset is believed (rounded up to whole 32 ms windows)."""
    min_silence_ms: float = 400
    """Silence after which the turn has ended."""
    max_turn_ms: float = 20_000
    """A turn longer than this is ended where it stands."""
    pre_roll_ms: float = 300
    """Sound kept from before the onset."""
    details: bool = False
    """Report the steps between onset and end too: SpeechSuspected, SpeechRuledOut, SpeechContinued,
    SpeechDipped, SpeechPaused, SpeechResumed."""
    pause_ms: float = 160
    """Silence that is a pause within a turn; 0: none is told. The network trails the end of speech by another
    100 to 130 ms."""

    def __post_init__(self) -> None:
        if min(self.min_speech_ms, self.min_silence_ms, self.pre_roll_ms, self.pause_ms) < 0:
            raise ValueError("endpointing times cannot be negative")
        if self.max_turn_ms <= self.min_speech_ms:
            raise ValueError("max_turn_ms must be longer than min_speech_ms")


THRESHOLD = 0.45
"""A stop for nothing is undone, one that comes late is not: lower than the network's authors' 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOptions:
    """How the detector listens, for all its streams."""

    threshold: float = THRESHOLD
    """Probability from which a window is speech."""
    release: float | None = None
    """Probability below which it is no longer; None is ``threshold - 0.15``, at least 0.01."""
    attack: float | None = None
    """Probability from which a window counts as the beginning of speech, once a later one reaches
    ``threshold``: soft beginnings are believed a window earlier. None is 0.4 times ``threshold``."""
    hint: float | None = None
    """Probability from which a window hints at speech, for which a prompt is turned down. None is a quarter
    of ``threshold``."""
    gain_db: float = 15.0
    """What the network is shown is louder by this: speech on the telephone, -30 to -10 dBm0, is softer than
    what it was taught with, and soft speech is heard late. Not what an echo was taken out of. The sound of a
    turn stays as it is."""
    noise_margin_db: float = 9
    """A line whose loudest sample in a window is no more than this over that of its noise rests: the turn may
    be over, though the network still says "speech". 0 leaves that to the network."""
    fade_ms: float = 3_200
    """While nobody speaks the network's memory fades to 1/e in this time; 0 keeps it for ever. Music or
    noise otherwise makes the network deaf to the speech that follows (measured: see the README)."""
    silence_dbfs: float = -50.0
    """Calls: a window whose loudest sample is below this, of a caller who is silent, is certainly silence and
    is not shown to the network. 0 dBFS is full scale; -100 shows it everything."""
    silence_after_ms: float = 256
    """Calls: silence that the network is shown before it is spared the rest."""
    echo: bool = True
    """Calls: the echo of what was sent is taken out of what the network is shown (``echo.py``)."""
    echo_delay_ms: float = 300
    """The latest that an echo comes back, jitter buffers on the way included; at most 1000."""
    echo_loss_db: float = 5
    """An echo is weaker than what was sent by this at least, in decibels; what is louder is none."""
    echo_share: float = 0.6
    """Share (0..1) of the energy heard in the last half second that an echo must explain to be believed."""
    echo_margin_db: float = 10
    """A window in which what is left is weaker than its echo by this, in decibels, is no speech."""
    batch_window_ms: float = 1.0
    """Shared detector: how long a finished window may wait for those of other streams."""
    backlog_ms: float = 1_000
    """Shared detector: sound a stream may have waiting before its oldest frames are dropped."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1, got {self.threshold}")
        if self.release is not None and not 0 < self.release <= self.threshold:
            raise ValueError(f"release must be above 0 and not above threshold, got {self.release}")
        if self.attack is not None and not 0 < self.attack <= self.threshold:
            raise ValueError(f"attack must be above 0 and not above threshold, got {self.attack}")
        if self.hint is not None and not 0 < self.hint <= self.threshold:
            raise ValueError(f"hint must be above 0 and not above threshold, got {self.hint}")
        if self.silence_dbfs > 0:
            raise ValueError(f"silence_dbfs is below full scale, at most 0, got {self.silence_dbfs}")
        if not 0 <= self.gain_db <= 40:
            raise ValueError(f"gain_db must be between 0 and 40, got {self.gain_db}")
        if not 0 < self.echo_share < 1:
            raise ValueError(f"echo_share must be between 0 and 1, got {self.echo_share}")
        if not 0 < self.echo_delay_ms <= 1_000:
            raise ValueError(f"echo_delay_ms must be above 0 and at most 1000, got {self.echo_delay_ms}")
        if min(self.echo_loss_db, self.echo_margin_db, self.noise_margin_db) < 0:
            raise ValueError("echo_loss_db, echo_margin_db and noise_margin_db cannot be negative")
        if min(self.fade_ms, self.batch_window_ms, self.silence_after_ms) < 0 or self.backlog_ms <= 0:
            raise ValueError("fade_ms, batch_window_ms, silence_after_ms: not negative; backlog_ms: above 0")

    @property
    def release_level(self) -> float:
        """``release`` with its default worked out."""
        return max(self.threshold - 0.15, 0.01) if self.release is None else self.release

    @property
    def attack_level(self) -> float:
        """``attack`` with its default worked out."""
        return 0.4 * self.threshold if self.attack is None else self.attack

    @property
    def early_level(self) -> float:
        """``hint`` with its default worked out."""
        return 0.25 * self.threshold if self.hint is None else self.hint


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The caller speaks.

    ``onset`` is the first sample of the window that began the run of speech, ``at`` the sample at
    which the run was long enough to be believed, ``probability`` that of the window which ended there.
    ``echo`` (0..1) is how much of the energy of the last windows was explained by what the call was sent.
    """

    onset: int
    at: int
    probability: float
    echo: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeechSuspected:
    """Speech may have begun in the window before ``at``; ``SpeechStarted`` or ``SpeechRuledOut`` follows.
    ``echo`` as in ``SpeechStarted``.
    """

    at: int
    probability: float
    echo: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeechRuledOut:
    """It had not."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechContinued:
    """Another window of speech, of the turn that began at ``onset``, ended ``at``.

    ``audio`` is the turn so far (PCM16 mono at 16 kHz from ``onset`` minus the pre-roll to ``at``) where it
    was asked for with ``ask``, otherwise None.
    """

    onset: int
    at: int
    probability: float
    audio: Pcm16 | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SpeechDipped:
    """Within a turn the sound has fallen to the line's noise, or the network hears no speech: perhaps a pause
    begins. ``SpeechPaused``, ``SpeechResumed`` or the end follows.

    ``audio`` is PCM16 mono at 16 kHz from ``onset`` minus the pre-roll to ``at``.
    """

    onset: int
    at: int
    probability: float
    audio: Pcm16 = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller rests within a turn; perhaps it is over. Once for each pause.

    ``audio`` is PCM16 mono at 16 kHz from ``onset`` minus the pre-roll to ``at``.
    """

    onset: int
    offset: int
    at: int
    audio: Pcm16 = field(repr=False)


@dataclass(frozen=True, slots=True)
class SpeechResumed:
    """The turn goes on after a pause or a dip."""

    at: int


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The caller's turn is over.

    ``audio`` is PCM16 mono at 16 kHz from ``onset`` minus the pre-roll to ``at``; the pre-roll is
    shorter where the stream begins or the speech of the turn before ended. ``offset`` is the last
    sample of speech. After ``max_turn`` and ``flushed`` the caller may well be speaking still: then a
    new turn begins at once, with a ``SpeechStarted`` of its own and no sound lost or given twice.
    """

    onset: int
    offset: int
    at: int
    reason: Literal["silence", "max_turn", "flushed", "complete"]
    audio: Pcm16 = field(repr=False)


@dataclass(frozen=True, slots=True)
class AlarmRang:
    """The stream's clock has reached ``at``, the sample that was given to ``set_alarm``."""

    at: int


VadEvent = (
    SpeechStarted
    | SpeechEnded
    | AlarmRang
    | SpeechSuspected
    | SpeechRuledOut
    | SpeechContinued
    | SpeechDipped
    | SpeechPaused
    | SpeechResumed
)
VadListener = Callable[[VadEvent], None]
"""Called in order. On the pushing thread with an inline detector, on the VAD thread with a shared one:
it must be quick and must not raise (if it does, that is logged and the stream goes on)."""


class VadStream(Protocol):
    """One call's ear."""

    @property
    def clock(self) -> int:
        """Samples (16 kHz) examined so far."""

    @property
    def speaking(self) -> bool:
        """Between SpeechStarted and SpeechEnded."""

    @property
    def dropped(self) -> int:
        """Frames that were given and never looked at, because the detector was too far behind."""

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        """Give sound: PCM16 mono, any whole number of samples. Callable from one thread at a time."""

    def set_alarm(self, at: int | None) -> None:
        """Ask for one ``AlarmRang`` once ``clock`` reaches ``at``; None forgets it.

        It rings after the window that reaches ``at``, behind that window's own events. A stream has
        one alarm; a moment already past rings with the next window.
        """

    def flush(self, reason: Literal["flushed", "complete"] = "flushed") -> None:
        """End the turn in progress, if any, with that reason."""

    def ask(self) -> None:
        """Add the turn so far to the next ``SpeechContinued``. Any thread; forgotten when the turn ends."""

    def limit(self, endpointing: EndpointingOptions) -> None:
        """From the next window on its times hold (``pre_roll_ms`` and ``details`` stay). Any thread."""

    def close(self) -> None:
        """No event is delivered after this returns, except one already being delivered."""


class VoiceActivityDetector(Protocol):
    """Made once, shared by any number of streams."""

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> VadStream: ...

    def close(self) -> None: ...


@runtime_checkable
class LineVad(Protocol):
    """A detector that listens to calls where their sound stands, without anybody pushing it."""

    def open_line(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> VadStream:
        """A stream of what the line hears from now on."""


@runtime_checkable
class LineVadStream(Protocol):
    """A stream that follows a line."""

    base: int
    """The line's sample that is the stream's first."""


@runtime_checkable
class SteppedLineVad(LineVad, VoiceActivityDetector, Protocol):
    """A detector without a thread that follows lines: for recordings."""

    probability: float | None
    """Of speech in the window looked at last; None when that is not known."""

    def look(self) -> bool:
        """Look at the next window, if a line has one; events are told on this thread. False when none had."""
