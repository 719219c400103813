"""The two media ports of a call. Their callbacks run on pjmedia's clock thread, every 20 ms, one after
the other for all calls: they copy bytes and read a flag, nothing else.
"""

import time
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

from ivr.audio.frames import BYTES_PER_SAMPLE, FRAME_MS, LINE_FRAME, LINE_RATE
from ivr.audio.playback import PlaybackBuffer
from ivr.sip import buffers
from ivr.sip.stats import CallbackTimes

AudioSink = Callable[[bytes], None]
"""Takes one frame of PCM16 at 8 kHz, on the clock thread; may only copy."""



class SinkSlot:
    """Where a call's audio goes: set by the service's thread, read by the clock thread."""

    __slots__ = ("sink",)

    def __init__(self) -> None:
        self.sink: AudioSink | None = None


class PlaybackSlot:
    """What a call plays: set by the service's thread, read by the clock thread. A plain object, so that no
    other thread ever holds a port (the last reference to one must be dropped on the SIP thread).
    """

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer: PlaybackBuffer | None = None


_read, _write = buffers.chosen.read, buffers.chosen.write
_SILENCE = bytes(LINE_FRAME * BYTES_PER_SAMPLE)


def line_format() -> pj.MediaFormatAudio:
    """PCM16 mono, 8 kHz, 20 ms frames."""
    fmt = pj.MediaFormatAudio()
    fmt.init(pj.PJMEDIA_FORMAT_PCM, LINE_RATE, 1, FRAME_MS * 1000, 16)
    return fmt


class CallPort(pj.AudioMediaPort):  # type: ignore[misc]
    """What the caller says: hands each frame to the slot's sink (None: nobody listens)."""

    def __init__(self, slot: SinkSlot, times: CallbackTimes, on_error: Callable[[], None]) -> None:
        super().__init__()
        self._slot = slot
        self._times = times
        self._on_error = on_error

    def onFrameReceived(self, frame: Any) -> None:
        began = time.perf_counter_ns()
        try:
            sink = self._slot.sink
            if sink is not None:
                # A lost packet that was not concealed still takes its 20 ms of time.
                sink(_read(frame) or _SILENCE)
        except Exception:
            self._slot.sink = None
            self._on_error()
        self._times.add(time.perf_counter_ns() - began)


class PlayerPort(pj.AudioMediaPort):  # type: ignore[misc]
    """What the service says: reads the slot's buffer until it ends. A stop is seen at the next frame."""

    def __init__(self, slot: PlaybackSlot, times: CallbackTimes, on_error: Callable[[], None]) -> None:
        super().__init__()
        self._slot = slot
        self._vector = pj.ByteVector(_SILENCE)
        self._times = times
        self._on_error = on_error

    def onFrameRequested(self, frame: Any) -> None:
        began = time.perf_counter_ns()
        try:
            buffer = self._slot.buffer
            pcm = buffer.read(LINE_FRAME) if buffer is not None else None
            _write(frame, self._vector, pcm if pcm is not None else _SILENCE)
        except Exception:
            self._slot.buffer = None
            frame.type = pj.PJMEDIA_FRAME_TYPE_NONE
            self._on_error()
        self._times.add(time.perf_counter_ns() - began)


class MediaPorts:
    """The two ports of a call that has ended, until they are freed."""

    def __init__(self, tap: CallPort | None, player: PlayerPort | None) -> None:
        self._ports = [port for port in (tap, player) if port is not None]

    def free(self) -> None:
        """On the C++ side first, which waits for a callback in progress, while the Python objects are still
        whole: one that is being deallocated has lost its attributes but can be called back, and an
        exception that leaves a port's callback ends the process.
        """
        while self._ports:
            pj.AudioMediaPort.__swig_destroy__(self._ports.pop())
