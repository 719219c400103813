"""Restart what ended, with back-off: the one loop for child processes and for connections to a host."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ivr.errors import IvrError
from ivr.process.framing import PeerGone

log: Any = structlog.get_logger("ivr.process")


class StartFailed(IvrError):
    """The first start failed: the process gave the reason, or ended."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Run:
    """One run that ended: from a start to the end of the process or connection."""

    reason: PeerGone
    ready: bool
    """True when it had finished starting."""
    useful: bool
    """True when it had done work, so that a restart at once is worth a try."""
    ended_at: float
    """Seconds of the event loop's clock."""


RestartPolicy = Callable[[Run], float | None]
"""Returns the seconds to wait before the next start; None gives up."""


class Backoff:
    """Wait longer for each run in a row that did no work; never give up.

    The first ``immediate`` restarts wait nothing, the next one ``first_s`` seconds, each further one twice
    as long, up to ``max_s``.
    """

    def __init__(self, first_s: float, max_s: float, *, immediate: int = 0) -> None:
        self._first_s, self._max_s, self._immediate = first_s, max_s, immediate
        self._failures = 0

    def __call__(self, run: Run) -> float:
        self._failures = 0 if run.useful else self._failures + 1
        if self._immediate and self._failures <= self._immediate:
            return 0.0
        doublings = min(max(0, self._failures - self._immediate - 1), 30)
        return min(self._first_s * 2.0**doublings, self._max_s)


class RestartLimit:
    """Wait longer for each death within a window, and give up after too many.

    ``limit`` restarts are allowed within ``window_s`` seconds; 0 never restarts. The first waits
    ``first_s`` seconds, each further one twice as long, up to ``max_s``.
    """

    def __init__(self, *, first_s: float, max_s: float, limit: int, window_s: float) -> None:
        self._first_s, self._max_s = first_s, max_s
        self._limit, self._window_s = limit, window_s
        self._deaths: deque[float] = deque()

    def __call__(self, run: Run) -> float | None:
        return self.after_death(run.ended_at)

    def after_death(self, now: float) -> float | None:
        """Return the seconds to wait after a death at ``now``, of any one clock; None gives up."""
        while self._deaths and self._deaths[0] <= now - self._window_s:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) > self._limit:
            return None
        return min(self._first_s * 2.0 ** min(len(self._deaths) - 1, 30), self._max_s)


def log_end(name: str, run: Run, restart_in_s: float | None) -> None:
    """Log the end of a run and what follows."""
    if restart_in_s is None:
        log.critical(
            "process_given_up",
            process=name,
            reason=str(run.reason),
            remedy="it ended too often: see the lines before, then restart the service",
        )
    else:
        log.warning("process_died", process=name, reason=str(run.reason), restart_in_s=restart_in_s)


class RestartLoop:
    """Calls ``run_once`` again and again until it is stopped, cancelled, or the policy gives up.

    ``run_once`` starts something and waits for its end, which it raises as PeerGone; on the way it calls
    ``mark_ready`` and ``mark_useful``. When the first run ends before it was ready, ``wait_ready`` raises
    StartFailed and the loop ends, unless less than ``first_start_s`` seconds have passed and the reason is
    not permanent. Belongs to the event loop it was made on.
    """

    def __init__(
        self,
        name: str,
        run_once: Callable[[], Awaitable[None]],
        policy: RestartPolicy,
        *,
        on_end: Callable[[str, Run, float | None], None] = log_end,
        first_start_s: float = 0.0,
    ) -> None:
        self.name = name
        self._run_once, self._policy, self._on_end = run_once, policy, on_end
        self._first_start_s = first_start_s
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopped = asyncio.Event()
        self._useful = False
        self.ready = False
        """The present run has finished starting."""
        self.starts = 0
        self.given_up = False
        """The policy allowed no further restart."""

    async def wait_ready(self) -> None:
        """Wait for the first run to be ready. Raises StartFailed."""
        await asyncio.shield(self._first)

    def mark_ready(self) -> None:
        """The present run has finished starting."""
        self.ready = True
        if not self._first.done():
            self._first.set_result(None)

    def mark_useful(self) -> None:
        """The present run has done work."""
        self._useful = True

    def stop_restarting(self) -> None:
        """Let the present run be the last."""
        self._stopped.set()

    def cancel_waiting(self) -> None:
        """Cancel everybody in ``wait_ready``: there will be no further start."""
        self._first.cancel()

    async def run(self) -> None:
        """Run until the last run ended. Cancelling cancels the present run."""
        try:
            await self._run()
        except Exception as error:  # a programming error, which must not leave ``wait_ready`` waiting
            if self._first.done():
                raise
            self._first.set_exception(error)
        finally:
            self._first.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        first_start_until = loop.time() + self._first_start_s
        while not self._stopped.is_set():
            self.starts += 1
            self.ready = self._useful = False
            try:
                await self._run_once()
                raise AssertionError("run_once ends by PeerGone")
            except PeerGone as gone:
                run = Run(gone, self.ready, self._useful, loop.time())
            finally:
                self.ready = False
            if self._stopped.is_set():
                return
            if not self._first.done() and (run.reason.permanent or run.ended_at >= first_start_until):
                self._first.set_exception(StartFailed(self.name, str(run.reason)))
                return
            delay_s = self._policy(run)
            self._on_end(self.name, run, delay_s)
            if delay_s is None:
                self.given_up = True
                return
            try:
                async with asyncio.timeout(delay_s):
                    await self._stopped.wait()
            except TimeoutError:
                continue
