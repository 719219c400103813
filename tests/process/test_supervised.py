"""A child of the supervisor, killed: it comes back, and is given up when it dies too often."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.process.child_process import ChildProcess
from ivr.process.restarts import RestartLimit, StartFailed
from ivr.process.supervised import SupervisedProcess
from ivr.service.config.settings import Settings
from ivr.service.workers.child_setup import pack


def engine_host(
    socket: Path, on_gone: Callable[[], None] = lambda: None, limit: int = 10
) -> SupervisedProcess:
    """The real engine host: small, and quick to start."""

    def make_child() -> ChildProcess:
        first = {"op": "host", "socket": str(socket)}
        return ChildProcess(
            first, pack(Settings()), title="ivr engine host", main="ivr.service.workers.engine_host"
        )

    policy = RestartLimit(first_s=0.01, max_s=30, limit=limit, window_s=600)
    return SupervisedProcess("engine host", make_child, policy, on_gone=on_gone)


async def wait_ready_again(process: SupervisedProcess, socket: Path, starts: int) -> None:
    async with asyncio.timeout(15):
        while process.starts < starts or not socket.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)


async def test_a_killed_process_comes_back_until_it_dies_too_often(tmp_path: Path) -> None:
    socket = tmp_path / "engines"
    process = engine_host(socket, limit=1)
    running = asyncio.create_task(process.run())
    await process.wait_ready()
    first = process.pid
    assert first is not None
    socket.unlink()
    os.kill(first, signal.SIGKILL)
    await wait_ready_again(process, socket, 2)
    assert process.pid not in (None, first)
    os.kill(process.pid or 0, signal.SIGKILL)
    async with asyncio.timeout(10):
        await running
    assert process.given_up and process.starts == 2


async def test_a_death_by_cancelling_is_reported_like_any_other(tmp_path: Path) -> None:
    alive: list[bool] = []
    process = engine_host(tmp_path / "engines", lambda: alive.append(process.pid is not None))
    running = asyncio.create_task(process.run())
    await process.wait_ready()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert alive == [False], "once, and after its end"


async def test_a_start_that_fails_gives_the_reason_and_is_not_repeated(tmp_path: Path) -> None:
    process = engine_host(tmp_path / "no such folder" / "engines")
    running = asyncio.create_task(process.run())
    with pytest.raises(StartFailed, match=r"engine host: .*no such folder"):
        await process.wait_ready()
    await running
    assert process.starts == 1


async def test_terminal_signals_do_not_reach_it_and_it_ends_after_the_last_run(
    tmp_path: Path,
) -> None:
    process = engine_host(tmp_path / "engines")
    running = asyncio.create_task(process.run())
    await process.wait_ready()
    assert process.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(process.pid, number)
    await asyncio.sleep(0.2)
    assert process.starts == 1 and not running.done()
    process.stop_restarting()
    process.send({"op": "stop"})
    async with asyncio.timeout(5):
        await running
    assert process.starts == 1 and not process.given_up
