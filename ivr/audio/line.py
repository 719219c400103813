"""The sound of all calls of a process in memory that pjmedia's clock thread writes and others read.

Each call has a line: two rings of PCM16 at 8 kHz, what the caller said and, at the same positions, what the
caller was sent. One side writes (a port in C or in Python, on the clock thread) and publishes by counting
``written`` up; readers keep up or lose the oldest sound. Nothing is locked.
"""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_FRAME, LINE_RATE
from ivr.audio.wake import LockWake, Wake

RING_S = 3
"""Seconds that a line remembers: how late a reader may be, and how far back it may look."""
RING = RING_S * LINE_RATE

Pcm16 = npt.NDArray[np.int16]


class LineBank:
    """Lines for up to ``rows`` calls. Their memory is taken at once and touched when first used."""

    def __init__(self, rows: int, wake: Wake | None = None) -> None:
        self.wake: Wake = wake or LockWake()
        """Set when a line has new sound."""
        self.heard: Pcm16 = np.zeros((rows, RING), np.int16)
        self.sent: Pcm16 = np.zeros((rows, RING), np.int16)
        self.written: npt.NDArray[np.uint64] = np.zeros(rows, np.uint64)
        """Samples put into each line since it was opened; sample n stands at n % RING."""
        self._free = list(range(rows - 1, -1, -1))
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        """No line is free."""
        return not self._free

    def open(self) -> "Line":
        """A line that has heard nothing. Raises RuntimeError when all are taken."""
        with self._lock:
            if not self._free:
                raise RuntimeError(f"all {len(self.written)} lines are in use")
            row = self._free.pop()
        self.heard[row] = 0
        self.sent[row] = 0
        self.written[row] = 0
        return Line(self, row)

    def release(self, line: "Line") -> None:
        """Nobody writes to it any more. Idempotent."""
        with self._lock:
            if not line.released:
                line.released = True
                self._free_unless_used(line)

    def hold(self, line: "Line") -> bool:
        """Keep what the line has heard in place, beyond its release, until ``let_go``: the next call must not
        be read in its stead. False when it was released already.
        """
        with self._lock:
            if not line.released:
                line.holders += 1
            return not line.released

    def let_go(self, line: "Line") -> None:
        """Once for each ``hold``."""
        with self._lock:
            line.holders -= 1
            self._free_unless_used(line)

    def _free_unless_used(self, line: "Line") -> None:
        if line.released and not line.holders:
            self._free.append(line.row)


class Line:
    """One call's sound. ``hear`` and ``say`` belong to the clock thread."""

    __slots__ = ("_said", "bank", "holders", "released", "row")

    def __init__(self, bank: LineBank, row: int) -> None:
        self.bank, self.row = bank, row
        self.released = False
        self.holders = 0
        self._said = False

    @property
    def written(self) -> int:
        """Samples so far."""
        return int(self.bank.written[self.row])

    def say(self, pcm16: bytes) -> None:
        """The frame that the caller is sent in this tick (160 samples); comes before ``hear``."""
        at = self.written % RING
        self.bank.sent[self.row, at : at + LINE_FRAME] = np.frombuffer(pcm16, np.int16)
        self._said = True

    def hear(self, pcm16: bytes) -> None:
        """The frame that the caller said in this tick (160 samples); the tick is over."""
        at = self.written % RING
        row = self.row
        self.bank.heard[row, at : at + LINE_FRAME] = np.frombuffer(pcm16, np.int16)
        if not self._said:
            self.bank.sent[row, at : at + LINE_FRAME] = 0
        self._said = False
        self.bank.written[row] += np.uint64(LINE_FRAME)
        self.bank.wake.set()

    def addresses(self) -> dict[str, Any]:
        """Where a port in C finds this line's memory (see ``LinePort`` in docker/pjsua2)."""
        bank, row = self.bank, self.row
        return {
            "heard": bank.heard[row].ctypes.data,
            "sent": bank.sent[row].ctypes.data,
            "ring": RING,
            "written": bank.written[row : row + 1].ctypes.data,
        }
