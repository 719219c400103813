"""Background tasks with an owner: none is lost, none fails in silence, none outlives the owner."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import structlog

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class TaskSupervisor:
    """Starts asyncio tasks and keeps them until they end; ``aclose`` cancels and awaits those that remain.

    A task that raises is logged as ``background_task_failed`` with its name; the owner and the other tasks
    continue. Belongs to one event loop.
    """

    def __init__(self, log: Any = log) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def running(self) -> int:
        """Number of tasks that have not ended."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, _T], name: str, *, awaited: bool = False) -> "asyncio.Task[_T]":
        """Run ``work`` as a task called ``name``. ``awaited``: another task awaits the result and handles its
        exception, so that it is not logged here.
        """
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended_awaited if awaited else self._ended)
        return task

    async def aclose(self) -> None:
        """Cancel all tasks and wait until they have ended. Tasks can be started again afterwards."""
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended_awaited(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("background_task_failed", task=task.get_name(), exc_info=error)


@contextlib.asynccontextmanager
async def child_task(work: Coroutine[Any, Any, _T], name: str) -> "AsyncIterator[asyncio.Task[_T]]":
    """Run ``work`` as a task beside the block; the end of the block cancels it and waits for its end. What it
    raises is seen by the block that awaits it, and by nobody else.
    """
    task = asyncio.get_running_loop().create_task(work, name=name)
    try:
        yield task
    finally:
        if not task.done():  # else nothing is awaited: a cancellation is not to arrive here
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        elif not task.cancelled():
            task.exception()
