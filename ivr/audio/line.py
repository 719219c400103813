"""The sound of all calls of a process in memory that pjmedia's clock thread writes and others read.

Each call has a line: two rings of PCM16 at 8 kHz, the sound received from the caller and, at the same
positions, the sound sent. One side writes (a port in C or in Python, on the clock thread) and publishes by
counting ``written`` up; readers keep up or lose the oldest sound. No lock is taken.
"""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_FRAME, LINE_RATE
from ivr.audio.wake import LockWake, Wake

RING_S = 3
"""Seconds of sound in a line: how late a reader may be, and how far back it may look."""
RING = RING_S * LINE_RATE

Pcm16 = npt.NDArray[np.int16]


class LineBank:
    """Lines for up to ``rows`` calls. Their memory is taken at once and touched when first used."""

    def __init__(self, rows: int, wake: Wake | None = None) -> None:
        self.wake: Wake = wake or LockWake()
        """Set when a line has new sound."""
        self.received: Pcm16 = np.zeros((rows, RING), np.int16)
        self.sent: Pcm16 = np.zeros((rows, RING), np.int16)
        self.written: npt.NDArray[np.uint64] = np.zeros(rows, np.uint64)
        """Samples written to each line since it was opened; sample n is at n % RING."""
        self._free = list(range(rows - 1, -1, -1))
        self._lock = threading.Lock()

    @property
    def full(self) -> bool:
        """No line is free."""
        return not self._free

    def open(self) -> "Line":
        """Return a silent line. Raises RuntimeError when all are taken."""
        with self._lock:
            if not self._free:
                raise RuntimeError(f"all {len(self.written)} lines are in use")
            row = self._free.pop()
        self.received[row] = 0
        self.sent[row] = 0
        self.written[row] = 0
        return Line(self, row)

    def release(self, line: "Line") -> None:
        """End writing to the line. Idempotent."""
        with self._lock:
            if not line.released:
                line.released = True
                self._free_unless_used(line)

    def add_reader(self, line: "Line") -> bool:
        """Keep the line's sound beyond its release until ``remove_reader``, so that no other call's sound
        takes its place. Returns False when it was released already."""
        with self._lock:
            if not line.released:
                line.readers += 1
            return not line.released

    def remove_reader(self, line: "Line") -> None:
        """Undo one ``add_reader``."""
        with self._lock:
            line.readers -= 1
            self._free_unless_used(line)

    def _free_unless_used(self, line: "Line") -> None:
        if line.released and not line.readers:
            self._free.append(line.row)


class Line:
    """One call's sound. ``write_sent`` and ``write_received`` belong to the clock thread."""

    __slots__ = ("_sent", "bank", "readers", "released", "row")

    def __init__(self, bank: LineBank, row: int) -> None:
        self.bank, self.row = bank, row
        self.released = False
        self.readers = 0
        self._sent = False

    @property
    def written(self) -> int:
        """Samples so far."""
        return int(self.bank.written[self.row])

    def write_sent(self, pcm16: bytes) -> None:
        """Write the frame sent to the caller in this tick (160 samples); comes before ``write_received``."""
        at = self.written % RING
        self.bank.sent[self.row, at : at + LINE_FRAME] = np.frombuffer(pcm16, np.int16)
        self._sent = True

    def write_received(self, pcm16: bytes) -> None:
        """Write the frame received in this tick (160 samples), which ends the tick."""
        at = self.written % RING
        row = self.row
        self.bank.received[row, at : at + LINE_FRAME] = np.frombuffer(pcm16, np.int16)
        if not self._sent:
            self.bank.sent[row, at : at + LINE_FRAME] = 0
        self._sent = False
        self.bank.written[row] += np.uint64(LINE_FRAME)
        self.bank.wake.set()

    def addresses(self) -> dict[str, Any]:
        """Return the addresses of this line's memory for a port in C (``LinePort`` in docker/pjsua2)."""
        bank, row = self.bank, self.row
        return {
            "received": bank.received[row].ctypes.data,
            "sent": bank.sent[row].ctypes.data,
            "ring": RING,
            "written": bank.written[row : row + 1].ctypes.data,
        }
