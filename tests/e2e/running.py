"""The service under test as a process: started on loopback, waited for, its JSON log read."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests import engine_host
from tests.ports import free_port, rtp_ports

Event = dict[str, Any]


class Service:
    """``ivr serve`` with JSON logs. Use as a context manager; ready once entered."""

    command = "serve"
    ready_event = "ready"

    def __init__(
        self,
        plans: Iterable[Path],
        *options: str,
        env: Mapping[str, str] | None = None,
        ready_timeout: float = 60.0,
    ) -> None:
        """``env`` holds settings such as ``IVR_SIP__RING_S``."""
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.events: list[Event] = []
        """The log, one dict a line; ``_at`` is when it was read (CLOCK_REALTIME)."""
        self.other_lines: list[str] = []
        """Lines that are not JSON: tracebacks, the library's own words."""
        command = [sys.executable, "-m", "ivr.cli", self.command, *map(str, plans)]
        command += [
            "--bind",
            f"127.0.0.1:{self.port}",
            "--rtp-ports",
            rtp_ports(),
            "--log",
            "json",
        ]
        self._command = [*command, *options]
        # What the stock build holds, so that a build that holds more is tested in the same way.
        # Tests read single decisions, which are logged at level debug.
        defaults = {"PYTHONUNBUFFERED": "1", "IVR_SIP__MAX_CALLS": "3", "IVR_LOG__LEVEL": "debug"}
        # Engines are slow beside other tests: what callers hear then is tested in tests/hostile/faults.
        defaults["IVR_SESSION__WAITING_AFTER_S"] = "0"
        self._env = {**os.environ, **defaults, **engine_host.settings(), **(env or {})}
        self._ready_timeout = ready_timeout
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.started_in = 0.0

    def __enter__(self) -> "Service":
        began = time.monotonic()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._env
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            self.wait_event(self.ready_event, timeout=self._ready_timeout)
        except BaseException:
            self.kill()
            raise
        self.started_in = time.monotonic() - began
        return self

    def __exit__(
        self, _type: object = None, error: BaseException | None = None, _trace: object = None
    ) -> None:
        if error is not None and self.events:
            error.add_note(f"the end of the service's log:\n{self.tail(60)}")
        if self.running:
            self.stop()

    @property
    def process(self) -> "subprocess.Popen[str]":
        assert self._process is not None
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    # -- ending

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def wait(self, timeout: float = 30.0) -> int:
        """The exit code, with the log read to its end."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"the service did not end within {timeout:g} s\n{self.tail()}") from None
        assert self._reader is not None
        self._reader.join(5)
        return code

    def stop(self, timeout: float = 15.0) -> int:
        """Two signals: end at once; killed if that does not help."""
        for _ in range(2):
            if self.running:
                self.signal()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(1.5)
        try:
            return self.wait(timeout)
        except TimeoutError:
            self.kill()
            raise

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    # -- the log

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event: Event | None = None
            if line.startswith("{"):
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
            with self._changed:
                if event is None:
                    self.other_lines.append(line.rstrip("\n"))
                else:
                    event["_at"] = time.time()
                    self.events.append(event)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def find(self, name: str, since: float = 0.0, **wanted: Any) -> list[Event]:
        """Events of that name, logged since, whose fields have these values."""
        return [
            e
            for e in list(self.events)
            if e.get("event") == name and e["_at"] >= since and all(e.get(k) == v for k, v in wanted.items())
        ]

    def wait_event(self, name: str, timeout: float = 5.0, since: float = 0.0, **wanted: Any) -> Event:
        """The first such event, waited for."""
        found: Event = self.wait_until(
            lambda: next(iter(self.find(name, since, **wanted)), None), timeout, f"{name} {wanted or ''}"
        )
        return found

    def wait_until(self, look: Callable[[], Any], timeout: float, what: str) -> Any:
        """Wait until ``look`` gives something, looked at after every line of the log."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not (found := look()):
                left = deadline - time.monotonic()
                if left <= 0 or not self.running:
                    state = (
                        "never came" if self.running else f"the service ended with {self.process.returncode}"
                    )
                    raise TimeoutError(f"{what}: {state} within {timeout:g} s\n{self.tail()}")
                self._changed.wait(min(left, 0.2))
        return found

    def tail(self, lines: int = 25) -> str:
        """The end of the log, to be shown with a failure."""
        shown = [json.dumps({k: v for k, v in e.items() if k != "_at"}) for e in self.events[-lines:]]
        return "\n".join([*shown, *self.other_lines[-lines:]])

    def complaints(self, since: float = 0.0) -> list[Event]:
        """Lines of level error or above."""
        return [e for e in self.events if e["_at"] >= since and e.get("level") in ("error", "critical")]

    # -- the process

    def status(self, name: str) -> int:
        """A figure of /proc/PID/status, in kB where it is a size."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        line = next(x for x in text.splitlines() if x.startswith(f"{name}:"))
        return int(line.split()[1])

    @property
    def rss_mb(self) -> float:
        """Resident memory of the service's own process, MiB."""
        return self.status("VmRSS") / 1024
