"""Playback through a port in C (``LinePlayback`` of the carrier build), as the session uses it.

The C++ object is no object of pjlib's: it may be used and dropped on any thread.
"""

import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE
from ivr.audio.playback import LOW_WATER_S

_END, _LOW = 1, 2


class PlaybackReports:
    """Makes playbacks and delivers the reports of their ends. The clock thread reports; ``deliver`` is called
    on the SIP thread, turn by turn.
    """

    def __init__(self) -> None:
        self._queue: Any = pj.Reports()
        self._ids = itertools.count(1)
        self._live: weakref.WeakValueDictionary[int, LinePlayback] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def new(self) -> "LinePlayback":
        """Any thread."""
        number = next(self._ids)
        playback = LinePlayback(number, self._queue)
        with self._lock:
            self._live[number] = playback
        return playback

    def deliver(self) -> None:
        """Call the hooks of all that ended or run low."""
        while report := self._queue.take():
            number, kind = divmod(report, 4)
            with self._lock:
                playback = self._live.get(number)
            hook = playback and (playback.on_end if kind == _END else playback.on_low)
            if hook:
                hook()


class LinePlayback:
    """A ``Playback`` read by C. PCM16 mono at 8 kHz."""

    sample_rate = LINE_RATE
    low_water = int(LOW_WATER_S * LINE_RATE)

    def __init__(self, number: int, queue: Any) -> None:
        self.on_end: Callable[[], None] | None = None
        self.on_low: Callable[[], None] | None = None
        self._native: Any = pj.LinePlayback(number, self.low_water, queue)
        self._kept: list[bytes] = []
        """The bytes that C++ reads."""

    def write(self, pcm: bytes) -> None:
        if len(pcm) % BYTES_PER_SAMPLE:
            raise ValueError(f"PCM16 needs an even number of bytes, got {len(pcm)}")
        if pcm and not self._native.stopped():
            self._kept.append(pcm)
            self._native.write(pcm)

    def finish(self) -> None:
        self._native.finish()

    def stop(self) -> None:
        self._native.stop()

    def set_gain(self, gain: float) -> None:
        self._native.setGain(gain)

    @property
    def stopped(self) -> bool:
        return bool(self._native.stopped())

    @property
    def finished(self) -> bool:
        return bool(self._native.finished())

    @property
    def ended(self) -> bool:
        return bool(self._native.ended())

    @property
    def written(self) -> int:
        return int(self._native.written())

    @property
    def played(self) -> int:
        return int(self._native.played())

    @property
    def buffered(self) -> int:
        return self.written - self.played

    @property
    def starving(self) -> bool:
        return not (self.stopped or self.finished) and self.buffered == 0

    def attach(self, port: Any) -> None:
        """SIP thread: ``port`` plays this from its next frame on."""
        port.play(self._native)

    def __del__(self) -> None:
        # Before the bytes go: a port may still hold the C++ side of this.
        if "_native" in self.__dict__:
            self._native.drop()
