"""A service with engines of its own, a caller, and what the caller did not hear: the silence."""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests import engine_host
from tests.caller import Call, UserAgent, measure, sounds
from tests.e2e.running import Service

PLAN = Path(__file__).parent / "plan.yaml"
LIMIT_S = 2.0
"""Seconds of silence that a caller may hear while it is the service's turn."""
ANSWER = "digits/1"
"""The recording that answers the question: "one"."""


class FaultService(Service):
    """``ivr serve`` with engines of its own, which may be killed."""

    def __init__(self, *options: str, env: Mapping[str, str] | None = None, plan: Path = PLAN) -> None:
        super().__init__([plan], *options, env=env)
        for name in engine_host.settings():
            self._env.pop(name, None)
        self._env.update({f"IVR_{engine}__NICENESS": "0" for engine in ENGINES.values()})
        self._env.pop("IVR_SESSION__WAITING_AFTER_S")  # the default
        self._env.update(env or {})

    def pid_of(self, engine: str) -> int:
        """The process of ``whisper``, ``piper`` or ``smart-turn``, as it is now."""
        return int(self.find("process_ready", process=engine)[-1]["pid"])

    def environment(self, name: str) -> str:
        """A variable of its environment."""
        return self._env[name]

    def bind(self, host: str) -> None:
        """Bind another address than loopback; calls still come from there."""
        self._command += ["--bind", f"{host}:{self.port}"]

    def spawn(self, descriptor: int) -> "subprocess.Popen[bytes]":
        """Start it with ``descriptor`` for its output, which is not read here."""
        return subprocess.Popen(self._command, stdout=descriptor, stderr=descriptor, env=self._env)

    def child(self, title: str) -> int:
        """The child process with that title: ``ivr engine host``, ``ivr worker 0``."""
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.process.pid and title.encode() in words:
                    return int(entry.name)
        raise LookupError(f"no process {title!r}")


ENGINES = {"whisper": "STT__WHISPER", "piper": "TTS__PIPER", "smart-turn": "TURN__SMART_TURN"}


class Caller:
    """One call, and the intervals in which it is the service's turn."""

    def __init__(self, service: Service, agent: UserAgent, call: Call) -> None:
        self.service, self.agent, self.call = service, agent, call
        self.media = call.media
        self.began = time.time()

    def wait_question(self, since: float = 0.0, timeout: float = 20.0) -> float:
        """Wait until the service listens; when it began to."""
        event = self.service.wait_event(
            "turn_taking", timeout=timeout, since=since, stage="listen", call=self.call.call_id
        )
        return float(event["_at"])

    def say(self, name: str = ANSWER) -> float:
        """Say a recording; when its last sound was sent."""
        playing = self.media.play(sounds.scale(sounds.recording(name), -20))
        return playing.wait().offset

    def press(self, key: str) -> float:
        """Press a key; when it was over."""
        self.media.press(key).done.wait(5)
        return time.time()

    def silence(self, begin: float, end: float) -> float:
        """The longest time without any sound between two moments, in seconds."""
        loud = [at for at in measure.loud_times(self.media.since(begin)) if at <= end]
        marks = [begin, *loud, end]
        return max(later - sooner for sooner, later in itertools.pairwise(marks))

    def until_listening(self, begin: float, timeout: float = 40.0) -> float:
        """Wait until the caller's turn, or the end of the call; the longest silence since ``begin``."""
        deadline = time.time() + timeout
        while time.time() < deadline:
            found = self.service.find("turn_taking", begin, stage="listen", call=self.call.call_id)
            if found or self.call.ended.is_set():
                break
            time.sleep(0.02)
        else:
            raise TimeoutError(f"the service did not listen within {timeout:g} s\n{self.service.tail()}")
        time.sleep(0.1)  # the last packets before it
        return self.silence(begin, found[0]["_at"] if found else time.time())


@contextlib.contextmanager
def calling(service: Service) -> Iterator[Caller]:
    """A call that has heard the question. Its number is its own, so that no prompt with it is cached."""
    number = "".join(random.choices("23456789", k=4))
    with UserAgent(user=number) as agent:
        call = agent.call(service.address)
        caller = Caller(service, agent, call)
        caller.wait_question()
        yield caller


def stop(pid: int) -> None:
    """Stop a process in the middle of what it does."""
    os.kill(pid, signal.SIGSTOP)


def go_on(pid: int) -> None:
    """Let a stopped process continue, if it still exists."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def slow(pid: int, share: float = 0.05, period_s: float = 0.2) -> Iterator[None]:
    """Let a process run for that share of the time only."""
    over = threading.Event()

    def alternate() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.wait(period_s * share):
                os.kill(pid, signal.SIGSTOP)
                over.wait(period_s * (1 - share))
                os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=alternate, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def later(seconds: float, do: Callable[[], Any]) -> threading.Timer:
    """Do something in ``seconds``."""
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
    return timer
