"""Every scenario of this folder against the real service."""

import json
import shutil
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.caller import UserAgent
from tests.caller.sounds import silence
from tests.e2e.running import Service
from tests.e2e.services import Services
from tests.ports import free_port
from tests.sipp.capture import write_key

HERE = Path(__file__).parent
SCENARIOS = sorted(path.stem for path in HERE.glob("*.xml"))


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, services: Services, tmp_path: Path) -> None:
    expected = tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
    if expected.get("raw_socket") and not may_open_raw_socket():
        pytest.skip("SIPp needs a raw socket for this one, and may not open it (run as root)")
    call_id = f"{name}-{time.time_ns()}"
    began = time.time()
    with ExitStack() as stack:
        if expected.get("registrar"):
            port = free_port()
            sipp = stack.enter_context(running_sipp(name, port, call_id, tmp_path, expected))
            account = {"registrar": f"127.0.0.1:{port}", "user": "ivr", "password": "s3cret", "retry_s": 1}
            env = {"IVR_SIP__REGISTRATIONS": json.dumps([account])}
            service = stack.enter_context(services.start("main", env))
            match: dict[str, Any] = {}
        else:
            service = services.get(expected.get("service", "main"))
            others = stack.enter_context(busy(service, expected.get("occupied", 0)))
            sipp = stack.enter_context(running_sipp(name, free_port(), call_id, tmp_path, expected, service))
            match = {"call": call_id}
        code = sipp.wait(40)
        assert code == 0, f"{expected['what']}: SIPp says no ({code})\n{evidence(tmp_path)}\n{service.tail()}"
        for line in expected.get("log", ()):
            check_line(service, dict(line), match, began)
        if not expected.get("registrar"):
            assert others.still_up(), "another call was lost"
        with UserAgent() as probe:
            assert probe.options(service.address).status == (503 if expected.get("occupied") else 200)
        assert not service.complaints(began), service.tail()


def check_line(service: Service, line: dict[str, Any], match: dict[str, Any], since: float) -> None:
    count, event = line.pop("count", None), line.pop("event")
    wanted = {**line, **match}
    if count != 0:
        service.wait_until(
            lambda: len(service.find(event, since, **wanted)) >= (count or 1), 5, f"log line {event} {wanted}"
        )
    if count is not None:
        assert len(service.find(event, since, **wanted)) == count, service.tail()


class Busy:
    """Calls that occupy the service."""

    def __init__(self, ua: UserAgent, service: Service, count: int) -> None:
        self.calls = [ua.call(service.address) for _ in range(count)]
        for call in self.calls:
            call.media.play(silence(0.1))

    def still_up(self) -> bool:
        return all(call.state == "up" for call in self.calls)


@contextmanager
def busy(service: Service, count: int) -> Iterator[Busy]:
    with UserAgent(user="busy") as ua:
        yield Busy(ua, service, count)


@contextmanager
def running_sipp(
    name: str,
    port: int,
    call_id: str,
    folder: Path,
    expected: dict[str, Any],
    service: Service | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """SIPp with one call of a scenario; as a server when no service is given."""
    program = shutil.which("sipp")
    assert program, "SIPp is not installed (Debian: sip-tester)"
    write_key(folder / "key_2.pcap", "2")
    command = [
        program,
        "-sf",
        str(HERE / f"{name}.xml"),
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-m",
        "1",
        "-l",
        "1",
    ]
    command += ["-mi", "127.0.0.1", "-mp", str(free_port()), "-cid_str", call_id, "-nostdin"]
    command += ["-timeout", "30", "-timeout_error", "-recv_timeout", "9000"]
    command += ["-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log"]
    command += expected.get("args", [])
    if service is not None:
        command.append(f"127.0.0.1:{service.port}")
    with (folder / "screen.log").open("wb") as screen:
        process = subprocess.Popen(command, cwd=folder, stdout=screen, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def evidence(folder: Path) -> str:
    """What SIPp saw and what it complained about."""
    texts = []
    for file in ("errors.log", "messages.log"):
        path = folder / file
        if path.exists():
            texts.append(path.read_text(encoding="utf-8", errors="replace")[-6000:])
    return "\n".join(texts)


def may_open_raw_socket() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP).close()
    except PermissionError:
        return False
    return True


def test_every_scenario_has_its_expectation() -> None:
    assert SCENARIOS and sorted(p.stem for p in HERE.glob("*.toml")) == SCENARIOS
