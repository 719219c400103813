"""``LogWriter``: lines of the log on their way to a file or a pipe, which no thread of a call ever waits for.

A pipe that nobody reads is full after 64 kB, and a disk may be full or slow: whoever writes to it waits, or
gets an error. So a thread of its own writes what others have queued.
"""

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

LINES = 10_000
"""Lines that may wait for the disk or the reader of the pipe; a further one is dropped and counted."""
CLOSE_LIMIT_S = 1.0
"""Seconds that the end of the process waits for what is still to be written."""
PAUSE_S = 0.5
"""Seconds between a write that failed and the next one."""


class LogWriter(logging.Handler):
    """A handler whose ``emit`` formats the line and queues it. Any thread, never waits.

    When lines were lost, because the queue was full or they could not be written, the next one that can be
    is preceded by one that says how many (``lines_lost``).
    """

    def __init__(
        self, file: Path | None, descriptor: int, lines_lost: Callable[[int, str], str], *, limit: int = LINES
    ) -> None:
        """Write to ``file`` (appended; reopened when it was rotated away), without one to ``descriptor``.
        ``lines_lost(count, reason)`` makes the line about lost lines. Raises OSError when the file cannot be
        opened.
        """
        super().__init__()
        self._file, self._lines_lost, self._limit = file, lines_lost, limit
        self._descriptor = descriptor if file is None else _open(file)
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._writing = False
        self._closing = False
        self._lost = 0
        self._reason = ""
        self._thread = threading.Thread(target=self._main, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record).encode("utf-8", "backslashreplace") + b"\n"
        except Exception:
            self.handleError(record)
            return
        with self._changed:
            if len(self._waiting) >= self._limit:
                self._lost += 1
                self._reason = self._reason or "they are not written as fast as they come"
            else:
                self._waiting.append(line)
                self._changed.notify()

    def flush(self) -> None:
        """Wait until everything is written, for a second at most."""
        deadline = time.monotonic() + CLOSE_LIMIT_S
        with self._changed:
            while (self._waiting or self._writing) and self._thread.is_alive():
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def close(self) -> None:
        """Write what is left, as ``flush`` does, and end the thread."""
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(0.2)  # it may be stuck in a pipe that nobody reads
        super().close()

    # -- the thread

    def _main(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closing:
                    self._changed.wait()
                if not self._waiting:
                    return
                line, self._writing = self._waiting.popleft(), True
                lost, reason = self._lost, self._reason
            written = self._write(line, lost, reason)
            with self._changed:
                self._writing = False
                self._changed.notify_all()
            if not written and not self._closing:
                time.sleep(PAUSE_S)

    def _write(self, line: bytes, lost: int, reason: str) -> bool:
        """Write a line; returns False, and counts it as lost, when it cannot be written."""
        try:
            self._follow_rotation()
            if lost:
                _write_all(self._descriptor, self._lines_lost(lost, reason).encode() + b"\n")
                with self._changed:
                    self._lost, self._reason = self._lost - lost, ""
            _write_all(self._descriptor, line)
            return True
        except OSError as error:
            with self._changed:
                self._lost += 1
                self._reason = error.strerror or str(error)
            return False

    def _follow_rotation(self) -> None:
        if self._file is None:
            return
        ours = os.fstat(self._descriptor)
        try:
            there = self._file.stat()
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                return
        except FileNotFoundError:
            pass
        replaced, self._descriptor = self._descriptor, _open(self._file)
        with contextlib.suppress(OSError):
            os.close(replaced)


def _open(file: Path) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)


def _write_all(descriptor: int, data: bytes) -> None:
    """Write it in one piece where the system takes it so: lines of several processes do not mix."""
    while data:
        data = data[os.write(descriptor, data) :]
