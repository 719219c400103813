"""An event loop whose clock is the sound of a recording, so that a replay takes the same decisions every time
and runs as fast as the machine can.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import Iterator
from typing import Any

RESOLUTION_S = 1e-6
"""Seconds; sums of fractions differ by less."""


class AudioClockLoop(asyncio.SelectorEventLoop):
    """Event loop whose ``time`` moves only with ``advance``, and with the wall clock inside ``wall_clock()``.

    One task, which feeds the recording, calls ``idle`` and ``advance`` in turn. Timers run in the time of the
    recording.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._idle: asyncio.Future[None] | None = None
        self._on_wall_clock = 0
        self._wall_clock_began = 0.0
        super().__init__(_IdleSelector(self))
        self._clock_resolution = RESOLUTION_S  # asyncio's own: timers due within it are due

    def time(self) -> float:
        return self._seconds + (time.monotonic() - self._wall_clock_began if self._on_wall_clock else 0.0)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by ``seconds`` of the recording."""
        self._seconds += seconds

    async def idle(self) -> None:
        """Return when nothing is left to do before the next ``advance``."""
        self._idle = self.create_future()
        await self._idle

    @contextlib.contextmanager
    def wall_clock(self) -> Iterator[None]:
        """Count real time inside the block, and make the recording wait: for an engine's answer."""
        if not self._on_wall_clock:
            self._wall_clock_began = time.monotonic()
        self._on_wall_clock += 1
        try:
            yield
        finally:
            now = self.time()
            self._on_wall_clock -= 1
            if not self._on_wall_clock:
                self._seconds = now

    def select_timeout(self, timeout: float | None) -> float | None:
        """How long the selector may block when nothing is ready, in seconds; ``timeout`` is the time to the
        next timer. Without ``wall_clock()`` it does not block: the task in ``idle`` goes on.
        """
        if self._on_wall_clock:
            return timeout
        if self._idle is None or self._idle.done():
            return None
        self._idle.set_result(None)
        return 0


class _IdleSelector(selectors.DefaultSelector):
    """Selector that asks the loop before it blocks: at that moment the loop has nothing to do."""

    def __init__(self, loop: AudioClockLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        ready = timeout is not None and timeout < RESOLUTION_S
        return super().select(0 if ready else self._loop.select_timeout(timeout))
