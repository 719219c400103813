"""A progress bar on a terminal, two plain lines elsewhere."""

import sys
import time
from typing import Self, TextIO

WIDTH = 28
REDRAW_S = 0.1


class Progress:
    """Bytes done of ``total``, drawn on ``stream`` (standard error unless given)."""

    def __init__(self, label: str, total: int, stream: TextIO | None = None) -> None:
        self.label = label
        self.total = total
        self.base = 0
        """Bytes of the files that came before the one being counted."""
        self.done = 0
        self._stream = stream or sys.stderr
        self._tty = self._stream.isatty()
        self._began = time.monotonic()
        self._start_at = 0
        self._drawn = 0.0

    def __enter__(self) -> Self:
        if self._tty:
            self._draw()
        else:
            self._print(f"{self.label}: {megabytes(self.total)}")
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        elapsed = time.monotonic() - self._began
        if kind is None:
            self.done = self.total
        if self._tty:
            self._draw()
            self._print("")
        elif kind is None:
            self._print(f"{self.label}: done in {elapsed:.1f} s")

    def add(self, count: int) -> None:
        self.set(self.done - self.base + count)

    def set(self, done: int) -> None:
        self.done = min(self.base + done, self.total)
        now = time.monotonic()
        if self._tty and now - self._drawn >= REDRAW_S:
            self._drawn = now
            self._draw()

    def resume(self, done: int) -> None:
        """Begin at ``done`` bytes that an earlier run left; they do not count for the speed."""
        self._start_at = done
        self.set(done)

    def _draw(self) -> None:
        share = self.done / self.total if self.total else 1.0
        filled = round(share * WIDTH)
        speed = (self.done - self._start_at) / max(time.monotonic() - self._began, 0.001)
        bar = "#" * filled + "-" * (WIDTH - filled)
        amount = f"{megabytes(self.done)}/{megabytes(self.total)} {megabytes(speed)}/s"
        self._stream.write(f"\r{self.label:<18} [{bar}] {share:4.0%} {amount} ")
        self._stream.flush()

    def _print(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()


def megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"
