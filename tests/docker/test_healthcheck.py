"""The image's health check, run as the image runs it."""

import subprocess
import sys
from pathlib import Path

from tests.caller import UserAgent
from tests.caller.message import Message
from tests.e2e.services import Services
from tests.ports import free_port

SCRIPT = Path(__file__).parents[2] / "docker" / "healthcheck.py"


def check(*arguments: str, bind: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-S", str(SCRIPT), *arguments]
    env = {"IVR_SIP__BIND": bind} if bind else {}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=20, check=False)


def test_a_service_that_runs_is_well(services: Services) -> None:
    service = services.get("main")
    ran = check(f"127.0.0.1:{service.port}", "--accepting")
    assert ran.returncode == 0 and ": 200 " in ran.stdout
    # The image gives no address: the one that the service is bound to.
    assert check(bind=f"0.0.0.0:{service.port}").returncode == 0


def test_nobody_there_is_not_well() -> None:
    ran = check(f"127.0.0.1:{free_port()}", "--timeout", "0.3")
    assert ran.returncode == 1 and "no answer" in ran.stderr
    assert check("no-such-host.invalid:5060", "--timeout", "0.3").returncode == 1


def test_full_is_well_but_not_accepting() -> None:
    with UserAgent() as ua:

        def full(request: Message) -> bool:
            ua.reply(request, 503, "Service Unavailable", [("Retry-After", "10")])
            return True

        ua.on_request = full
        address = f"127.0.0.1:{ua.port}"
        assert check(address).returncode == 0
        ran = check(address, "--accepting")
        assert ran.returncode == 1 and ": 503 " in ran.stdout


def test_an_error_is_not_well_and_a_lost_answer_is_asked_for_again() -> None:
    with UserAgent() as ua:
        seen = []

        def second_time(request: Message) -> bool:
            seen.append(request)
            if len(seen) > 1:
                ua.reply(request, 500, "Server Internal Error")
            return True

        ua.on_request = second_time
        assert check(f"127.0.0.1:{ua.port}").returncode == 1
        assert len(seen) == 2 and seen[0].branch == seen[1].branch
