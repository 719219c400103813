"""Progress of a start: which engines are loading, how many prompts are made.

On a terminal one line is updated; every step is also a line of the log, so that a start without a terminal
shows the same (``engine_starting``, ``process_ready``, ``prompts_preparing``).
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

import structlog

from ivr.tasks import TaskSupervisor

log: Any = structlog.get_logger("ivr.start")

PROMPTS_EVERY_S = 2.0
"""Seconds between two lines of the log about prompts."""
UPDATE_EVERY_S = 0.5
"""Seconds between two updates of the terminal's line."""
MIN_S = 1.0
"""Seconds before the terminal's line appears: a quick start needs none."""


class Progress(Protocol):
    """Receives the steps of a start."""

    def engine_starting(self, name: str) -> None: ...

    def engine_ready(self, name: str) -> None: ...

    def prompts(self, done: int, total: int) -> None:
        """``done`` of ``total`` prompts are there, those from the cache included."""


class NoProgress:
    """A progress display that shows nothing."""

    def engine_starting(self, name: str) -> None: ...

    def engine_ready(self, name: str) -> None: ...

    def prompts(self, done: int, total: int) -> None: ...


class StartProgress:
    """Reports a start in the log, and on ``terminal`` when it is one. Use it with ``async with``: the
    terminal's line is removed at the end."""

    def __init__(self, terminal: TextIO | None = None) -> None:
        self._terminal = sys.stderr if terminal is None else terminal
        self._loading: dict[str, None] = {}
        self._prompts = ""
        self._began = self._logged = time.monotonic()
        self._tasks = TaskSupervisor(log)
        self._shown = False

    async def __aenter__(self) -> Self:
        self._began = time.monotonic()
        if self._terminal.isatty():
            self._tasks.start(self._update(), "start progress")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.aclose()
        if self._shown:
            self._terminal.write("\r\x1b[K")
            self._terminal.flush()

    def engine_starting(self, name: str) -> None:
        self._loading[name] = None
        log.info("engine_starting", engine=name)

    def engine_ready(self, name: str) -> None:
        self._loading.pop(name, None)

    def prompts(self, done: int, total: int) -> None:
        self._prompts = f"prompts {done} of {total}" if done < total else ""
        now = time.monotonic()
        if done == 0:
            self._logged = now
        if done < total and now - self._logged >= PROMPTS_EVERY_S:
            self._logged = now
            log.info("prompts_preparing", done=done, total=total)

    def line(self) -> str:
        """Return what the terminal shows now."""
        parts = [f"loading {', '.join(self._loading)}"] if self._loading else []
        parts += [self._prompts] if self._prompts else []
        return f"starting ({time.monotonic() - self._began:.0f} s): {'; '.join(parts) or 'opening SIP'}"

    async def _update(self) -> None:
        await asyncio.sleep(MIN_S)
        while True:
            # The cursor returns to the line's start, so that a line of the log takes its place.
            self._terminal.write(f"\r\x1b[K{self.line()}\r")
            self._terminal.flush()
            self._shown = True
            await asyncio.sleep(UPDATE_EVERY_S)


async def start_together(*starts: Coroutine[Any, Any, None]) -> None:
    """Run all at once. When one fails the others are cancelled and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
