"""A back end that runs beside a service under test: a thread with a loop of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.dialplan.backend import Backend


@contextmanager
def running_backend() -> Iterator[Backend]:
    """``answers`` may be set from the test's thread, ``paths`` and ``json`` read."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def made() -> Backend:
        return Backend()

    backend = asyncio.run_coroutine_threadsafe(made(), loop).result(10)
    asyncio.run_coroutine_threadsafe(backend.__aenter__(), loop).result(10)
    try:
        yield backend
    finally:
        asyncio.run_coroutine_threadsafe(backend.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
