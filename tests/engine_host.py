"""The engine host of a test run: speech engines loaded once, for every service process and every test.

The process that the run was started in (with pytest-xdist: the controller) starts it, and it ends when that
process does. It loads an engine when the first client asks for it.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ivr.process.host import ProcessHost

VARIABLE = "TESTS_ENGINE_HOST"
"""Environment variable with the path of the socket, read by the workers of pytest-xdist."""

_ENGINES = ("STT__WHISPER", "TTS__PIPER", "TURN__SMART_TURN")

NICENESS = 0
"""Other tests compute beside an engine, and are not to starve it as media threads may."""


def path() -> Path | None:
    """The socket of the run's engine host; None outside of a test run (in the benches)."""
    found = os.environ.get(VARIABLE)
    return Path(found) if found else None


def settings() -> Mapping[str, str]:
    """Environment of a service that uses the run's engines; empty outside of a test run."""
    return {
        f"IVR_{engine}__{option.upper()}": str(value)
        for engine in _ENGINES
        for option, value in options().items()
    }


def options() -> dict[str, Any]:
    """Options of an engine made in a test, so that it is the run's; none outside of a test run."""
    socket = path()
    return {"host": socket, "niceness": NICENESS} if socket is not None else {}


class RunningHost:
    """The host as a child process. It writes its log to ``log`` in its folder."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ivr-tests-"))
        socket = self.folder / "engines"
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(socket)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=Path(__file__).parent.parent,
                process_group=0,
            )
        os.environ[VARIABLE] = str(socket)

    def close(self) -> None:
        """End the host and its engines."""
        os.environ.pop(VARIABLE, None)
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


async def _serve(socket: Path) -> None:
    host = ProcessHost(socket)
    await host.open()
    try:
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await host.aclose()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
