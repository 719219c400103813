"""Background tasks with an owner: none is lost, none fails in silence, none outlives the owner.

``tests/test_tasks.py`` checks that no other module starts tasks.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
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
        """Run ``work`` as a task called ``name``. ``awaited``: whoever wants the result awaits it and handles
        its exception, so that it is not logged here.
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
        if not task.cancelled():
            task.exception()  # who awaits it may have been cancelled

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


@contextlib.asynccontextmanager
async def background_tasks(*work: Coroutine[Any, Any, Any]) -> "AsyncIterator[list[asyncio.Task[Any]]]":
    """Run all while the block lasts; at its end those that still run are cancelled and waited for. One that
    raises is logged; the block continues.
    """
    tasks = TaskSupervisor()
    try:
        yield [tasks.start(each, _name(each)) for each in work]
    finally:
        await tasks.aclose()


async def first_completed(*waits: Coroutine[Any, Any, Any], timeout_s: float | None = None) -> int | None:
    """Run all until one completes, then cancel the others and wait for them.

    Returns the index of that one, the lowest if it is several; None after ``timeout_s`` seconds. Raises what
    that one raised.
    """
    owner = TaskSupervisor()
    tasks = [owner.start(wait, _name(wait), awaited=True) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        first = next((index for index, task in enumerate(tasks) if task.done()), None)
    finally:
        await owner.aclose()
    if first is not None:
        tasks[first].result()
    return first


def _name(work: Coroutine[Any, Any, Any]) -> str:
    return str(getattr(work, "__qualname__", work))


async def run_to_end(work: Coroutine[Any, Any, None], name: str) -> None:
    """Do ``work`` to its end, also when the caller of this is cancelled meanwhile; that follows then."""
    task = TaskSupervisor().start(work, name, awaited=True)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object]) -> Callable[..., None]:
    """Return what another thread calls to run ``function`` on ``loop``; nothing once the loop is closed."""

    def call(*args: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, *args)

    return call
