"""The detector of a whole process: one thread, one inference for the next windows of all streams.

Calls are followed on their lines (``lines.py``); who has frames of audio and no line pushes them.

What crosses threads, all of it named here: each pushed stream's queue of frames (appended by the pushing
thread, emptied by the VAD thread), its two counters (each written by one side), its flush and closed
flags, and one ``Wake`` for the VAD thread. ``push`` may run on a thread
that must not be late: it appends, counts, and perhaps wakes; it computes nothing and waits for nobody.
"""

import threading
import time
from collections import deque

import numpy as np
import structlog

from ivr.audio.frames import BYTES_PER_SAMPLE, VAD_RATE, ms_to_samples
from ivr.audio.line import Line, LineBank
from ivr.audio.wake import LockWake, Wake
from ivr.vad.batched import BatchedVad, LineStream
from ivr.vad.events import FlushReason, VadListener
from ivr.vad.failures import InferenceFailures
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import F32, SileroModel
from ivr.vad.stream import Delivery, StreamDetector, check_pcm

log = structlog.get_logger(__name__)

_PER_LINE_S = 16e-6
"""What the clock thread takes for a call's frame, both ways."""
CLOSE_LIMIT_S = 5.0
"""Seconds ``SharedVad.close`` waits for the thread: a listener may be waiting for whoever closes."""


class SharedVad:
    """A ``VoiceActivityDetector`` with one thread, "vad", for any number of streams.

    A window is looked at within about ``batch_window_ms`` and one inference of its last sample being
    pushed. Raises RuntimeError when a stream is opened after ``close``.
    """

    def __init__(
        self, model: SileroModel, options: DetectorOptions | None = None, bank: LineBank | None = None
    ) -> None:
        """``bank`` holds the lines that ``open_line`` can follow."""
        self._model = model
        self._options = options or DetectorOptions()
        self._gather_s = self._options.batch_window_ms / 1000
        self._wake: Wake = bank.wake if bank is not None else LockWake()
        self._lines = BatchedVad(model, self._options, bank) if bank is not None else None
        self._streams: tuple[SharedStream, ...] = ()  # replaced, never changed: read without the lock
        self._streams_lock = threading.Lock()
        self._closing = False
        self._failures = InferenceFailures()
        self.windows = 0
        """Windows examined since the start."""
        self.inferences = 0
        """Runs of the network, each for one window of every stream that had one."""
        self._thread = threading.Thread(target=self._main, name="vad", daemon=True)
        self._thread.start()

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> "SharedStream":
        detector = StreamDetector(endpointing, self._options, self._model.narrow)
        stream = SharedStream(self, self._wake, detector, self._options, listener)
        with self._streams_lock:
            if self._closing:
                raise RuntimeError("the detector is closed")
            self._streams += (stream,)
        return stream

    def open_line(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> LineStream:
        """Listen to a call from what it says next on. Raises RuntimeError when its bank is another."""
        if self._lines is None or line.bank is not self._lines.bank:
            raise RuntimeError("the detector does not follow the lines of this bank")
        if self._closing:
            raise RuntimeError("the detector is closed")
        return self._lines.open(line, endpointing, listener)

    def close(self) -> None:
        """Close every stream and end the thread. From any thread, a listener's too; idempotent."""
        with self._streams_lock:
            self._closing = True
            streams, self._streams = self._streams, ()
        for stream in streams:
            stream.close()
        if self._lines is not None:
            self._lines.close()
        self._wake.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(CLOSE_LIMIT_S)
            if self._thread.is_alive():
                log.error("vad_thread_unresponsive")

    def remove(self, stream: "SharedStream") -> None:
        """Forget a closed stream."""
        with self._streams_lock:
            self._streams = tuple(s for s in self._streams if s is not stream)

    # -- the VAD thread

    def _main(self) -> None:
        """Never ends before ``close``: a mistake here must not stop detection for other calls."""
        while not self._closing:
            try:
                self._wake.arm()
                while not self._closing and self._round():
                    pass
                if self._closing:
                    return
                self._wake.wait()
                if self._gather_s:
                    # The clock thread gives the frames of all calls one after the other: those of
                    # this tick belong into one inference, and must not wait for the GIL meanwhile.
                    lines = self._lines.followed if self._lines is not None else 0
                    time.sleep(self._gather_s + lines * _PER_LINE_S)
            except BaseException:
                log.critical("vad_thread_failed", exc_info=True)
                time.sleep(0.02)
                self._wake.set()

    def _round(self) -> bool:
        """Examine at most one window of every stream; False when there was none."""
        followed = self._lines is not None and self._lines.round()
        return self._pushed_round() or followed

    def _pushed_round(self) -> bool:
        if not self._streams:
            return False
        ready = []
        for stream in self._streams:
            window = stream.take()
            if window is not None:
                ready.append((stream, window))
        if not ready:
            return False
        for size in {window.size for _, window in ready}:  # 8 kHz and 16 kHz are two networks
            self._infer([(stream, window) for stream, window in ready if window.size == size])
        return True

    def _infer(self, ready: "list[tuple[SharedStream, F32]]") -> None:
        windows = np.stack([window for _, window in ready])
        states = np.stack([stream.detector.state for stream, _ in ready], axis=1)
        try:
            probabilities, following = self._model.run(windows, states)
        except Exception:
            # Time must go on for the alarms; what was not looked at counts as quiet.
            self._failures.report(len(ready))
            probabilities, following = np.zeros(len(ready), np.float32), np.zeros_like(states)
        self.windows += len(ready)
        self.inferences += 1
        for i, (stream, _) in enumerate(ready):
            stream.accept(float(probabilities[i]), following[:, i])


class SharedStream:
    """A ``VadStream``. ``push`` belongs to one thread, ``take`` and ``accept`` to the VAD thread."""

    def __init__(
        self,
        vad: SharedVad,
        wake: Wake,
        detector: StreamDetector,
        options: DetectorOptions,
        listener: VadListener,
    ) -> None:
        self._vad = vad
        self._wake = wake
        self.detector = detector
        self._delivery = Delivery(listener)
        self._frames: deque[tuple[bytes, int, int]] = deque()
        """PCM16, its rate, and its length in samples at 16 kHz."""
        self._backlog = ms_to_samples(options.backlog_ms, VAD_RATE)
        self.dropped = 0
        # Samples at 16 kHz. The first two are written by the pushing thread alone, the others by the VAD's.
        self._pushed = 0
        self._lost = 0
        self._taken = 0
        self._lost_seen = 0
        self._flush_wanted: FlushReason | None = None

    @property
    def clock(self) -> int:
        return self.detector.clock

    @property
    def speaking(self) -> bool:
        return self.detector.speaking

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        check_pcm(pcm16, sample_rate)
        if self._delivery.closed:
            return
        samples = len(pcm16) // BYTES_PER_SAMPLE * VAD_RATE // sample_rate
        while self._frames and self._pushed - self._lost - self._taken + samples > self._backlog:
            try:
                _, _, oldest = self._frames.popleft()
            except IndexError:
                break  # the VAD thread has just taken it
            self._lost += oldest
            self.dropped += 1
        self._pushed += samples
        self._frames.append((pcm16, sample_rate, samples))
        self._wake.set()

    def set_alarm(self, at: int | None) -> None:
        self._delivery.set_alarm(at)

    def flush(self, reason: FlushReason = "flushed") -> None:
        """Any thread may call it. It takes effect when what was pushed before is examined."""
        self._flush_wanted = reason
        self._wake.set()

    def request_audio(self) -> None:
        self.detector.request_audio()

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        self.detector.set_endpointing(endpointing)

    def close(self) -> None:
        """Callable from any thread, the listener's own included."""
        self._delivery.closed = True
        self._vad.remove(self)
        self._frames.clear()

    # -- the VAD thread

    def take(self) -> F32 | None:
        """The next window, if enough has been pushed."""
        try:
            # Before the frames are looked at, so that a flush covers all that was pushed before it.
            flush = self._flush_wanted
            if (lost := self._lost) != self._lost_seen:
                self.detector.skip(lost - self._lost_seen)
                self._lost_seen = lost
            while (window := self.detector.next_window()) is None:
                try:
                    pcm16, sample_rate, samples = self._frames.popleft()
                except IndexError:
                    break
                self._taken += samples
                self.detector.feed(pcm16, sample_rate)
            if window is None and flush:
                self._flush_wanted = None
                self._delivery.deliver(self.detector.flush(flush), self.detector.clock)
            return window
        except Exception:
            log.exception("vad_stream_failed")
            return None

    def accept(self, probability: float, state: F32) -> None:
        event = self.detector.accept(probability, state)
        self._delivery.deliver(event, self.detector.clock)
