"""SIGHUP to a service that is one process: plans and settings are read again, and nobody is cut off."""

import shutil
import signal
import time
from pathlib import Path

from tests.caller import UserAgent, measure
from tests.e2e.running import Service
from tests.e2e.services import RELOADED_PLAN, Services


def test_plans_are_read_again_and_one_with_a_mistake_is_refused(services: Services, tmp_path: Path) -> None:
    shutil.copy(services.plan("test").with_name("continuous.wav"), tmp_path)
    plan = tmp_path / "plan.yaml"
    plan.write_text(RELOADED_PLAN.format(name="before", text="This was written before."))
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
        plan.write_text(RELOADED_PLAN.format(name="after", text="This was written after."))
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


def test_settings_are_read_again_and_a_file_with_a_mistake_changes_nothing(
    services: Services, tmp_path: Path
) -> None:
    shutil.copy(services.plan("test").with_name("continuous.wav"), tmp_path)
    plan, config = tmp_path / "plan.yaml", tmp_path / "ivr.toml"
    plan.write_text(RELOADED_PLAN.format(name="line", text="Goodbye."))

    def interrupted_by_a_key(caller: UserAgent, service: Service) -> bool:
        call = caller.call(service.address)
        call.media.wait_loud(5)
        since = time.time()
        call.media.press("1")
        service.wait_event("turn_taking", 5, since, stage="dtmf")
        call.close()
        service.wait_event("call_ended", 5, since)
        return bool(service.find("barge_in", since))

    def reload(service: Service, text: str) -> float:
        config.write_text(text)
        since = time.time()
        service.signal(signal.SIGHUP)
        return since

    config.write_text("")
    with UserAgent() as caller, Service([plan], "--config", str(config)) as service:
        assert interrupted_by_a_key(caller, service)
        since = reload(service, '[session.barge_in]\nbarge_in = "none"\n[sip]\nretry_after_s = 7\n')
        waiting = service.wait_event("settings_need_restart", 20, since)
        assert waiting["settings"] == ["sip.retry_after_s"] and waiting["level"] == "warning"
        assert service.wait_event("settings_reloaded", 5, since)["settings"] == ["session.barge_in.barge_in"]
        assert not interrupted_by_a_key(caller, service)
        since = reload(service, '[session.barge_in]\nbarge_in = "any"\n[sip]\nretry_afer_s = 7\n')
        refused = service.wait_event("settings_refused", 20, since)
        assert refused["error"].startswith(f"{config}:4: sip.retry_afer_s is not a setting; did you mean")
        assert not interrupted_by_a_key(caller, service), "the settings before go on"
        service.signal()
        assert service.wait(10) == 0
