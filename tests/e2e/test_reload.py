"""SIGHUP to a service that is one process: the plans are read again, and nobody is cut off."""

import shutil
import signal
import time
from pathlib import Path

from tests.caller import UserAgent, measure
from tests.e2e.running import Service
from tests.e2e.services import Services

PLAN = """
dialplan: 1
name: {name}
start: prompt
steps:
  prompt:
    - play: continuous.wav
    - say: {text}
    - hangup:
"""


def test_plans_are_read_again_and_one_with_a_mistake_is_refused(services: Services, tmp_path: Path) -> None:
    shutil.copy(services.plan("test").with_name("continuous.wav"), tmp_path)
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN.format(name="before", text="This was written before."))
    with UserAgent() as caller, Service([plan]) as service:
        running = caller.call(service.address)
        running.media.wait_loud(5)
        since = time.time()
        plan.write_text("[")
        service.signal(signal.SIGHUP)
        refused = service.wait_event("plans_refused", 5, since)
        assert "plan.yaml:" in refused["error"] and refused["level"] == "error"
        call = caller.call(service.address)
        assert service.wait_event("call_started", call=call.call_id)["plan"] == "before"
        call.close()
        plan.write_text(PLAN.format(name="after", text="This was written after."))
        service.signal(signal.SIGHUP)
        reloaded = service.wait_event("plans_reloaded", 20, since)
        assert (reloaded["plans"], reloaded["prompts_missing"]) == (["after"], 0)
        call = caller.call(service.address)
        assert service.wait_event("call_started", call=call.call_id)["plan"] == "after"
        call.media.wait_loud(5)
        call.close()
        assert running.state == "up" and measure.flow(running.media.since(since)).lost == 0
        running.close()
        service.signal()
        assert service.wait(10) == 0
