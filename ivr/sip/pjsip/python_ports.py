"""The two media ports of a call in Python, for builds without ports in C. Their callbacks run on pjmedia's
clock thread, every 20 ms, one after the other for all calls: they copy bytes and read a flag, nothing else.
"""

import time
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

from ivr.audio.frames import BYTES_PER_SAMPLE, FRAME_MS, LINE_FRAME, LINE_RATE
from ivr.audio.line import Line
from ivr.audio.playback import PlaybackBuffer
from ivr.sip.pjsip import frame_buffers
from ivr.sip.player import PlaybackSlot
from ivr.sip.stats import CallbackTimes

_read, _write = frame_buffers.chosen.read, frame_buffers.chosen.write
_SILENCE = bytes(LINE_FRAME * BYTES_PER_SAMPLE)


def line_format() -> pj.MediaFormatAudio:
    """PCM16 mono, 8 kHz, 20 ms frames."""
    fmt = pj.MediaFormatAudio()
    fmt.init(pj.PJMEDIA_FORMAT_PCM, LINE_RATE, 1, FRAME_MS * 1000, 16)
    return fmt


class CallPort(pj.AudioMediaPort):  # type: ignore[misc]
    """The port that receives the caller's audio: puts each frame into the call's line."""

    def __init__(self, line: Line, times: CallbackTimes, on_error: Callable[[], None]) -> None:
        super().__init__()
        self._line = line
        self._times = times
        self._on_error = on_error

    def createPort(self, name: str) -> None:
        super().createPort(name, line_format())

    def onFrameReceived(self, frame: Any) -> None:
        began = time.perf_counter_ns()
        try:
            # A lost packet that was not concealed still takes its 20 ms of time.
            self._line.write_received(_read(frame) or _SILENCE)
        except Exception:
            self._on_error()
        self._times.add(time.perf_counter_ns() - began)


class PlayerPort(pj.AudioMediaPort):  # type: ignore[misc]
    """The port that sends our audio: reads the slot's buffer until it ends. A stop takes effect at the next
    frame."""

    def __init__(
        self, slot: PlaybackSlot, line: Line, times: CallbackTimes, on_error: Callable[[], None]
    ) -> None:
        super().__init__()
        self._slot = slot
        self._line = line
        self._vector = pj.ByteVector(_SILENCE)
        self._times = times
        self._on_error = on_error

    def createPort(self, name: str) -> None:
        super().createPort(name, line_format())

    def onFrameRequested(self, frame: Any) -> None:
        began = time.perf_counter_ns()
        try:
            buffer = self._slot.buffer
            pcm = buffer.read(LINE_FRAME) if isinstance(buffer, PlaybackBuffer) else None
            if pcm is not None:
                self._line.write_sent(pcm)
            _write(frame, self._vector, pcm if pcm is not None else _SILENCE)
        except Exception:
            self._slot.buffer = None
            frame.type = pj.PJMEDIA_FRAME_TYPE_NONE
            self._on_error()
        self._times.add(time.perf_counter_ns() - began)
