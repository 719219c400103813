"""A slice of the campaign of mutated SIP: what the whole run looks for, in a few seconds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.mutate import namespace, process

MESSAGES = 10_000


@pytest.mark.campaign
@pytest.mark.parametrize(("transport", "seed"), [("udp", 1), ("tcp", 2)])
def test_mutated_messages_end_nothing(tmp_path: Path, transport: str, seed: int) -> None:
    if not namespace.possible():
        pytest.skip("needs a network namespace, so that no packet leaves")
    if transport == "tcp" and process.max_calls() < process.CARRIER_CALLS:
        pytest.skip("the stock wheel ends when more than 64 sockets are open (ivr/sip/README.md)")
    count = str(MESSAGES // 2)
    command = [sys.executable, "-m", "tests.hostile.mutate", "--seed", str(seed), "--count", count]
    command += ["--transport", transport, "--folder", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 0, (run.stdout + run.stderr)[-3000:]
    result: dict[str, Any] = json.loads(run.stdout)
    assert result["messages"] >= MESSAGES // 2 and result["starts"] == 1
    assert result["events"]["calls confirmed"] > 0
    failed = (
        "_check_failed",
        "callback_failed",
        "sip_command_failed",
        "request_not_answered",
        "not_accepted",
    )
    raised = {name: count for name, count in result["events"].items() if any(each in name for each in failed)}
    assert not raised, (tmp_path / "agent.log").read_text()[-3000:]
