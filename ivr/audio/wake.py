"""Wake a thread that waits for sound, without a lock that the waking thread would wait for.

The waiter calls ``arm``, checks once more whether there is work, and only then calls ``wait``: work that
arrives after ``arm`` wakes it, work that arrived before is found by the check.
"""

import contextlib
import os
import select
import threading
from typing import Protocol

import numpy as np


class Wake(Protocol):
    """A binary semaphore with one waiter."""

    def set(self) -> None:
        """Wake the waiter. Any thread; never waits."""

    def arm(self) -> None: ...

    def wait(self, timeout_s: float = -1) -> None:
        """Wait until set, or for ``timeout_s`` seconds when that is not negative; clears it."""

    def close(self) -> None: ...


class LockWake:
    """A lock used as a signal: ``set`` does not release the GIL, as a media port's callback must not."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        if self._lock.locked():
            with contextlib.suppress(RuntimeError):  # another thread was quicker; it is set
                self._lock.release()

    def arm(self) -> None:
        """Do nothing: what was set stays set."""

    def wait(self, timeout_s: float = -1) -> None:
        self._lock.acquire(timeout=timeout_s)

    def close(self) -> None:
        """Do nothing: there is nothing to free."""


class PipeWake:
    """A pipe and a flag in memory, so that a media port in C can set it (``LinePort``): it writes one
    byte to ``write_fd`` when it finds ``armed`` set, and clears that.
    """

    def __init__(self) -> None:
        self.armed = np.zeros(1, np.uint32)
        self._read_fd, self.write_fd = os.pipe()
        for end in (self._read_fd, self.write_fd):
            os.set_blocking(end, False)
        self._poll = select.poll()
        self._poll.register(self._read_fd, select.POLLIN)

    def set(self) -> None:
        with contextlib.suppress(OSError):  # full: it is set; closed: nobody waits
            os.write(self.write_fd, b"\0")

    def arm(self) -> None:
        self.armed[0] = 1

    def wait(self, timeout_s: float = -1) -> None:
        if self._poll.poll(timeout_s * 1000 if timeout_s >= 0 else None):
            with contextlib.suppress(BlockingIOError):
                os.read(self._read_fd, 4096)

    def close(self) -> None:
        for end in (self._read_fd, self.write_fd):
            os.close(end)
