"""Lets a detector that only takes pushed sound (a third party's) follow calls: one thread reads the lines of
all calls and pushes what is new; without a thread, ``step`` does.
"""

import threading

import numpy as np
import structlog

from ivr.audio.frames import LINE_RATE
from ivr.audio.line import RING, Line, LineBank
from ivr.vad.base import VadStream, VoiceActivityDetector
from ivr.vad.events import FlushReason, VadListener
from ivr.vad.options import EndpointingOptions

log = structlog.get_logger(__name__)


class PushAdapter:
    """Makes a ``LineVad`` of ``vad``. Its thread, "vad", pushes; when not ``threaded`` it is a
    ``SteppedLineVad``.
    """

    probability: float | None = None
    """A third party's detector does not report it."""

    def __init__(self, vad: VoiceActivityDetector, bank: LineBank, *, threaded: bool = True) -> None:
        self._vad, self._bank = vad, bank
        self._followed: tuple[_Followed, ...] = ()  # replaced, never changed
        self._lock = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._main, name="vad", daemon=True)
        if threaded:
            self._thread.start()

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> VadStream:
        return self._vad.open_stream(endpointing, listener)

    def open_line(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> VadStream:
        followed = _Followed(self, line, self._vad.open_stream(endpointing, listener))
        with self._lock:
            self._followed += (followed,)
        return followed

    def close(self) -> None:
        self._closing = True
        self._bank.wake.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self._vad.close()

    def remove(self, followed: "_Followed") -> None:
        with self._lock:
            self._followed = tuple(f for f in self._followed if f is not followed)

    def _main(self) -> None:
        while not self._closing:
            self._bank.wake.arm()
            self.step()
            self._bank.wake.wait()

    def step(self) -> bool:
        for followed in self._followed:
            try:
                followed.push_new()
            except Exception:
                log.exception("vad_stream_failed")
                followed.close()
        return False


class _Followed:
    """A stream of the other detector, fed from a line."""

    def __init__(self, pump: PushAdapter, line: Line, stream: VadStream) -> None:
        self._pump, self._line, self._stream = pump, line, stream
        self.line_start = self._next = line.written
        self._lost = 0

    def push_new(self) -> None:
        written = self._line.written
        if written - self._next > RING - LINE_RATE:
            self._lost += 1
            self._next = written - LINE_RATE
        if written > self._next:
            span = np.arange(self._next, written) % RING
            self._next = written
            self._stream.push(self._line.bank.received[self._line.row, span].tobytes(), LINE_RATE)

    @property
    def clock(self) -> int:
        return self._stream.clock

    @property
    def speaking(self) -> bool:
        return self._stream.speaking

    @property
    def dropped(self) -> int:
        return self._lost + self._stream.dropped

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        raise RuntimeError("this stream follows its line: nothing can be pushed")

    def set_alarm(self, at: int | None) -> None:
        self._stream.set_alarm(at)

    def flush(self, reason: FlushReason = "flushed") -> None:
        self._stream.flush(reason)

    def request_audio(self) -> None:
        self._stream.request_audio()

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        self._stream.set_endpointing(endpointing)

    def close(self) -> None:
        self._pump.remove(self)
        self._stream.close()
