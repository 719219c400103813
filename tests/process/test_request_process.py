"""The process of a local engine: real processes, killed, hung and orphaned."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from ivr.process.request_process import RequestProcess
from ivr.process.requests import ProcessLost, ProcessOptions, QueueFull, RequestFailed, RequestTimeout
from tests.process.handlers import BROKEN, FLAKY, TOY

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def running(
    target: str = TOY, arguments: dict[str, str] | None = None, **options: float
) -> AsyncIterator[RequestProcess]:
    settings = ProcessOptions(**{"timeout_s": 5.0, **options})  # type: ignore[arg-type]
    engine = RequestProcess("toy", target, arguments or {}, settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.aclose()


def alive(pid: int) -> bool:
    """A process that is neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(pid: int, within_s: float = 3.0) -> bool:
    deadline = time.monotonic() + within_s
    while alive(pid) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return not alive(pid)


async def until(engine: RequestProcess, queued: int) -> None:
    """Wait until one request is in hand and ``queued`` more wait."""
    while engine._current is None or len(engine._queue) != queued:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


async def pid_after(engine: RequestProcess, old: int | None) -> int:
    while engine.pid in (None, old):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert engine.pid is not None
    return engine.pid


async def test_a_request_reaches_the_engine_and_its_result_comes_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with running(arguments={"greeting": "good day"}) as engine:
        payload = bytes(range(256)) * 2000
        result = await engine.call({"do": "echo"}, payload)
        assert result["greeting"] == "good day"
        assert (result["size"], result["sum"]) == (len(payload), sum(payload))
        assert result["pid"] == engine.pid != os.getpid()
    printed = capfd.readouterr()
    assert "prints while it loads" not in printed.out  # it would disturb a service that answers on stdout
    assert "prints while it loads" in printed.err


async def test_the_process_has_its_niceness_its_threads_and_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    async with running(niceness=7, threads=3) as engine:
        result = await engine.call({"do": "echo"})
    assert result["nice"] == min(19, os.nice(0) + 7)
    assert result["omp"] == "3"
    assert result["keys"] == []


async def test_pieces_are_streamed_in_order_while_they_are_made() -> None:
    async with running() as engine:
        began = time.monotonic()
        numbers, first = [], 0.0
        async for piece in engine.stream({"do": "count", "to": 20, "pause": 0.02}):
            first = first or time.monotonic() - began
            numbers.append(int.from_bytes(piece, "little"))
        assert numbers == list(range(20))
        assert first < (time.monotonic() - began) / 2  # they did not come together at the end


async def test_an_exception_fails_one_request_and_the_process_goes_on() -> None:
    async with running() as engine:
        pid = engine.pid
        with pytest.raises(RequestFailed, match="toy: ValueError: not this one"):
            await engine.call({"do": "raise"})
        assert (await engine.call({"do": "echo"}))["pid"] == pid


async def test_kill_9_fails_only_the_request_in_work() -> None:
    async with running() as engine:
        old = engine.pid
        assert old
        first = asyncio.create_task(engine.call({"do": "work", "seconds": 30}))
        others = [asyncio.create_task(engine.call({"do": "echo", "name": str(n)})) for n in range(3)]
        await until(engine, queued=3)
        os.kill(old, signal.SIGKILL)
        with pytest.raises(RequestFailed, match="ended by signal 9"):
            await first
        results = await asyncio.gather(*others)
        assert {result["pid"] for result in results} == {engine.pid}
        assert engine.pid != old
        assert engine.restarts == 1
        assert results[-1]["done"] == ["echo 0", "echo 1", "echo 2"]


async def test_a_process_without_memory_ends_and_its_request_can_be_made_again() -> None:
    async with running() as engine:
        before = engine.pid
        with pytest.raises(ProcessLost, match="exit code 71"):
            await engine.call({"do": "allocate"})
        assert (await engine.call({"do": "echo"}))["pid"] == engine.pid != before


async def test_kill_9_while_idle_brings_a_new_process() -> None:
    async with running() as engine:
        old = engine.pid
        assert old
        os.kill(old, signal.SIGKILL)
        new = await pid_after(engine, old)
        assert (await engine.call({"do": "echo"}))["pid"] == new


async def test_a_crash_while_streaming_gives_what_was_made_and_then_the_error() -> None:
    async with running() as engine:
        numbers = []
        with pytest.raises(RequestFailed, match="signal 9"):
            async for piece in engine.stream({"do": "count", "to": 1000, "pause": 0.01}):
                numbers.append(int.from_bytes(piece, "little"))
                if len(numbers) == 5:
                    assert engine.pid
                    os.kill(engine.pid, signal.SIGKILL)
        assert numbers[:5] == [0, 1, 2, 3, 4]
        assert numbers == list(range(len(numbers)))


async def test_a_stuck_process_is_killed_and_the_next_request_served() -> None:
    async with running(timeout_s=1.0) as engine:
        old = engine.pid
        assert old
        began = time.monotonic()
        with pytest.raises(RequestTimeout, match="no answer within"):
            await engine.call({"do": "hang"})
        assert 0.9 < time.monotonic() - began < 1.5
        assert await gone(old)
        await pid_after(engine, old)
        assert (await engine.call({"do": "echo"}))["greeting"] == "hello"


async def test_the_limit_is_for_progress_not_for_the_whole() -> None:
    async with running(timeout_s=0.5) as engine:
        pieces = [p async for p in engine.stream({"do": "count", "to": 8, "pause": 0.1})]
        assert len(pieces) == 8
        assert engine.restarts == 0


async def test_a_request_that_gets_no_turn_times_out_and_is_never_run() -> None:
    async with running(timeout_s=0.5) as engine:
        async with aclosing(engine.stream({"do": "count", "to": 12, "pause": 0.1})) as busy:
            await anext(busy)
            with pytest.raises(RequestTimeout, match="no turn within"):
                await engine.call({"do": "echo", "name": "late"})
            assert len([p async for p in busy]) == 11
        assert "echo late" not in (await engine.call({"do": "echo"}))["done"]
        assert engine.restarts == 0


async def test_a_full_queue_refuses_at_once() -> None:
    async with running(queue_size=2) as engine:
        tasks = [asyncio.create_task(engine.call({"do": "work", "seconds": 0.2}))]
        await until(engine, queued=0)
        tasks += [asyncio.create_task(engine.call({"do": "echo"})) for _ in range(2)]
        await until(engine, queued=2)
        with pytest.raises(QueueFull, match="2 requests are waiting"):
            await engine.call({"do": "echo"})
        assert len(await asyncio.gather(*tasks)) == 3


async def test_a_cancelled_request_in_the_queue_is_never_done() -> None:
    async with running() as engine:
        busy = asyncio.create_task(engine.call({"do": "work", "seconds": 0.1}))
        await until(engine, queued=0)
        unwanted = asyncio.create_task(engine.call({"do": "echo", "name": "unwanted"}))
        wanted = asyncio.create_task(engine.call({"do": "echo", "name": "wanted"}))
        await until(engine, queued=2)
        unwanted.cancel()
        await asyncio.wait({unwanted})
        await busy
        assert (await wanted)["done"] == ["work", "echo wanted"]


async def test_closing_a_stream_stops_the_engine_and_frees_it_for_the_next() -> None:
    async with running() as engine:
        async with aclosing(engine.stream({"do": "count", "to": 1000, "pause": 0.01})) as pieces:
            await anext(pieces)
        began = time.monotonic()
        await engine.call({"do": "echo"})
        assert time.monotonic() - began < 1.0  # all thousand would have taken ten
        assert engine.restarts == 0


async def test_a_cancelled_request_in_work_is_abandoned() -> None:
    async with running() as engine:
        task = asyncio.create_task(engine.call({"do": "work", "seconds": 0.2}))
        await until(engine, queued=0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await engine.call({"do": "echo"}))["done"] == ["work", "echo"]
        assert engine.restarts == 0


async def test_a_model_that_does_not_load_is_an_error_of_start() -> None:
    engine = RequestProcess("toy", BROKEN, {})
    for _ in range(2):
        with pytest.raises(RequestFailed, match="RuntimeError: the model is a potato"):
            await engine.start()
    assert engine.pid is None
    with pytest.raises(RequestFailed, match="not been started"):
        await engine.call({"do": "echo"})
    await engine.aclose()


async def test_a_model_that_loads_too_slowly_is_an_error_of_start() -> None:
    engine = RequestProcess("toy", TOY, {}, ProcessOptions(start_timeout_s=0.001))
    with pytest.raises(RequestFailed, match="did not load within"):
        await engine.start()
    await engine.aclose()


async def test_when_it_cannot_come_back_requests_fail_at_once_until_it_can(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.touch()
    async with running(FLAKY, {"path": str(model)}, backoff_s=0.05, backoff_max_s=0.1) as engine:
        await engine.call({"do": "echo"})
        model.unlink()
        waiting = asyncio.create_task(engine.call({"do": "work", "seconds": 30}))
        queued = asyncio.create_task(engine.call({"do": "echo"}))
        await until(engine, queued=1)
        assert engine.pid
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(RequestFailed, match="signal 9"):
            await waiting
        with pytest.raises(RequestFailed, match="the model is gone"):
            await queued
        with pytest.raises(RequestFailed, match="not running"):
            await engine.call({"do": "echo"})
        model.touch()
        async with asyncio.timeout(5):
            while True:
                try:
                    await engine.call({"do": "echo"})
                    break
                except RequestFailed:
                    await asyncio.sleep(0.02)


async def test_a_request_that_always_crashes_makes_the_pauses_longer() -> None:
    async with running(backoff_s=0.2) as engine:
        for _ in range(2):
            with pytest.raises(RequestFailed, match="exit code 3"):
                await engine.call({"do": "crash"})
        began = time.monotonic()
        with pytest.raises(RequestFailed, match="exit code 3"):
            await engine.call({"do": "crash"})
        # A crash follows good work, or not: the first restart was at once, this one came after a pause.
        assert time.monotonic() - began >= 0.2
        assert engine.restarts == 2


async def test_close_ends_the_process_and_what_waits() -> None:
    async with running() as engine:
        pid = engine.pid
        assert pid
        tasks = [asyncio.create_task(engine.call({"do": "work", "seconds": 30})) for _ in range(2)]
        await until(engine, queued=1)
        await engine.aclose()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, RequestFailed)
        assert not alive(pid)
        with pytest.raises(RequestFailed, match="closed"):
            await engine.call({"do": "echo"})


async def test_ctrl_c_and_sigterm_leave_the_process_to_its_parent() -> None:
    async with running() as engine:
        assert engine.pid
        work = asyncio.create_task(engine.call({"do": "work", "seconds": 0.2}))
        await until(engine, queued=0)
        os.kill(engine.pid, signal.SIGINT)
        os.kill(engine.pid, signal.SIGTERM)
        assert (await work)["pid"] == engine.pid
        # The terminal sends Ctrl-C to a whole group: the child is not in ours, but in our session, where
        # niceness has its effect under autogroup scheduling.
        assert os.getpgid(engine.pid) != os.getpgid(0)
        assert os.getsid(engine.pid) == os.getsid(0)


PARENT = """
import asyncio, sys
from ivr.process.request_process import RequestProcess
from tests.process.handlers import TOY

async def main():
    engine = RequestProcess("toy", TOY, {})
    await engine.start()
    work = asyncio.create_task(engine.call({"do": sys.argv[1], "seconds": 60}))
    while engine._current is None:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.1)
    print('child', engine.pid, flush=True)
    await work

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("sign", "doing"),
    [(signal.SIGKILL, "hang"), (signal.SIGKILL, "work"), (signal.SIGTERM, "hang"), (signal.SIGINT, "work")],
)
async def test_no_process_is_left_however_the_parent_dies(sign: signal.Signals, doing: str) -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, doing),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert parent.stdout is not None
    said = b""
    while not (line := await parent.stdout.readline()).startswith(b"child "):
        said += line
        assert line, f"the parent ended early:\n{said.decode()}"
    child = int(line.split()[1])
    assert alive(child)
    parent.send_signal(sign)
    await asyncio.wait_for(parent.communicate(), 10)
    assert await gone(child)


async def test_a_script_without_a_main_guard_runs_once(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\nprint('script runs')\n"
        "from ivr.process.request_process import RequestProcess\nfrom tests.process.handlers import TOY\n"
        "async def main():\n    engine = RequestProcess('toy', TOY, {})\n    await engine.start()\n"
        "    print((await engine.call({'do': 'echo'}))['greeting'])\n    await engine.aclose()\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    out, _ = await process.communicate()
    lines = [line for line in out.decode().splitlines() if "process_ready" not in line]
    assert lines == ["script runs", "hello"]
