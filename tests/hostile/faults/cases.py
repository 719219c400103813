"""The faults, each injected at a bad moment of a real call, and what came of it."""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ivr.modelstore import ModelStore
from tests.caller import UserAgent
from tests.hostile.faults.rig import Caller, FaultService, calling, go_on, later, slow, stop

STOPPED_S = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one fault did."""

    silence_s: float
    """The longest silence while it was the service's turn."""
    events: list[str]
    """The lines of level warning and above that it caused, each once."""
    heard: str
    """How the call went on."""


def outcome(service: FaultService, caller: Caller, silence: float, since: float) -> Outcome:
    """Sum up a call after the fault."""
    shown = [e["event"] for e in service.events if e["_at"] >= since and e.get("level") in LOUD]
    steps = [e["step"] for e in service.find("step_entered", since, call=caller.call.call_id)]
    alive = "call goes on" if not caller.call.ended.is_set() else "call ended"
    return Outcome(silence, list(dict.fromkeys(shown)), f"{' → '.join(steps) or 'asked again'}; {alive}")


LOUD = ("warning", "error", "critical")


# -- engines


def recogniser(service: FaultService, fault: str) -> Outcome:
    """Whisper fails while it recognises the caller's answer."""
    return _engine(service, "whisper", fault, lambda caller: caller.say())


def voice(service: FaultService, fault: str) -> Outcome:
    """Piper fails while it makes a prompt."""
    return _engine(service, "piper", fault, lambda caller: caller.press("1"))


def turn_detector(service: FaultService, fault: str) -> Outcome:
    """smart-turn fails while it judges a pause."""
    return _engine(service, "smart-turn", fault, lambda caller: caller.say())


def _engine(service: FaultService, engine: str, fault: str, turn: Callable[[Caller], float]) -> Outcome:
    with calling(service) as caller, contextlib.ExitStack() as after:
        pid, began = service.pid_of(engine), time.time()
        if fault == "slow":
            after.enter_context(slow(pid))
        elif fault == "out of memory":
            _limit_memory(pid)
        else:
            stop(pid)  # so that the request is in it when it dies
            after.callback(go_on, pid)
        begin = turn(caller)
        if fault == "killed":
            later(0.5, lambda: _kill(pid))
        elif fault == "stopped":
            later(STOPPED_S, lambda: go_on(pid))
        silence = caller.until_listening(begin)
        found = outcome(service, caller, silence, began)
    _restarted(service, engine, pid)
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _limit_memory(pid: int) -> None:
    """Let every further allocation of a process fail."""
    used = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (used, used))


def _restarted(service: FaultService, engine: str, pid: int) -> None:
    """Leave a working engine to the next case."""
    if fresh := service.pid_of(engine) == pid:
        _kill(pid)
    if fresh:
        service.wait_until(lambda: service.pid_of(engine) != pid, 30, f"a new {engine}")


def voice_breaks_off(service: FaultService) -> Outcome:
    """Piper is killed in the middle of a prompt of several sentences."""
    with calling(service) as caller:
        pid, began = service.pid_of("piper"), time.time()
        caller.press("2")
        begin = caller.media.wait_loud(10)
        stop(pid)
        later(0.5, lambda: _kill(pid))
        silence = caller.until_listening(begin, 60)
        return outcome(service, caller, silence, began)


def engine_host(service: FaultService, fault: str) -> Outcome:
    """The engine host of the workers fails while an answer is recognised."""
    with calling(service) as caller:
        pid, began = service.child("ivr engine host"), time.time()
        stop(pid)
        begin = caller.say()
        if fault == "killed":
            later(0.5, lambda: _kill(pid))
        else:
            later(STOPPED_S, lambda: go_on(pid))
        silence = caller.until_listening(begin)
        found = outcome(service, caller, silence, began)
    service.wait_until(lambda: len(service.find("engine_host_ready", began)) > 0, 40, "a new engine host")
    service.wait_until(lambda: len(service.find("process_ready", began)) >= 3, 60, "its engines")
    time.sleep(1.5)  # workers connect again
    return found


def detector(service: FaultService, file: Path) -> Outcome:
    """The detector's network fails in a call: what the caller says is not heard, keys are."""
    with calling(service) as caller:
        began = time.time()
        fault = Path(f"{file}.vad")
        fault.touch()
        try:
            caller.say()
            time.sleep(0.5)
            begin = caller.press("1")
            silence = caller.until_listening(begin)
        finally:
            fault.unlink()
        return outcome(service, caller, silence, began)


# -- disks, pipes, descriptors


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 256 kB at ``folder``. Needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def cache_on(disk: Path, folder: Path) -> Path:
    """A cache with the models of this machine, whose prompts are on ``disk``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, target in (("models", ModelStore().root / "models"), ("prompts", disk / "prompts")):
        target.mkdir(exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    return folder


def fill(folder: Path) -> None:
    """Leave no room on the file system."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def read_only(folder: Path) -> None:
    """Let nothing be written in a folder of ``small_disk``."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def disk(service: FaultService, folder: Path, fault: str) -> Outcome:
    """The disk of recordings, messages and prompts is full in a call that leaves a message, or read-only."""
    began = time.time()
    if fault == "read-only":
        read_only(folder)  # before a file on it is open
    with calling(service) as caller:
        if fault == "full":
            fill(folder)
        begin = caller.press("3")
        caller.media.wait_loud(10)
        caller.media.wait_quiet(10, 0.6)
        silence = caller.silence(begin, time.time() - 0.6)
        begin = caller.say("vm-intro") + 1.0  # the end of the message is the silence that the plan asks for
        silence = max(silence, caller.until_listening(begin))
        begin = caller.press("1")
        silence = max(silence, caller.until_listening(begin))
        return outcome(service, caller, silence, began)


def descriptors(service: FaultService) -> tuple[int, Outcome]:
    """No file can be opened while a call goes on: the status that a new call gets, and the old one."""
    with calling(service) as caller:
        began = time.time()
        pid = service.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()) + 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, before[1]))
        try:
            with UserAgent() as other:
                status = other.dial(service.address).answered().status
            begin = caller.say()
            silence = caller.until_listening(begin)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        return status, outcome(service, caller, silence, began)


class UnreadPipe:
    """A service whose standard output and error are a pipe that nobody reads."""

    def __init__(self, service: FaultService) -> None:
        """``service`` was not started."""
        self.address = service.address
        self._reading, writing = os.pipe()
        self.process = service.spawn(writing)
        os.close(writing)

    def stop_reading(self) -> None:
        """Close the pipe."""
        os.close(self._reading)
        self._reading = -1

    def wait_ready(self, timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        with UserAgent() as agent:
            while time.monotonic() < deadline:
                with contextlib.suppress(TimeoutError):
                    if agent.options(self.address, 1.0).status == 200:
                        return
                time.sleep(0.1)
        raise TimeoutError("the service does not answer OPTIONS")

    def silence_of_call(self) -> float:
        """The longest silence after a key, in a call of which the log is not seen."""
        with UserAgent(user="2468") as agent:
            call = agent.call(self.address)
            call.media.wait_loud(10)
            call.media.wait_quiet(10, 0.5)
            call.media.press("1").done.wait(5)
            begin = time.time()
            at = call.media.wait_loud(10, begin)
            return at - begin

    def close(self) -> None:
        for _ in range(2):
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(3)
        self.process.kill()
        self.process.wait()
        if self._reading >= 0:
            os.close(self._reading)


def ask_until_full(pipe: UnreadPipe, requests: int = 600) -> None:
    """Cause more lines of the log than a pipe holds: INVITEs without a usable offer."""
    with UserAgent() as agent:
        for _ in range(requests):
            agent.request(
                "INVITE", pipe.address, body=b"v=0\r\n", headers=[("Content-Type", "application/sdp")]
            )
            time.sleep(0.002)


# -- the clock and the name server


SHIM = Path(__file__).parent / "shim"


def clock_environment(folder: Path) -> dict[str, str] | None:
    """Environment of a service whose calendar clock is off by what ``set_clock`` writes; None without a C
    compiler.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "clock.so"
    source = str(SHIM / "clock.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", str(library), source, "-ldl"], check=True)
    set_clock(folder / "clock", 0)
    return {"LD_PRELOAD": str(library), "FAULT_CLOCK": str(folder / "clock")}


def set_clock(file: Path, offset_s: int) -> None:
    """Set the service's clock forward, or back."""
    fresh = file.with_suffix(".new")
    fresh.write_text(f"{offset_s:+d}\n")
    fresh.replace(file)


def clock(service: FaultService, file: Path, offset_s: int) -> tuple[float, Outcome]:
    """The clock is set in mid-call: how long after the question "Are you still there?" came, which is 4 s."""
    with calling(service) as caller:
        began = time.time()
        set_clock(file, offset_s)
        begin = caller.press("1")
        silence = caller.until_listening(begin)
        listening = caller.wait_question(begin)
        heard = caller.media.wait_loud(12, listening + 0.5)
        set_clock(file, 0)
        return heard - listening, outcome(service, caller, silence, began)


def registrar_lost(service: FaultService, file: Path) -> Outcome:
    """The registrar's name cannot be looked up; the service takes calls."""
    fault = Path(f"{file}.names")
    fault.touch()
    try:
        with service, calling(service) as caller:
            began = 0.0
            begin = caller.press("1")
            silence = caller.until_listening(begin)
            return outcome(service, caller, silence, began)
    finally:
        fault.unlink()
