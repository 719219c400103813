"""The detector of all calls at once: takes the next window of every call from the lines' memory, doubles it
to 16 kHz for a network that knows nothing else, and runs one inference for all, in a few array operations;
Python per call and window is what decisions need. All but opening and closing a stream runs on the VAD
thread.

It decides as ``StreamDetector`` does: the same samples (``double`` and ``Resampler`` agree to the bit),
network and ``Endpointer``. But a window that is certainly silence, after others, is not shown to the network,
whose memory stays as the silence before has left it (``DetectorOptions.silence_dbfs``); and the echo of what
was sent is removed from what is shown to the network (``echo.py``).
"""

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_FRAME, LINE_RATE, VAD_RATE, ms_to_samples
from ivr.audio.line import RING, Line, LineBank
from ivr.audio.resample import DOUBLE_AFTER, DOUBLE_BEFORE, Pcm16, double
from ivr.vad.echo import Cleaned, Echoes
from ivr.vad.events import FlushReason, SpeechEnded, SpeechStarted, VadListener
from ivr.vad.failures import InferenceFailures
from ivr.vad.noise_floor import NoiseFloor
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import CONTEXT, F32, NARROW_INPUT, WINDOW, SileroModel
from ivr.vad.stream import Delivery, endpointer_of, fade_of, next_turn_from, scale_of

_UP = VAD_RATE // LINE_RATE
_STEP = WINDOW // _UP
"""Samples of the line in one window."""
_BEFORE = CONTEXT // _UP + DOUBLE_BEFORE
_SPAN = np.arange(-_BEFORE, _STEP + DOUBLE_AFTER)
"""Samples of the line that a window and its context are made of."""
_SHOWN = slice(DOUBLE_BEFORE, DOUBLE_BEFORE + NARROW_INPUT)
"""The part of these that the network for 8 kHz is shown: window and context."""
_NEEDED = _STEP + DOUBLE_AFTER
_LOOK_BACK = RING - LINE_RATE
"""How far back sound is still in the ring while a reader is a second late."""
_IN_TURN = 3
"""Windows of certain silence within a turn that the network is shown: it lags behind the last sound."""
_DOUBT = np.float32(0.9)
"""Factor of a window's probability when an echo was taken out of it, since residual echo resembles speech."""
_NOTHING = np.zeros(0, np.int16)
_I64 = npt.NDArray[np.int64]


class BatchedVad:
    """Detects speech on the lines of one bank, with one inference for all of them."""

    def __init__(
        self,
        model: SileroModel,
        options: DetectorOptions,
        bank: LineBank,
        on_result: Callable[[F32], None] | None = None,
    ) -> None:
        """``on_result`` receives the probabilities of each run of the network."""
        self.bank = bank
        self._model, self._on_result = model, on_result
        self._failures = InferenceFailures()
        self._narrow = model.narrow
        self._loud, self._plain = scale_of(options), np.float32(1 / 32768)
        self._options = options
        self._fade = fade_of(options)
        self._backlog = ms_to_samples(options.backlog_ms, LINE_RATE)
        self._quiet_peak = 32768 * 10 ** (options.silence_dbfs / 20)
        rows = len(bank.written)
        self._next: _I64 = np.zeros(rows, np.int64)
        """Where in the line each stream's next window begins."""
        self._state = np.zeros((2, rows, 128), np.float32)
        self._busy = np.zeros(rows, np.bool_)
        """The caller speaks or may have begun to: nothing is taken for silence."""
        self._quiet_for = np.zeros(rows, np.int64)
        """Windows of certain silence since the network last heard anything like speech."""
        self._silent_run = np.zeros(rows, np.int64)
        """Windows of certain silence in a row."""
        self._noise = NoiseFloor(rows, options.noise_margin_db)
        self._settled = ms_to_samples(options.silence_after_ms, VAD_RATE) // WINDOW
        window = slice(_BEFORE, _BEFORE + _STEP)
        self.echoes = Echoes(options, bank, self._state, _SPAN, window) if options.echo else None
        self._streams: dict[int, LineStream] = {}
        self._active: _I64 = np.zeros(0, np.int64)  # rows; replaced, never changed
        self._lock = threading.Lock()
        self._flushing: dict[LineStream, FlushReason] = {}
        self.windows = 0
        """Windows examined."""
        self.silent = 0
        """Windows that were taken for silence without the network."""
        self.inferences = 0

    @property
    def followed(self) -> int:
        """Number of lines that a stream follows."""
        return self._active.size

    def open(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> "LineStream":
        """Open a stream from what the line receives next. One stream a line."""
        stream = LineStream(self, line, endpointing, self._options, listener)
        with self._lock:
            if line.row in self._streams:
                raise RuntimeError("this line already has a detector stream")
            self._next[line.row] = stream.line_start
            self._state[:, line.row] = 0
            self._busy[line.row] = False
            self._quiet_for[line.row] = self._silent_run[line.row] = 0
            self._noise.forget(line.row)
            if self.echoes is not None:
                self.echoes.forget(line.row)
            self._streams[line.row] = stream
            self._active = np.array(sorted(self._streams), np.int64)
        return stream

    def remove(self, stream: "LineStream") -> None:
        with self._lock:
            if self._streams.get(stream.line.row) is stream:
                del self._streams[stream.line.row]
                self._active = np.array(sorted(self._streams), np.int64)

    def flush(self, stream: "LineStream", reason: FlushReason) -> None:
        """Any thread."""
        self._flushing[stream] = reason
        self.bank.wake.set()

    def close(self) -> None:
        for stream in list(self._streams.values()):
            stream.close()

    # -- the VAD thread

    def round(self) -> bool:
        """Examine at most one window of every stream; False when there was none."""
        rows = self._active
        flushing = tuple(self._flushing)  # before anything is counted: it covers what came before it
        late = self.bank.written[rows].astype(np.int64) - self._next[rows]
        if (late > self._backlog).any():
            self._catch_up(rows, late)
        rows = rows[late >= _NEEDED]
        for stream in flushing:
            if stream.line.row not in rows:
                stream.flushed(self._flushing.pop(stream))
        if not rows.size:
            return False
        self._examine(rows)
        return True

    def _examine(self, rows: _I64) -> None:
        starts = self._next[rows]
        heard = self.bank.received[rows[:, np.newaxis], (starts[:, np.newaxis] + _SPAN) % RING]
        window = heard[:, _BEFORE : _BEFORE + _STEP]
        # Not abs(): -32768 has no positive counterpart.
        peaks = np.maximum(window.max(axis=1), -(window.min(axis=1).astype(np.int32)))
        only_noise = self._noise.only_noise(rows, peaks)
        silent, busy = peaks < self._quiet_peak, self._busy[rows]
        self._silent_run[rows] = np.where(silent, self._silent_run[rows] + 1, 0)
        self._quiet_for[rows] += silent & ~busy
        enough = np.where(busy, self._silent_run[rows] > _IN_TURN, self._quiet_for[rows] > self._settled)
        asked = ~(silent & enough)
        self.windows += rows.size
        self.silent += rows.size - int(asked.sum())
        self._next[rows] += _STEP
        idle = ~(asked | busy)
        for row, start in zip(rows[idle].tolist(), starts[idle].tolist(), strict=True):
            self._stream_at(row).idle(start + _STEP)
        if not idle.all():
            self._decide(rows[~idle], starts[~idle], heard[~idle], asked[~idle], only_noise[~idle].tolist())

    def _decide(
        self, rows: _I64, starts: _I64, heard: Pcm16, asked: npt.NDArray[np.bool_], only_noise: list[bool]
    ) -> None:
        """Decide with the network where it is ``asked``; the others are silent within their turn."""
        sounds = heard
        probabilities = np.zeros(rows.size, np.float32)
        if asked.any():
            sounds = heard.copy()
            shown = sounds[asked]
            try:
                probabilities[asked] = self._probabilities(rows[asked], starts[asked], heard[asked], shown)
                sounds[asked] = shown
            except Exception:
                # Time must go on for the alarms; what was not looked at counts as quiet.
                self._failures.report(len(rows))
                self._state[:, rows] = 0
        nothing = min(self._options.attack_level, self._options.early_level)
        # What the recogniser gets is without the echo too.
        turns = [i for i, row in enumerate(rows.tolist()) if self._stream_at(row).speaking]
        of_turns = dict(zip(turns, double(sounds[turns])[:, CONTEXT:], strict=True)) if turns else {}
        rested = []
        for i, (row, start, probability) in enumerate(
            zip(rows.tolist(), starts.tolist(), probabilities.tolist(), strict=True)
        ):
            stream = self._stream_at(row)
            if probability < nothing and not self._busy[row]:
                stream.idle(start + _STEP)
                rested.append(row)
                continue
            echo = self.echoes.likelihood(row, start) if self.echoes is not None else 0.0
            busy, rests = stream.step(probability, of_turns.get(i, _NOTHING), echo, only_noise[i])
            self._busy[row] = busy
            self._quiet_for[row] = 0
            if rests and asked[i]:
                rested.append(row)
        if rested:
            self._state[:, rested] *= self._fade

    def _probabilities(self, rows: _I64, starts: _I64, heard: Pcm16, sounds: Pcm16) -> F32:
        """The probabilities of speech, after which the network remembers these windows. The echo of what was
        sent is taken out first, of ``sounds``; where it is found only now, the network is asked again.
        """
        echoes = self.echoes
        if echoes is None:
            return self._run(rows, sounds, np.full(rows.size, self._loud))
        cleaned = echoes.known(rows, starts, heard)
        scales = np.full(rows.size, self._loud)
        scales[list(cleaned)] = self._plain  # what is left of an echo would be made louder too
        asked = np.ones(rows.size, np.bool_)
        for i, window in cleaned.items():
            asked[i] = not window.alone
        probabilities = np.zeros(rows.size, np.float32)
        memory = self._state[:, rows]
        self._put(sounds, cleaned)
        if asked.any():
            probabilities[asked] = self._run(rows[asked], sounds[asked], scales[asked])
        likely = probabilities >= self._options.attack_level
        found = echoes.suspected(rows, starts, heard, cleaned, likely, memory)
        if found:
            changed = list(found)
            self._state[:, rows[changed]] = memory[:, changed]
            probabilities[changed] = 0
            scales[changed] = self._plain
            self._put(sounds, found)
            again = [i for i in changed if not found[i].alone]
            if again:
                probabilities[again] = self._run(rows[again], sounds[again], scales[again])
        probabilities[list({**cleaned, **found})] *= _DOUBT
        return probabilities

    def _put(self, sounds: Pcm16, cleaned: dict[int, Cleaned]) -> None:
        """The cleaned windows in the place of those heard."""
        shown = [i for i, window in cleaned.items() if not window.alone]
        if shown:
            sounds[shown] = np.stack([cleaned[i].sound for i in shown])

    def _run(self, rows: _I64, sounds: Pcm16, scales: F32) -> F32:
        """The network's answer to these windows with their margins, each multiplied by its scale, after which
        it remembers them.
        """
        windows = (sounds[:, _SHOWN] if self._narrow else double(sounds)) * scales[:, np.newaxis]
        probabilities, self._state[:, rows] = self._model.run(windows, self._state[:, rows])
        if self._on_result is not None:
            self._on_result(probabilities)
        self.inferences += 1
        return probabilities

    def _stream_at(self, row: int) -> "LineStream | _ClosedStream":
        """The stream of that row; a stand-in when it was closed during this round."""
        return self._streams.get(row) or _CLOSED

    def _catch_up(self, rows: _I64, late: _I64) -> None:
        """Whoever is too far behind loses the oldest sound, in whole frames."""
        for i in np.flatnonzero(late > self._backlog).tolist():
            row = int(rows[i])
            frames = -(-(int(late[i]) - self._backlog) // LINE_FRAME)
            self._next[row] += frames * LINE_FRAME
            late[i] -= frames * LINE_FRAME
            stream = self._stream_at(row)
            stream.lost(frames)
            self._busy[row] = stream.speaking


class LineStream:
    """A ``VadStream`` that follows a line; nothing is pushed to it."""

    def __init__(
        self,
        vad: BatchedVad,
        line: Line,
        endpointing: EndpointingOptions,
        options: DetectorOptions,
        listener: VadListener,
    ) -> None:
        self.line = line
        self.line_start = line.written
        """The line's sample that is this stream's first."""
        self.dropped = 0
        self._vad = vad
        self._delivery = Delivery(listener)
        self._endpointer = endpointer_of(endpointing, options, self._turn)
        self._pre_roll = ms_to_samples(endpointing.pre_roll_ms, VAD_RATE)
        self._parts: list[Pcm16] = []
        """The turn in progress, 16 kHz."""
        self._turn_from = 0
        """Sound before this sample was spoken in an earlier turn."""

    @property
    def clock(self) -> int:
        return self._endpointer.clock

    @property
    def speaking(self) -> bool:
        return self._endpointer.speaking

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        raise RuntimeError("this stream follows its line: nothing can be pushed")

    def set_alarm(self, at: int | None) -> None:
        self._delivery.set_alarm(at)

    def flush(self, reason: FlushReason = "flushed") -> None:
        """Any thread may call it. It takes effect when what the line had heard is examined."""
        self._vad.flush(self, reason)

    def request_audio(self) -> None:
        self._endpointer.audio_requested = True

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        self._endpointer.set_options(endpointing)

    def close(self) -> None:
        """Callable from any thread, the listener's own included."""
        self._delivery.closed = True
        self._vad.remove(self)

    # -- the VAD thread. Positions are samples of the line.

    def idle(self, until: int) -> None:
        """A window of silence after silence."""
        event = self._endpointer.skip_silence((until - self.line_start) * _UP)
        self._delivery.deliver(event, self._endpointer.clock)

    def step(self, probability: float, window: Pcm16, echo: float, only_noise: bool) -> tuple[bool, bool]:
        """Decide on a window. Returns whether speech continues or may have begun, and whether the network's
        memory may fade.
        """
        endpointer = self._endpointer
        if endpointer.speaking:
            self._parts.append(window)
        event = endpointer.step(probability, WINDOW, only_noise, echo)
        if isinstance(event, SpeechStarted):
            self._parts = [self._sound(max(event.onset - self._pre_roll, self._turn_from), event.at)]
        elif isinstance(event, SpeechEnded):
            self._turn_ended(event)
        self._delivery.deliver(event, endpointer.clock)
        active = endpointer.speaking or endpointer.voiced
        return active or endpointer.run > 0, not active

    def flushed(self, reason: FlushReason) -> None:
        """End the turn in progress, if any."""
        event = self._endpointer.flush(reason)
        if event is not None:
            self._turn_ended(event)
            self._delivery.deliver(event, self._endpointer.clock)

    def lost(self, frames: int) -> None:
        """Frames were dropped."""
        self.dropped += frames
        self._endpointer.skip(frames * LINE_FRAME * _UP)

    def _turn(self, onset: int) -> Pcm16:
        """The turn in progress, from its pre-roll on."""
        return np.concatenate(self._parts)

    def _turn_ended(self, event: SpeechEnded) -> None:
        self._parts = []
        self._turn_from = next_turn_from(event)

    def _sound(self, first: int, last: int) -> Pcm16:
        """The stream's samples [first, last) at 16 kHz, as far as the ring still has them."""
        begin, end = first // _UP, -(-last // _UP)
        begin = max(begin, end - _LOOK_BACK)
        span = np.arange(self.line_start + begin - DOUBLE_BEFORE, self.line_start + end + DOUBLE_AFTER)
        heard = self.line.bank.received[self.line.row, span % RING]
        wide: Pcm16 = double(heard[np.newaxis])[0]
        return wide[max(first - begin * _UP, 0) : last - begin * _UP]


class _ClosedStream:
    """Replaces a stream that was closed in the middle of a round."""

    speaking = False

    def idle(self, until: int) -> None: ...

    def step(self, probability: float, window: Pcm16, echo: float, only_noise: bool) -> tuple[bool, bool]:
        return False, True

    def lost(self, frames: int) -> None: ...


_CLOSED = _ClosedStream()
