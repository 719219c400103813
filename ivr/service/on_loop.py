"""From another thread to the event loop."""

import asyncio
from collections.abc import Callable


def on_loop(loop: asyncio.AbstractEventLoop, function: Callable[..., object]) -> Callable[..., None]:
    """``function``, to be called from another thread, run on ``loop``; nothing once the loop is closed."""

    def call(*args: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(function, *args)

    return call
