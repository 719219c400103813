"""Endpointing: turns a probability per window into "speech began" and "the turn has ended". Pure; time is
samples.

A Schmitt trigger turns probabilities into voiced and unvoiced windows: voiced from ``threshold`` on, unvoiced
below ``release``, in between as the window before. Speech has begun once windows voiced in a row reach
``min_speech``; the turn has ended once windows unvoiced in a row reach ``min_silence``, or when it has lasted
``max_turn``.

With ``details`` the steps between are reported too: that speech may have begun (``SpeechSuspected``) or had
not (``SpeechRuledOut``), that it continues (``SpeechContinued``, each window), dips, pauses and resumes.
"""

from collections.abc import Callable

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.vad.events import (
    EndReason,
    Pcm16,
    SpeechContinued,
    SpeechDipped,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    SpeechRuledOut,
    SpeechStarted,
    SpeechSuspected,
    no_audio,
)
from ivr.vad.options import EndpointingOptions

CERTAIN = 0.995
"""Whatever the sound: a window of this probability is within a word."""


class Endpointer:
    """One stream's decisions. ``threshold``, ``release`` and ``attack`` are probabilities, the last two not
    above the first. A run of speech begins with a window of ``attack`` (None: ``threshold``) and is
    believed when it is ``min_speech`` long and its last window is voiced. From ``early`` (None: ``attack``)
    on speech is suspected.
    """

    def __init__(
        self,
        options: EndpointingOptions,
        threshold: float,
        release: float,
        attack: float | None = None,
        early: float | None = None,
        audio: Callable[[int], Pcm16] = no_audio,
    ) -> None:
        """``audio(onset)`` returns the sound of a turn, from its pre-roll up to the current window."""
        if not 0 < release <= threshold <= 1:
            raise ValueError(
                f"0 < release <= threshold <= 1 is needed, got release {release} and threshold {threshold}"
            )
        self._threshold = threshold
        self._release = release
        self._attack = threshold if attack is None else attack
        self._early = self._attack if early is None else early
        self._audio = audio
        self._min_speech = ms_to_samples(options.min_speech_ms, VAD_RATE)
        self._min_silence = ms_to_samples(options.min_silence_ms, VAD_RATE)
        self._max_turn = ms_to_samples(options.max_turn_ms, VAD_RATE)
        self._details = options.details
        self._pause = ms_to_samples(options.pause_ms, VAD_RATE)
        self._suspected = False
        self._dipped = self._paused = False
        self.audio_requested = False
        """The next ``SpeechContinued`` brings the turn so far. Set by any thread."""
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

    def set_options(self, options: EndpointingOptions) -> None:
        """Use these times from the next window on; ``details`` stays as it was."""
        self._min_speech = ms_to_samples(options.min_speech_ms, VAD_RATE)
        self._min_silence = ms_to_samples(options.min_silence_ms, VAD_RATE)
        self._max_turn = ms_to_samples(options.max_turn_ms, VAD_RATE)
        self._pause = ms_to_samples(options.pause_ms, VAD_RATE)

    def skip(self, samples: int) -> None:
        """Advance time over lost audio."""
        self.clock += samples
        if not self.speaking:
            self._run = 0
            self.voiced = False

    def skip_silence(self, clock: int) -> SpeechRuledOut | None:
        """Advance to ``clock`` without speech: as ``step`` with a probability of zero, for a caller who is
        not speaking.
        """
        self.clock = clock
        self.voiced = False
        self._run = 0
        return self._rule_out() if self._suspected else None

    def step(
        self, probability: float, samples: int, only_noise: bool = False, echo: float = 0.0
    ) -> SpeechEvent | None:
        """Decide on the next window, ``samples`` long. ``only_noise``: it holds nothing but the line's noise;
        ``echo`` as in ``SpeechStarted``.
        """
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
        if self.speaking:
            return self._speaking(probability, only_noise)
        return self._silent(probability, echo)

    def flush(self, reason: EndReason = "flushed") -> SpeechEnded | None:
        """End the turn in progress, if there is one."""
        return self._end(reason) if self.speaking else None

    def _silent(self, probability: float, echo: float) -> SpeechEvent | None:
        if self.voiced and self._run >= self._min_speech:
            self.speaking = True
            self._suspected = self._dipped = self._paused = False
            return SpeechStarted(self._onset, self.clock, probability, echo)
        if not self._details or (self._run > 0 or probability >= self._early) == self._suspected:
            return None
        if self._suspected:
            return self._rule_out()
        self._suspected = True
        return SpeechSuspected(self.clock, probability, echo)

    def _rule_out(self) -> SpeechRuledOut:
        self._suspected = False
        return SpeechRuledOut(self.clock)

    def _speaking(self, probability: float, only_noise: bool) -> SpeechEvent | None:
        if not self.voiced and self._quiet >= self._min_silence:
            return self._end("silence")
        if self.clock - self._onset >= self._max_turn:
            return self._end("max_turn")
        if not self._details:
            return None
        if self._pause > 0:
            dipped = not self.voiced or (only_noise and probability < CERTAIN)
            if self._dipped and not dipped:
                self._dipped = self._paused = False
                return SpeechResumed(self.clock)
            if not self._paused and self._quiet >= self._pause:
                self._dipped = self._paused = True
                return SpeechPaused(self._onset, self._offset, self.clock, self._audio(self._onset))
            if dipped and not self._dipped:
                self._dipped = True
                return SpeechDipped(self._onset, self.clock, probability, self._audio(self._onset))
        if not self.voiced:
            return None
        audio = None
        if self.audio_requested:
            self.audio_requested = False
            audio = self._audio(self._onset)
        return SpeechContinued(self._onset, self.clock, probability, audio)

    def _end(self, reason: EndReason) -> SpeechEnded:
        # ``voiced`` stays: a caller who continues is detected as before. The run begins again, so that the
        # next onset is not before this end.
        self.speaking = False
        self._run = 0
        self.audio_requested = False
        return SpeechEnded(self._onset, self._offset, self.clock, reason, self._audio(self._onset))
