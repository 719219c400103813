"""From a probability per window to "speech began" and "the turn has ended". Pure; time is samples.

A Schmitt trigger turns probabilities into voiced and unvoiced windows: voiced from ``threshold`` on,
unvoiced below ``release``, in between as the window before. Speech has begun once windows voiced in a
row reach ``min_speech``; the turn has ended once windows unvoiced in a row reach ``min_silence``, or
when it has lasted ``max_turn``.

With ``details`` the steps between are told too: that speech may have begun (``Hinted``) and had not
(``Dropped``), that it goes on (``Goes``, each window), dips (``Dipped``), rests (``Paused``) and goes on
again (``Resumed``).
"""

from dataclasses import dataclass
from typing import Literal

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.vad.base import EndpointingOptions

CERTAIN = 0.995
"""Whatever the sound: a window of this probability is within a word."""

EndReason = Literal["silence", "max_turn", "flushed", "complete"]


@dataclass(frozen=True, slots=True)
class Began:
    """See ``SpeechStarted``. Samples at 16 kHz."""

    onset: int
    at: int
    probability: float


@dataclass(frozen=True, slots=True)
class Ended:
    """See ``SpeechEnded``, which adds the audio. Samples at 16 kHz."""

    onset: int
    offset: int
    at: int
    reason: EndReason


@dataclass(frozen=True, slots=True)
class Hinted:
    """See ``SpeechSuspected``."""

    at: int
    probability: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """See ``SpeechRuledOut``."""

    at: int


@dataclass(frozen=True, slots=True)
class Goes:
    """See ``SpeechContinued``."""

    onset: int
    at: int
    probability: float


@dataclass(frozen=True, slots=True)
class Dipped:
    """See ``SpeechDipped``, which adds the audio."""

    onset: int
    at: int
    probability: float


@dataclass(frozen=True, slots=True)
class Paused:
    """See ``SpeechPaused``, which adds the audio."""

    onset: int
    offset: int
    at: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """See ``SpeechResumed``."""

    at: int


Decision = Began | Ended | Hinted | Dropped | Goes | Dipped | Paused | Resumed


class Endpointer:
    """One stream's decisions. ``threshold``, ``release`` and ``attack`` are probabilities, the last two not
    above the first. A run of speech begins with a window of ``attack`` (None: ``threshold``) and is
    believed when it is ``min_speech`` long and its last window is voiced. From ``hint`` (None: ``attack``) on
    a window hints at speech.
    """

    def __init__(
        self,
        options: EndpointingOptions,
        threshold: float,
        release: float,
        attack: float | None = None,
        hint: float | None = None,
    ) -> None:
        if not 0 < release <= threshold <= 1:
            raise ValueError(
                f"0 < release <= threshold <= 1 is needed, got release {release} and threshold {threshold}"
            )
        self._threshold = threshold
        self._release = release
        self._attack = threshold if attack is None else attack
        self._hint = self._attack if hint is None else hint
        self._min_speech = ms_to_samples(options.min_speech_ms, VAD_RATE)
        self._min_silence = ms_to_samples(options.min_silence_ms, VAD_RATE)
        self._max_turn = ms_to_samples(options.max_turn_ms, VAD_RATE)
        self._details = options.details
        self._pause = ms_to_samples(options.pause_ms, VAD_RATE)
        self._hinted = False
        self._dips = self._paused = False
        self.clock = 0
        """Samples decided on, gaps included."""
        self.speaking = False
        self.voiced = False
        """The last window was."""
        self._run = 0
        """Samples in a row that are voiced or, before an onset, may be the beginning of speech."""
        self._quiet = 0
        """Unvoiced samples in a row."""
        self._onset = 0
        self._offset = 0

    @property
    def run(self) -> int:
        """Length of the run of speech just before ``clock``, in samples."""
        return self._run

    def limit(self, options: EndpointingOptions) -> None:
        """From the next window on these times hold; ``details`` stays as it was."""
        self._min_speech = ms_to_samples(options.min_speech_ms, VAD_RATE)
        self._min_silence = ms_to_samples(options.min_silence_ms, VAD_RATE)
        self._max_turn = ms_to_samples(options.max_turn_ms, VAD_RATE)
        self._pause = ms_to_samples(options.pause_ms, VAD_RATE)

    def skip(self, samples: int) -> None:
        """Sound was lost: time goes on, and nothing is concluded from what nobody heard."""
        self.clock += samples
        if not self.speaking:
            self._run = 0
            self.voiced = False

    def rest(self, clock: int) -> Dropped | None:
        """Up to ``clock`` nothing was heard that begins or continues speech: as ``step`` with a probability
        of zero, for one who is not speaking.
        """
        self.clock = clock
        self.voiced = False
        self._run = 0
        return self._drop() if self._hinted else None

    def step(self, probability: float, samples: int, rests: bool = False) -> Decision | None:
        """The next window, ``samples`` long. ``rests``: nothing is heard in it but the line's noise."""
        start = self.clock
        self.clock += samples
        self.voiced = probability >= (self._release if self.voiced else self._threshold)
        if self.voiced or (not self.speaking and probability >= self._attack):
            if self._run == 0 and not self.speaking:
                self._onset = start
            self._run += samples
        else:
            self._run = 0
        if self.voiced:
            self._quiet = 0
            self._offset = self.clock - 1
        else:
            self._quiet += samples
        return self._speaking(probability, rests) if self.speaking else self._silent(probability)

    def flush(self, reason: EndReason = "flushed") -> Ended | None:
        """End the turn in progress, if there is one."""
        return self._end(reason) if self.speaking else None

    def _silent(self, probability: float) -> Decision | None:
        if self.voiced and self._run >= self._min_speech:
            self.speaking = True
            self._hinted = self._dips = self._paused = False
            return Began(self._onset, self.clock, probability)
        if not self._details or (self._run > 0 or probability >= self._hint) == self._hinted:
            return None
        if self._hinted:
            return self._drop()
        self._hinted = True
        return Hinted(self.clock, probability)

    def _drop(self) -> Dropped:
        self._hinted = False
        return Dropped(self.clock)

    def _speaking(self, probability: float, rests: bool) -> Decision | None:
        if not self.voiced and self._quiet >= self._min_silence:
            return self._end("silence")
        if self.clock - self._onset >= self._max_turn:
            return self._end("max_turn")
        if not self._details:
            return None
        if self._pause > 0:
            dips = not self.voiced or (rests and probability < CERTAIN)
            if self._dips and not dips:
                self._dips = self._paused = False
                return Resumed(self.clock)
            if not self._paused and self._quiet >= self._pause:
                self._dips = self._paused = True
                return Paused(self._onset, self._offset, self.clock)
            if dips and not self._dips:
                self._dips = True
                return Dipped(self._onset, self.clock, probability)
        return Goes(self._onset, self.clock, probability) if self.voiced else None

    def _end(self, reason: EndReason) -> Ended:
        # ``voiced`` stays: who goes on speaking is heard as before. The run begins anew, so that the
        # next onset is not before this end.
        self.speaking = False
        self._run = 0
        return Ended(self._onset, self._offset, self.clock, reason)
