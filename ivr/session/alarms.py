"""Several alarms on the one of a detector's stream. Loop only; time is samples of the caller's audio."""

import asyncio
import itertools
from collections.abc import Callable

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.vad.base import VadStream


class Alarms:
    """The alarms of a session, by name: each name has at most one."""

    def __init__(self, stream: VadStream) -> None:
        self._stream = stream
        self._at: dict[str, tuple[int, Callable[[], None]]] = {}
        self._numbers = itertools.count(1)
        self._waiting: set[asyncio.Future[None]] = set()

    def set(self, name: str, at: int, ring: Callable[[], None]) -> None:
        """Call ``ring`` once the stream's clock has reached ``at``; replaces the alarm of that name."""
        self._at[name] = (at, ring)
        self._set_next()

    def clear(self, name: str) -> None:
        """Remove the alarm of that name, if there is one."""
        if self._at.pop(name, None) is not None:
            self._set_next()

    def is_set(self, name: str) -> bool:
        return name in self._at

    def on_alarm(self, clock: int) -> None:
        """The stream's alarm rang: call what is due, the earliest first, if it was not cleared or put off."""
        for name, (at, ring) in sorted(self._at.items(), key=lambda item: item[1][0]):
            if at <= clock and self._at.get(name) == (at, ring):
                del self._at[name]
                ring()
        self._set_next()

    async def wait(self, seconds: float) -> None:
        """Wait for ``seconds`` of the caller's sound. Raises the error that ``close`` was given."""
        name = f"wait {next(self._numbers)}"
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ring() -> None:
            if not waiting.done():
                waiting.set_result(None)

        self.set(name, self._stream.clock + ms_to_samples(seconds * 1000, VAD_RATE), ring)
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)
            self.clear(name)

    @property
    def waiting(self) -> bool:
        """A task is in ``wait``."""
        return bool(self._waiting)

    def close(self, error: Exception) -> None:
        """The session is over: every ``wait`` raises ``error``."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(error)

    def _set_next(self) -> None:
        self._stream.set_alarm(min((at for at, _ in self._at.values()), default=None))
