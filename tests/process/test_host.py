"""The engine host and its clients: real sockets, real engine processes, a host killed in mid-request."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from ivr.process import host_client
from ivr.process.host import ProcessHost
from ivr.process.host_client import HostedProcess, request_client
from ivr.process.request_process import RequestProcess
from ivr.process.requests import ProcessOptions, RequestFailed, RequestTimeout
from tests.process.handlers import BROKEN, TOY

ROOT = Path(__file__).resolve().parents[2]

HOST = """
import asyncio, sys
from pathlib import Path
from ivr.process.host import ProcessHost

async def main():
    await ProcessHost(Path(sys.argv[1])).open()
    await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def hosting(path: Path) -> AsyncIterator[ProcessHost]:
    host = ProcessHost(path)
    await host.open()
    try:
        yield host
    finally:
        await host.aclose()


def client(path: Path, target: str = TOY, **options: float) -> HostedProcess:
    settings = ProcessOptions(host=path, **{"timeout_s": 5.0, **options})  # type: ignore[arg-type]
    return HostedProcess("toy", target, {}, settings, host=path)


def start_host(path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", HOST, str(path)], cwd=ROOT)


def engine_of(host: ProcessHost) -> RequestProcess:
    (engine,) = host._processes.values()
    return engine


async def until(host: ProcessHost, queued: int) -> None:
    """Wait until one request is in hand and ``queued`` more wait."""
    engine = engine_of(host)
    while engine._current is None or len(engine._queue) != queued:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_the_options_say_where_an_engine_runs(tmp_path: Path) -> None:
    assert isinstance(request_client("toy", TOY, {}, ProcessOptions()), RequestProcess)
    shared = request_client("toy", TOY, {}, ProcessOptions(host=tmp_path / "engines"))
    assert isinstance(shared, HostedProcess)


async def test_two_clients_use_one_process(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines") as host:
        one, other = client(tmp_path / "engines"), client(tmp_path / "engines")
        await asyncio.gather(one.start(), other.start())
        payload = bytes(range(256)) * 2000
        results = await asyncio.gather(one.call({"do": "echo"}, payload), other.call({"do": "echo"}, b"ab"))
        assert results[0]["pid"] == results[1]["pid"] == engine_of(host).pid == one.pid
        assert (results[0]["size"], results[0]["sum"]) == (len(payload), sum(payload))
        assert max(len(result["done"]) for result in results) == 2
        await one.aclose()
        assert (await other.call({"do": "echo"}))["pid"] == other.pid
        with pytest.raises(RequestFailed, match="has been closed"):
            await one.call({"do": "echo"})
        await other.aclose()


async def test_the_socket_is_for_this_user_only(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines"):
        assert (tmp_path / "engines").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "engines").exists()


async def test_pieces_come_as_they_are_made(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines"):
        engine = client(tmp_path / "engines")
        await engine.start()
        loop = asyncio.get_running_loop()
        times, pieces = [], []
        async for piece in engine.stream({"do": "count", "to": 5, "width": 500, "pause": 0.05}):
            times.append(loop.time())
            pieces.append(piece)
        assert pieces == [number.to_bytes(2, "little") * 500 for number in range(5)]
        assert times[-1] - times[0] > 0.15, "not all at the end"
        await engine.aclose()


async def test_an_abandoned_stream_frees_the_engine(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines"):
        engine = client(tmp_path / "engines")
        await engine.start()
        began = asyncio.get_running_loop().time()
        async with aclosing(engine.stream({"do": "count", "to": 1000, "pause": 0.02})) as pieces:
            async for _ in pieces:
                break
        assert (await engine.call({"do": "echo"}))["greeting"] == "hello"
        assert asyncio.get_running_loop().time() - began < 5, "1000 pieces would take 20 s"
        await engine.aclose()


async def test_the_requests_of_a_client_that_disconnects_are_abandoned(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines") as host:
        going, staying = client(tmp_path / "engines"), client(tmp_path / "engines")
        await going.start()
        await staying.start()
        asked = [asyncio.create_task(going.call({"do": "work", "seconds": 0.5, "name": n})) for n in "abc"]
        await until(host, 2)
        await going.aclose()
        failures = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(failure, RequestFailed) for failure in failures)
        assert (await staying.call({"do": "echo"}))["done"] == ["work a", "echo"]
        await staying.aclose()


async def test_errors_keep_their_kind(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines"):
        engine = client(tmp_path / "engines")
        await engine.start()
        with pytest.raises(RequestFailed, match=r"^toy: ValueError: not this one$"):
            await engine.call({"do": "raise"})
        with pytest.raises(RequestTimeout):
            await engine.call({"do": "hang"}, within_s=0.3)
        with pytest.raises(RequestFailed, match="exit code 3"):
            while True:  # until the engine is back to crash
                await asyncio.sleep(0.05)
                try:
                    await engine.call({"do": "crash"}, within_s=0.3)
                except RequestTimeout:
                    continue
        await engine.aclose()


async def test_an_engine_that_does_not_load_fails_the_start(tmp_path: Path) -> None:
    async with hosting(tmp_path / "engines"):
        engine = client(tmp_path / "engines", BROKEN)
        for _ in range(2):
            with pytest.raises(RequestFailed, match="the model is a potato"):
                await engine.start()
        await engine.aclose()


async def test_no_host_fails_the_start_in_time(tmp_path: Path) -> None:
    engine = client(tmp_path / "none", start_timeout_s=0.2)
    with pytest.raises(RequestFailed, match="no engine host"):
        await engine.start()
    await engine.aclose()


async def test_a_killed_host_fails_the_requests_in_work_and_a_new_one_is_found(tmp_path: Path) -> None:
    path = tmp_path / "engines"
    first = start_host(path)
    engine = client(path)
    try:
        await engine.start()
        old = engine.pid
        asked = asyncio.create_task(engine.call({"do": "work", "seconds": 30}))
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        first.kill()
        with pytest.raises(RequestFailed, match="closed the connection"):
            await asked
        with pytest.raises(RequestFailed, match="not running"):
            await engine.call({"do": "echo"})
        assert asyncio.get_running_loop().time() - began < 0.5
    finally:
        first.kill()
        first.wait()
    second = start_host(path)
    try:
        async with asyncio.timeout(20):
            while engine.pid == old:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert (await engine.call({"do": "echo"}))["pid"] == engine.pid
        await engine.aclose()
    finally:
        second.kill()
        second.wait()


async def test_a_connection_to_an_unresponsive_host_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_client, "PING_S", 0.1)
    monkeypatch.setattr(host_client, "UNRESPONSIVE_S", 0.3)
    path = tmp_path / "engines"
    host = start_host(path)
    engine = client(path)
    try:
        await engine.start()
        await asyncio.sleep(0.5)
        assert (await engine.call({"do": "echo"}))["greeting"] == "hello", "a quiet host is not a dead one"
        host.send_signal(signal.SIGSTOP)
        with pytest.raises(RequestFailed, match="no response for"):
            await engine.call({"do": "echo"})
    finally:
        host.kill()
        host.wait()
        await engine.aclose()
