"""The agent's process: started with the sanitizers that its build was made with, asked, and its end read."""

import contextlib
import importlib.metadata
import json
import os
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_FRAME = re.compile(r"#\d+ 0x[0-9a-f]+ in (\S+)")


CARRIER_CALLS, STOCK_CALLS = 100, 3


def _carrier() -> str:
    """The version of the carrier build in this environment; empty with the stock wheel. The module is not
    loaded: the build with sanitizers cannot be without preparation."""
    try:
        return importlib.metadata.version("pjsua2-carrier")
    except importlib.metadata.PackageNotFoundError:
        return ""


def sanitized() -> bool:
    """Whether this environment has the build with sanitizers (docker/pjsua2/build.sh --sanitize)."""
    return "+carrier.s" in _carrier()


def max_calls() -> int:
    """Calls that the agent is to hold."""
    return CARRIER_CALLS if _carrier() else STOCK_CALLS


def environment() -> dict[str, str]:
    """What the process needs in its environment."""
    env = dict(os.environ)
    if sanitized():
        # The second, because a sanitizer must find the exceptions of C++ when it starts.
        names = [
            subprocess.run(["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True)
            for name in ("libasan.so", "libstdc++.so")
        ]
        env["LD_PRELOAD"] = " ".join(each.stdout.strip() for each in names)
        env["ASAN_OPTIONS"] = "detect_leaks=0:exitcode=99:allocator_may_return_null=1:quarantine_size_mb=64"
        env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
    return env


class Agent:
    """A running agent."""

    def __init__(self, options: dict[str, Any], log: Path) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.mutate.agent", json.dumps(options)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment(),
                text=True,
            )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.build: str = self._next(180).get("build", "")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._answers.put(line)
        self._answers.put("{}")

    def _next(self, timeout: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._answers.get(timeout=timeout))
        return found

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def command(self, text: str) -> dict[str, Any]:
        """Let it do something; what it says about itself, nothing when it has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
            return self._next(30)
        except (OSError, queue.Empty):
            return {}

    def cpu_s(self) -> float:
        """Processor seconds that it has used."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> int:
        """End it in order; the exit status."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def report(self) -> str:
        """What it printed about its end."""
        return f"exit status {self._process.poll()}\n" + self._log.read_text(errors="replace")[-20_000:]


def signature(report: str) -> str:
    """Names a fault: its kind and the functions it happened in."""
    kinds = (
        r"AddressSanitizer: (\S+)",
        r"runtime error: ([^\n]+)",
        r"(Assertion[^\n]+)",
        r"exit status (\S+)",
    )
    found = next((match[1] for pattern in kinds if (match := re.search(pattern, report))), "")
    begin = max(report.find("AddressSanitizer"), report.find("runtime error"), 0)
    frames = [
        name for name in _FRAME.findall(report[begin:]) if not name.startswith(("__", "malloc", "free"))
    ]
    return f"{found} in {' < '.join(frames[:4])}" if frames else found
