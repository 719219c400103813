"""Helpers for tasks of the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any


def on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object]) -> Callable[..., None]:
    """Return what another thread calls to run ``function`` on ``loop``; nothing once the loop is closed."""

    def call(*args: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, *args)

    return call


async def first_completed(*waits: Coroutine[Any, Any, Any], timeout_s: float | None = None) -> int | None:
    """Run all until one completes, then cancel the others and wait for them.

    Returns the index of that one, the lowest if it is several; None after ``timeout_s`` seconds. Raises what
    that one raised.
    """
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        first = next((index for index, task in enumerate(tasks) if task.done()), None)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if first is not None:
        tasks[first].result()
    return first


@contextlib.asynccontextmanager
async def background_tasks(*work: Coroutine[Any, Any, Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Run all while the block lasts; at its end those that still run are cancelled and waited for. What one
    raises stays in its task.
    """
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
