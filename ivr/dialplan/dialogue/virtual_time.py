"""An event loop with virtual time: when nothing is left to do, its clock advances to the next timer.

A minute of a call takes no time, ``asyncio.sleep`` and ``asyncio.timeout`` included, and the result is the
same every time. While a thread works (``asyncio.to_thread``) the clock stops, and the loop waits for it.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")


class _Selector(selectors.DefaultSelector):
    """Lets the loop advance its clock instead of waiting."""

    jump: "Callable[[float | None], bool] | None" = None

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout <= 0:
            # Reading sockets costs a system call; the loop's own pipe alone is not worth one.
            return super().select(0) if len(self.get_map()) > 1 else []
        if self.jump is not None and self.jump(timeout):
            return super().select(0)
        return super().select(None if timeout is None else max(timeout, 0.001))


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose ``time()`` is virtual: seconds since the loop was created."""

    def __init__(self) -> None:
        self._now = 0.0
        self._threads = 0
        self._waiters: list[tuple[float | None, asyncio.Future[bool]]] = []
        selector = _Selector()
        super().__init__(selector)
        selector.jump = self._jump

    def time(self) -> float:
        return self._now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Args], _Result], *args: *_Args
    ) -> "asyncio.Future[_Result]":
        future = super().run_in_executor(executor, func, *args)
        self._threads += 1
        future.add_done_callback(self._thread_done)
        return future

    async def idle(self) -> None:
        """Return when everything that can happen at this time has happened."""
        await self._wait(None)

    async def advance(self) -> bool:
        """Return when the clock has advanced and everything that can happen then has happened. False when
        nothing will happen without something from outside.
        """
        return await self._wait(self._now)

    def _wait(self, after: float | None) -> "asyncio.Future[bool]":
        future: asyncio.Future[bool] = self.create_future()
        self._waiters.append((after, future))
        return future

    def _thread_done(self, _: object) -> None:
        self._threads -= 1

    def _jump(self, timeout: float | None) -> bool:
        """Advance the clock, because nothing is ready. Returns whether something is ready now; False when
        only something from outside can change that.
        """
        if self._threads:
            return False
        if self._waiters:
            due = [future for after, future in self._waiters if after is None or after < self._now]
            if not due and timeout is None:
                due = [future for _, future in self._waiters]
                stuck = True
            else:
                stuck = False
            if due:
                self._waiters = [waiter for waiter in self._waiters if waiter[1] not in due]
                for future in due:
                    if not future.done():
                        future.set_result(not stuck)
                return True
        if timeout is None:
            return False
        self._now += timeout
        return True
