"""One stream without its inference: sound in, windows out, probabilities in, events out.

``StreamDetector`` is the common part of the inline and the shared detector. It has no thread and no lock,
and belongs to one thread at a time. Its clock is the sample of the *input*, at 16 kHz: the resampler's
delay is taken out, so an event's time points at the sound that caused it.
"""

import math
import threading
from collections import deque
from collections.abc import Callable

import numpy as np
import structlog

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE, VAD_RATE, ms_to_samples
from ivr.audio.resample import Resampler
from ivr.vad.endpointing import Endpointer
from ivr.vad.events import AlarmRang, EndReason, Pcm16, SpeechEnded, VadEvent, VadListener
from ivr.vad.noise_floor import NoiseFloor
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import CONTEXT, F32, INPUT, STATE_SHAPE, WINDOW

log = structlog.get_logger(__name__)

_NONE = np.zeros(0, np.int16)
_ROW = np.zeros(1, np.int64)
_STEP = 2
"""Takes the samples of 8 kHz among those of 16 kHz: what was doubled is there as it was."""


class StreamDetector:
    """Holds the windows, the network's state, the endpointing and the sound of the turn of one stream.

    In turn: ``feed`` sound; as long as ``next_window`` returns one, run the network on it and on ``state``,
    and give the result to ``accept``.
    """

    def __init__(
        self, endpointing: EndpointingOptions, options: DetectorOptions, narrow: bool = False
    ) -> None:
        """``narrow``: the network takes sound of 8 kHz, and receives sound of at most that rate as it is."""
        self._knows_8k = self._narrow = narrow
        self._scale = scale_of(options)
        self._noise = NoiseFloor(1, options.noise_margin_db)
        self._endpointer = endpointer_of(endpointing, options, self._sound)
        self._fade = fade_of(options)
        self.state: F32 = np.zeros(STATE_SHAPE, np.float32)
        """What the network remembers of this stream, (2, 128)."""
        self._input: F32 = np.zeros(INPUT, np.float32)
        self._resampler: Resampler | None = None
        self._to_skip = 0
        self._pending: Pcm16 = _NONE
        self._window: Pcm16 = _NONE
        self._pre_roll = ms_to_samples(endpointing.pre_roll_ms, VAD_RATE)
        self._kept: deque[tuple[int, Pcm16]] = deque()
        """Windows with the sample they begin at: the pre-roll while quiet, the turn while speaking."""
        self._turn_from = 0
        """Sound before this sample was spoken in an earlier turn."""

    @property
    def clock(self) -> int:
        """Samples examined so far, lost ones included."""
        return self._endpointer.clock

    @property
    def speaking(self) -> bool:
        return self._endpointer.speaking

    def feed(self, pcm16: bytes, sample_rate: int) -> None:
        """Sound to come after what was fed before. Raises ValueError on half a sample."""
        if self._resampler is None or self._resampler.src_rate != sample_rate:
            self._change_rate(sample_rate)
        assert self._resampler is not None
        self._append(self._resampler.process(np.frombuffer(pcm16, dtype=np.int16)))

    def skip(self, samples: int) -> None:
        """``samples`` (16 kHz) that should have come next are lost: the clock goes on without them."""
        self._endpointer.skip(samples)

    def next_window(self) -> F32 | None:
        """The network's next input, float32 (INPUT,) or (NARROW_INPUT,), valid until the next call.
        None until more is fed.
        """
        if self._pending.size < WINDOW:
            return None
        # A copy: a view would keep alive whatever was pushed with it.
        self._window, self._pending = self._pending[:WINDOW].copy(), self._pending[WINDOW:]
        self._input[:CONTEXT] = self._input[WINDOW:]
        np.multiply(self._window, self._scale, out=self._input[CONTEXT:])
        return self._input[::_STEP] if self._narrow else self._input

    def accept(self, probability: float, state: F32) -> VadEvent | None:
        """What the network said of the last window, and its next state (2, 128), which is copied."""
        start = self._endpointer.clock
        self._kept.append((start, self._window))
        event = self._endpointer.step(probability, WINDOW, self._only_noise())
        self.state[:] = state
        if not (self._endpointer.voiced or self._endpointer.speaking):
            self.state *= self._fade
        if isinstance(event, SpeechEnded):
            self._turn_from = next_turn_from(event)
        if not self._endpointer.speaking:
            self._trim()
        return event

    def flush(self, reason: EndReason = "flushed") -> VadEvent | None:
        """End the turn in progress, if any, at the last window examined."""
        event = self._endpointer.flush(reason)
        if event is not None:
            self._turn_from = next_turn_from(event)
        self._trim()
        return event

    def request_audio(self) -> None:
        """Add the turn so far to the next ``SpeechContinued``. Any thread."""
        self._endpointer.audio_requested = True

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        """Use these times from the next window on. Any thread."""
        self._endpointer.set_options(endpointing)

    def _only_noise(self) -> bool:
        # Sound of 8 kHz was doubled: its own samples say what those of a line do.
        heard = self._window[::_STEP].astype(np.int32)
        return bool(self._noise.only_noise(_ROW, np.abs(heard).max(keepdims=True))[0])

    def _change_rate(self, sample_rate: int) -> None:
        if self._resampler is not None:
            self._append(self._resampler.flush())
        narrow = self._knows_8k and sample_rate <= LINE_RATE
        if narrow != self._narrow:
            self._narrow = narrow
            self.state[:] = 0
        self._resampler = Resampler(sample_rate, VAD_RATE)
        self._to_skip = int(self._resampler.delay)

    def _append(self, x: Pcm16) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, x.size)
            self._to_skip -= skipped
            x = x[skipped:]
        self._pending = np.concatenate((self._pending, x)) if self._pending.size else x

    def _sound(self, onset: int) -> Pcm16:
        """The turn that began at ``onset``, from its pre-roll to now."""
        first = max(onset - self._pre_roll, self._turn_from)
        parts = [window[max(first - start, 0) :] for start, window in self._kept if start + WINDOW > first]
        return np.concatenate(parts) if parts else _NONE

    def _trim(self) -> None:
        """Keep what a turn would need that began with the run of speech now going on, and no more."""
        needed = max(self.clock - self._endpointer.run - self._pre_roll, self._turn_from)
        while self._kept and self._kept[0][0] + WINDOW <= needed:
            self._kept.popleft()


def next_turn_from(event: SpeechEnded) -> int:
    """The first sample that a later turn may take: the silence after a turn may hold the soft beginning of
    the next one.
    """
    return event.offset + 1 if event.reason in ("silence", "complete") else event.at


def fade_of(options: DetectorOptions) -> np.float32:
    """What the network's memory is multiplied by after a quiet window."""
    windows = ms_to_samples(options.fade_ms, VAD_RATE) / WINDOW
    return np.float32(math.exp(-1 / windows) if windows else 1.0)


def endpointer_of(
    endpointing: EndpointingOptions, options: DetectorOptions, audio: Callable[[int], Pcm16]
) -> Endpointer:
    """The endpointing of a stream, with the levels of its detector. ``audio``: see ``Endpointer``."""
    return Endpointer(
        endpointing,
        options.threshold,
        options.release_level,
        options.attack_level,
        options.early_level,
        audio=audio,
    )


def scale_of(options: DetectorOptions) -> np.float32:
    """What a PCM16 sample is multiplied by for the network."""
    return np.float32(10 ** (options.gain_db / 20) / 32768)


class Delivery:
    """Delivers the events of a stream to its listener, and rings its alarm."""

    def __init__(self, listener: VadListener) -> None:
        self._listener = listener
        self._alarm: int | None = None
        self._alarm_lock = threading.Lock()
        self.closed = False

    def set_alarm(self, at: int | None) -> None:
        with self._alarm_lock:
            self._alarm = at

    def deliver(self, event: VadEvent | None, clock: int) -> None:
        """``event``, if any, then the alarm if ``clock`` has reached it and the listener left it set."""
        if event is not None:
            self._call(event)
        if self._alarm is None:
            return
        with self._alarm_lock:
            at = self._alarm
            if at is None or at > clock:
                return
            self._alarm = None
        self._call(AlarmRang(at))

    def _call(self, event: VadEvent) -> None:
        if self.closed:
            return
        try:
            self._listener(event)
        except Exception:
            # An error of one call must not end detection for all others.
            log.exception("vad_listener_failed", event_type=type(event).__name__)


def check_pcm(pcm16: bytes, sample_rate: int) -> None:
    """Raises ValueError where the caller of ``push`` can see it, not later on another thread."""
    if len(pcm16) % BYTES_PER_SAMPLE:
        raise ValueError(f"PCM16 needs an even number of bytes, got {len(pcm16)}")
    if sample_rate <= 0:
        raise ValueError(f"the sample rate must be positive, got {sample_rate}")
