"""Kamailio as ``docker/kamailio/run.sh`` starts it, on loopback, and the workers behind it."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.caller import UserAgent
from tests.caller.sounds import continuous, write_wav
from tests.e2e.running import Service
from tests.ports import free_port

DOCKER = Path(__file__).parents[2] / "docker" / "kamailio"
MODULES = Path("/usr/lib/x86_64-linux-gnu/kamailio/modules")
TRUNK = "127.0.0.2"
"""The address of callers that may call."""
STRANGER = "127.0.0.66"
WORKER_CALLS = 3
"""Calls a worker holds in these tests, whatever its build could."""
# The speech engine of an API loads nothing, and no caller here speaks.
SETTINGS = {
    "IVR_STT__ORDER": '["openai"]',
    "IVR_STT__OPENAI__BASE_URL": "http://127.0.0.1:9/v1",
    "IVR_SIP__MAX_CALLS": str(WORKER_CALLS),
}


def why_not() -> str:
    """Why these tests cannot run here; empty when they can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    if not shutil.which("kamailio", path=path) or not shutil.which("kamcmd", path=path):
        return "Kamailio is not installed: apt-get install kamailio kamailio-tls-modules, then run this again"
    return ""


def why_no_tls() -> str:
    """Why the TLS tests cannot run here."""
    if not any(Path("/usr/lib").glob("*/kamailio/modules/tls.so")):
        return "Kamailio's TLS module is not installed: apt-get install kamailio-tls-modules"
    return ""


def wait_until(look: Callable[[], object], timeout: float, what: str) -> None:
    """Look every 50 ms."""
    deadline = time.monotonic() + timeout
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(0.05)


class Edge:
    """Kamailio in front of these workers. A context manager; ready once entered."""

    def __init__(
        self, folder: Path, workers: Sequence[str], settings: Mapping[str, str] | None = None
    ) -> None:
        """``workers`` are SIP addresses; ``settings`` are of run.sh, without their KAMAILIO_."""
        self.folder = folder
        self.port, self.inside = free_port(), free_port()
        self.address = ("127.0.0.1", self.port)
        given = {
            "RUN": str(folder),
            "LISTEN": f"127.0.0.1:{self.port}",
            "INSIDE": f"127.0.0.1:{self.inside}",
            "WORKERS": " ".join(workers),
            "TRUNKS": TRUNK,
            "WORKER_NETS": "127.0.0.1",
            "ANSWER_S": "5",
            "SHM_MB": "32",
            "CHILDREN": "2",
            **(settings or {}),
        }
        path = f"{os.environ.get('PATH', '')}:/usr/sbin"
        self._env = {**os.environ, "PATH": path, **{f"KAMAILIO_{k}": v for k, v in given.items()}}
        self._workers = len(workers)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Edge":
        self.start()
        return self

    def __exit__(
        self, _type: object = None, error: BaseException | None = None, _trace: object = None
    ) -> None:
        if error is not None:
            error.add_note(f"the end of Kamailio's log:\n{self.log()[-6000:]}")
        self.stop()

    def start(self, ready: bool = True) -> None:
        """Start it; with ``ready``, until every worker has said that it takes calls."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [DOCKER / "run.sh"], env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_until(lambda: self._answers() or not self.running, 10, "Kamailio answers its control socket")
            if not self.running:
                raise RuntimeError("Kamailio did not start")
            if ready:
                wait_until(lambda: self.states().count("200") == self._workers, 10, "workers were probed")
        except BaseException as error:
            error.add_note(self.log()[-3000:])
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            # It leads a group of its own, in which are its children only.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def workers(self, *arguments: str) -> str:
        """``workers.sh``, as an operator runs it."""
        done = subprocess.run(
            [DOCKER / "workers.sh", *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(
                f"workers.sh {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def said(self) -> dict[str, str]:
        """What each worker answered to its last probe, by its address; ``0`` is nothing yet."""
        listed = re.findall(r"URI: (\S+)", self._rpc("dispatcher.list"))
        codes = dict(re.findall(r"name: (\S+)::code\s+value: (\d+)", self._rpc("htable.dump", "load")))
        return {each: codes.get(each, "0") for each in listed}

    def _rpc(self, *command: str) -> str:
        done = subprocess.run(
            ["kamcmd", "-s", f"unix:{self.folder}/ctl", *command],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout

    def states(self) -> list[str]:
        return list(self.said().values())

    def _answers(self) -> bool:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._rpc("core.version")
            return True
        return False


class Workers:
    """Three running services; what a test has ended is started again for the next."""

    COUNT = 3

    def __init__(self, folder: Path) -> None:
        here = Path(__file__).parent
        self._plans = [Path(shutil.copy(here / f"{name}.yaml", folder)) for name in ("line", "short")]
        prompt = continuous(("conf-adminmenu", "vm-options", "demo-instruct"), 45.0)
        write_wav(folder / "prompt.wav", prompt)
        write_wav(folder / "short.wav", prompt[:16_000])
        self.services: list[Service] = []

    def ready(self) -> list[Service]:
        """All of them, running."""
        for gone in [each for each in self.services if not each.running]:
            self.services.remove(gone)
        new = [Service(self._plans, env=SETTINGS) for _ in range(self.COUNT - len(self.services))]
        with ThreadPoolExecutor(self.COUNT) as pool:
            self.services += pool.map(Service.__enter__, new)
        return self.services

    def supervised(self, count: int) -> Service:
        """Another service with so many workers, not started yet."""
        return Service(self._plans, "--workers", str(count), env=SETTINGS)

    def close(self) -> None:
        for each in self.services:
            if each.running:
                each.signal()
        for each in self.services:
            each.__exit__()


def uri(service: Service) -> str:
    return f"sip:127.0.0.1:{service.port}"


def taken(services: Sequence[Service], since: float) -> list[int]:
    """Calls each of them took since."""
    return [len(each.find("call_started", since)) for each in services]


def ended(services: Sequence[Service], since: float) -> int:
    """Calls that have ended since."""
    return sum(len(each.find("call_ended", since)) for each in services)


def caller(address: str = TRUNK) -> UserAgent:
    return UserAgent(address)
