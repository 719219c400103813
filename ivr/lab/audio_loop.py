"""An event loop whose time is the sound that went by: a recorded call takes the same decisions every time, as
fast as the machine can. Timers run in the time of the recording, and it goes on only when everybody has done
what there is to do.
"""

import asyncio
import contextlib
import selectors
import time
from collections.abc import Iterator
from typing import Any

RESOLUTION_S = 1e-6
"""Seconds that are added up differ by less."""


class AudioLoop(asyncio.SelectorEventLoop):
    """``time`` is what ``advance`` made of it, in seconds, and what was spent ``outside``. One task, the
    recording's, calls ``idle`` and ``advance`` in turn.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._resting: asyncio.Future[None] | None = None
        self._outside = 0
        self._went_out = 0.0
        super().__init__(_IdleSelector(self))
        self._clock_resolution = RESOLUTION_S  # asyncio's own: timers due within it are due

    def time(self) -> float:
        return self._seconds + (time.monotonic() - self._went_out if self._outside else 0.0)

    def advance(self, seconds: float) -> None:
        self._seconds += seconds

    async def idle(self) -> None:
        """Until nothing is left to do before the next ``advance``."""
        self._resting = self.create_future()
        await self._resting

    @contextlib.contextmanager
    def outside(self) -> Iterator[None]:
        """While something is awaited that is not of the recording (an engine), the clock on the wall counts
        and the recording waits.
        """
        if not self._outside:
            self._went_out = time.monotonic()
        self._outside += 1
        try:
            yield
        finally:
            now = self.time()
            self._outside -= 1
            if not self._outside:
                self._seconds = now

    def wait_for(self, timeout: float | None) -> float | None:
        """How long to wait for the world when nothing is ready, ``timeout`` being the next timer's: not at
        all unless somebody is outside.
        """
        if self._outside:
            return timeout
        resting = self._resting
        if resting is None or resting.done():
            return None
        resting.set_result(None)
        return 0


class _IdleSelector(selectors.DefaultSelector):
    """Tells the loop when it is about to wait: then it has nothing to do."""

    def __init__(self, loop: AudioLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        ready = timeout is not None and timeout < RESOLUTION_S
        return super().select(0 if ready else self._loop.wait_for(timeout))
