"""``ivr serve --workers``: two workers and their engine host, killed, drained, reloaded; both are dialled."""

import os
import re
import resource
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.caller import Call, UserAgent, measure
from tests.e2e.running import Event, Service
from tests.e2e.services import RELOADED_PLAN, Services
from tests.timing import machine_delay

SETTINGS = {"IVR_WORKERS__RESTART_BACKOFF_S": "0.2"}


@pytest.fixture(scope="module")
def folder(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan of our own, to be changed, beside the sound it plays."""
    folder = tmp_path_factory.mktemp("workers")
    shutil.copy(services.plan("test").with_name("continuous.wav"), folder)
    write(folder, "before", "This was written before.")
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    """Two workers, shared by the tests of this file; the last of them ends it. Started as from a login shell,
    with few open files allowed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    running = Service([folder / "plan.yaml"], "--workers", "2", env=SETTINGS)
    try:
        running.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield running
    running.__exit__()


@pytest.fixture
def caller() -> Iterator[UserAgent]:
    with UserAgent() as ua:
        yield ua


def write(folder: Path, name: str, text: str) -> None:
    (folder / "plan.yaml").write_text(RELOADED_PLAN.format(name=name, text=text))


def port(service: Service, index: int) -> tuple[str, int]:
    return ("127.0.0.1", service.port + index)


def up(service: Service, index: int, since: float = 0.0) -> Event:
    """The latest start of that worker."""
    service.wait_event("worker_started", 15, since, worker=index)
    return service.find("worker_started", since, worker=index)[-1]


def processes(parent: int) -> dict[int, str]:
    """All that a process started, and what that started: id and title."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
            title = stat.with_name("cmdline").read_bytes().rstrip(b"\0").split(b"\0")[-1].decode()
        except (OSError, UnicodeDecodeError):
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found[int(stat.parent.name)] = title
            found |= processes(int(stat.parent.name))
    return found


def talking(call: Call) -> Call:
    call.media.wait_loud(5, after=call.ack_at)
    return call


def test_ready_names_every_address_and_the_banner_too(service: Service) -> None:
    ready = service.wait_event("ready")
    addresses = [f"127.0.0.1:{service.port + index}" for index in range(2)]
    assert ready["addresses"] == addresses and ready["workers"] == 2
    assert [up(service, index)["address"] for index in range(2)] == addresses
    dialled = re.findall(r"^ +sip:before@(\S+)$", "\n".join(service.other_lines), re.MULTILINE)
    assert dialled == addresses
    for index in range(2):
        assert service.find("worker_ready", worker=index)


def test_engines_are_loaded_once(service: Service) -> None:
    titles = sorted(processes(service.process.pid).values())
    assert titles == [
        "ivr engine host",
        "ivr engine ivr.speech.providers.piper.child:PiperEngine",
        "ivr engine ivr.speech.providers.smart_turn.child:SmartTurnEngine",
        "ivr engine ivr.speech.providers.whisper.child:WhisperEngine",
        "ivr worker 0",
        "ivr worker 1",
    ]
    assert len(service.find("process_ready")) == 3
    assert len(service.find("prompts_prepared")) <= 1, "by the supervisor, for all"


def test_workers_may_open_as_many_files_as_the_system_allows(service: Service) -> None:
    for index in range(2):
        soft, hard = resource.prlimit(up(service, index)["pid"], resource.RLIMIT_NOFILE)
        assert soft == hard > 512


def test_a_killed_worker_takes_its_own_calls_and_no_others(service: Service, caller: UserAgent) -> None:
    since = time.time()
    staying, lost = (talking(caller.call(port(service, index))) for index in (0, 1))
    old = up(service, 1)["pid"]
    time.sleep(0.6)
    killed = time.time()
    os.kill(old, signal.SIGKILL)
    lost.media.sending = False  # who hears nothing hangs up
    with machine_delay() as machine:
        asked = time.monotonic()
        near = caller.call(port(service, 0))
        took = time.monotonic() - asked
    assert took < 1.0 + machine.worst, "the next INVITE, at the other worker"
    near.close()
    record = service.wait_event("call_ended", 5, killed, call=lost.call_id)
    assert (record["reason"], record["worker"], record["plan"]) == ("worker_lost", 1, "before")
    assert 0.5 < record["duration_s"] < 5 and "caller@" in record["caller"]
    assert up(service, 1, killed)["pid"] != old
    again = talking(caller.call(port(service, 1)))
    time.sleep(0.3)
    packets = staying.media.since(since)
    flow = measure.flow(packets)
    assert flow.lost == 0 and flow.reordered == 0 and flow.gap_max < 0.2
    assert packets[-1].at - killed > 0.3 and all(measure.is_loud(p) for p in packets[5:])
    assert not [p for p in lost.media.packets if p.at > killed + 0.1]
    for call in (staying, again):
        call.close()
        ended = service.wait_event("call_ended", call=call.call_id)
        assert ended["reason"] == "caller"
        assert ended.keys() == record.keys(), "one set of fields, however a call ends"
        assert all(ended[name] == record[name] for name in ("plan", "direction", "transport"))
    assert len(service.find("call_ended", since)) == 4, "each call is recorded once"
    lost.ended.set()


def test_a_killed_engine_host_comes_back_and_calls_go_on(service: Service, caller: UserAgent) -> None:
    call = talking(caller.call(service.address))
    host = next(pid for pid, title in processes(service.process.pid).items() if title == "ivr engine host")
    engines = [
        pid for pid, title in processes(service.process.pid).items() if title.startswith("ivr engine ivr")
    ]
    killed = time.time()
    os.kill(host, signal.SIGKILL)
    service.wait_until(lambda: len(service.find("process_ready", killed)) == 3, 20, "all engines again")
    assert all(not Path(f"/proc/{pid}").exists() for pid in engines), "the old engines went with their host"
    flow = measure.flow(call.media.since(killed))
    assert flow.lost == 0 and flow.gap_max < 0.2, "the call did not notice"
    titles = sorted(processes(service.process.pid).values())
    assert len(titles) == len(set(titles)) == 6
    call.close()


def test_hangup_signal_reloads_and_a_bad_plan_is_refused(
    service: Service, folder: Path, caller: UserAgent
) -> None:
    running = talking(caller.call(service.address))
    since = time.time()
    write(folder, "broken", "[")
    service.signal(signal.SIGHUP)
    refused = service.wait_event("plans_refused", 5, since)
    assert "plan.yaml:" in refused["error"] and refused["level"] == "error"
    unlike = f"This was written at {since:.0f}."
    write(folder, "after", unlike)
    service.signal(signal.SIGHUP)
    assert service.wait_event("plans_reloaded", 20, since)["prompts_missing"] == 0
    changed = [service.wait_event("plans_changed", 5, since, worker=index) for index in range(2)]
    made = service.find("prompts_prepared", since)
    assert [each["made"] for each in made] == [1], "made once, before the switch"
    assert made[0]["_at"] < min(each["_at"] for each in changed)
    for index in range(2):
        call = talking(caller.call(port(service, index)))
        assert service.wait_event("call_started", call=call.call_id)["plan"] == "after"
        call.close()
    running.close()
    assert service.wait_event("call_started", call=running.call_id)["plan"] == "before"
    flow = measure.flow(running.media.since(since))
    assert flow.lost == 0, "the call in progress went on"
    # A worker that is started later has the good plan, even with a bad one on disk.
    write(folder, "broken", "[")
    killed = time.time()
    os.kill(up(service, 1)["pid"], signal.SIGKILL)
    up(service, 1, killed)
    call = talking(caller.call(port(service, 1)))
    assert service.wait_event("call_started", call=call.call_id)["plan"] == "after"
    call.close()


def test_one_worker_can_be_drained_and_another_takes_its_place(service: Service, caller: UserAgent) -> None:
    call = talking(caller.call(port(service, 1)))
    old = up(service, 1)["pid"]
    since = time.time()
    for _ in range(2):  # a service manager may repeat itself; that is no order to end calls
        os.kill(old, signal.SIGTERM)
        time.sleep(0.2)
    assert caller.dial(port(service, 1)).answered().status == 503
    assert caller.options(service.address).status == 200
    assert call.state == "up" and measure.flow(call.media.since(since)).lost == 0
    call.hangup()
    assert up(service, 1, since)["pid"] != old
    talking(caller.call(port(service, 1))).close()
    assert not service.find("call_ended", since, reason="worker_lost")


def test_all_are_drained_and_the_exit_code_is_0(service: Service, caller: UserAgent) -> None:
    known = [service.process.pid, *processes(service.process.pid)]
    calls = [talking(caller.call(port(service, index))) for index in range(2)]
    since = time.time()
    service.signal(signal.SIGTERM)
    for index in range(2):
        service.wait_event("draining", 5, since, worker=index)
        assert caller.dial(port(service, index)).answered().status == 503
    time.sleep(0.3)
    for call in calls:
        assert call.state == "up" and measure.is_loud(call.media.packets[-1])
    calls[0].hangup()
    time.sleep(0.3)
    assert service.running, "one worker has a call yet"
    calls[1].hangup()
    assert service.wait(10) == 0
    assert not [pid for pid in known if Path(f"/proc/{pid}").exists()], "nothing stays"
    assert not service.find("call_ended", since, reason="worker_lost")


def test_a_second_signal_ends_all_at_once(services: Services, caller: UserAgent) -> None:
    with services.start("main", SETTINGS, "--workers", "2") as service:
        calls = [talking(caller.call(port(service, index))) for index in range(2)]
        began = time.time()
        service.signal(signal.SIGINT)
        service.wait_event("draining", worker=1)
        service.signal(signal.SIGINT)
        assert all(call.ended.wait(3) and call.ended_by == "them" for call in calls)
        assert service.wait(8) == 0
        assert time.time() - began < 6
        assert {e["reason"] for e in service.find("call_ended")} == {"shutdown"}


def test_calls_of_a_worker_that_must_be_killed_at_the_end_are_recorded(
    services: Services, caller: UserAgent
) -> None:
    with services.start("main", SETTINGS, "--workers", "2") as service:
        call = talking(caller.call(port(service, 1)))
        os.kill(up(service, 1)["pid"], signal.SIGSTOP)  # it neither drains nor stops
        for _ in range(2):
            service.signal(signal.SIGTERM)
            time.sleep(0.3)
        call.media.sending = False
        assert service.wait(15) == 0
        assert service.find("workers_killed")[0]["workers"] == [1]
        record = service.find("call_ended", call=call.call_id)
        assert [(each["reason"], each["worker"]) for each in record] == [("worker_lost", 1)]
        call.ended.set()


def test_without_their_supervisor_workers_finish_their_calls_and_end(
    services: Services, caller: UserAgent
) -> None:
    with services.start("main", SETTINGS, "--workers", "1") as service:
        call = talking(caller.call(service.address))
        known = processes(service.process.pid)
        assert len(known) == 5, "a worker, the host, three engines"
        service.kill()
        time.sleep(0.5)
        assert service.find("supervisor_gone", worker=0)
        since = time.time()
        time.sleep(0.5)
        assert measure.flow(call.media.since(since)).lost == 0 and call.state == "up"
        assert caller.dial(service.address).answered().status == 503
        call.hangup()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() for pid in known) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not [title for pid, title in known.items() if Path(f"/proc/{pid}").exists()]


def test_a_port_that_one_worker_cannot_have_is_reported_before_anything_is_loaded(services: Services) -> None:
    service = services.start("main", SETTINGS, "--workers", "2")
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(port(service, 1))
        with pytest.raises(TimeoutError, match="ended with 2"):
            service.__enter__()
    said = "\n".join(service.other_lines)
    assert f"worker 1: cannot listen on UDP 127.0.0.1:{service.port + 1}" in said
    assert not service.events


def test_when_every_worker_is_given_up_the_service_ends_with_1(services: Services) -> None:
    with services.start("main", {"IVR_WORKERS__RESTART_LIMIT": "0"}, "--workers", "1") as service:
        os.kill(up(service, 0)["pid"], signal.SIGKILL)
        assert service.wait(10) == 1
        assert service.find("process_given_up", level="critical")[0]["process"] == "worker 0"
