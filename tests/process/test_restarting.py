"""A child of the supervisor, killed: it comes back, and is given up when it dies too often."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.process.link import ChildLink
from ivr.process.restarting import KeptProcess, StartFailed
from ivr.service.config.settings import Settings
from ivr.service.workers.control import pack
from ivr.service.workers.workers import Restarts, WorkerOptions


def engine_host(socket: Path, on_gone: Callable[[], None] = lambda: None, **options: float) -> KeptProcess:
    """The real engine host: small, and quick to start."""

    def link() -> ChildLink:
        first = {"op": "host", "socket": str(socket)}
        return ChildLink(
            first, pack(Settings()), title="ivr engine host", main="ivr.service.workers.engine_host"
        )

    settings = WorkerOptions(**{"restart_backoff_s": 0.01, **options})  # type: ignore[arg-type]
    return KeptProcess("engine host", link, Restarts(settings), on_gone=on_gone)


async def ready_again(kept: KeptProcess, socket: Path, starts: int) -> None:
    async with asyncio.timeout(15):
        while kept.starts < starts or not socket.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)


async def test_a_killed_process_comes_back_until_it_dies_too_often(tmp_path: Path) -> None:
    socket = tmp_path / "engines"
    kept = engine_host(socket, restart_limit=1)
    running = asyncio.create_task(kept.run())
    await kept.ready()
    first = kept.pid
    assert first is not None
    socket.unlink()
    os.kill(first, signal.SIGKILL)
    await ready_again(kept, socket, 2)
    assert kept.pid not in (None, first)
    os.kill(kept.pid or 0, signal.SIGKILL)
    async with asyncio.timeout(10):
        await running
    assert kept.given_up and kept.starts == 2


async def test_a_death_by_cancelling_is_told_like_any_other(tmp_path: Path) -> None:
    alive: list[bool] = []
    kept = engine_host(tmp_path / "engines", lambda: alive.append(kept.pid is not None))
    running = asyncio.create_task(kept.run())
    await kept.ready()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert alive == [False], "once, and after its end"


async def test_a_start_that_fails_says_why_and_is_not_repeated(tmp_path: Path) -> None:
    kept = engine_host(tmp_path / "no such folder" / "engines")
    running = asyncio.create_task(kept.run())
    with pytest.raises(StartFailed, match=r"engine host: .*no such folder"):
        await kept.ready()
    await running
    assert kept.starts == 1


async def test_terminal_signals_do_not_reach_it_and_letting_go_ends_it(tmp_path: Path) -> None:
    kept = engine_host(tmp_path / "engines")
    running = asyncio.create_task(kept.run())
    await kept.ready()
    assert kept.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(kept.pid, number)
    await asyncio.sleep(0.2)
    assert kept.starts == 1 and not running.done()
    kept.let_go()
    kept.send({"op": "stop"})
    async with asyncio.timeout(5):
        await running
    assert kept.starts == 1 and not kept.given_up
