"""Start a child process, exchange frames with it, end it: the parent's side.

Both directions are frames on one socket pair, which is the child's standard input.
"""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from ivr.process.framing import Frame, FrameReader, PeerGone, encode_frame

_CODE = """import importlib, json, os, sys
sys.path[:] = json.loads(os.environ.pop("IVR_CHILD_PATH"))
importlib.import_module(os.environ.pop("IVR_CHILD_MAIN")).main()"""


def computing_environment(threads: int) -> dict[str, str]:
    """Return the environment of a child that computes with ``threads`` threads and needs no API keys."""
    count = str(max(1, threads))
    libraries = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
    own = {f"{name}_NUM_THREADS": count for name in libraries}
    # Waiting threads that spin would take the cores from the media threads.
    own |= {"OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    kept = {key: value for key, value in os.environ.items() if "API_KEY" not in key}
    return kept | own


class ChildProcess:
    """One child process, used once: ``open`` it, exchange frames, ``aclose`` it.

    The child runs ``main()`` of the module ``main`` and is sent ``first`` (and ``payload``) at once;
    ``title`` is what an administrator sees in a list of processes; ``environment`` None is our own.
    """

    def __init__(
        self,
        first: Mapping[str, Any],
        payload: bytes = b"",
        *,
        title: str,
        main: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._first, self._payload = dict(first), payload
        self._title, self._main = title, main
        self._own_environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._frames: FrameReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def open(self) -> None:
        """Start the process and send the first frame. Raises PeerGone when it cannot be started."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                # Not multiprocessing: its spawn imports the user's main module again, and a script
                # without a __main__ guard would run a second time.
                # A process group of its own keeps the terminal's Ctrl-C away from the first instant on;
                # not a session of its own, because autogroup scheduling would make niceness ineffective.
                # It returns as soon as the child exists, in a millisecond.
                self._process = subprocess.Popen(  # noqa: ASYNC220
                    [sys.executable, "-c", _CODE, self._title],
                    stdin=theirs.fileno(),
                    stdout=2,  # an engine that prints must not disturb the service's own output
                    env=self._environment(),
                    process_group=0,
                )
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self._frames = FrameReader(reader)
        except OSError as error:
            ours.close()
            raise PeerGone(f"cannot be started: {error}") from error
        self.send(self._first, self._payload)

    def _environment(self) -> dict[str, str]:
        given = os.environ if self._own_environment is None else self._own_environment
        ours = {"IVR_PARENT_PID": str(os.getpid()), "IVR_CHILD_PATH": json.dumps(sys.path)}
        return {**given, **ours, "IVR_CHILD_MAIN": self._main}

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        """Queue a frame. The child always reads, so the queue stays short; ``receive`` reports its death."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode_frame(head, payload))

    async def receive(self) -> Frame:
        """Return the next frame. Raises PeerGone when the child ended. Cancelling loses no frame."""
        assert self._frames is not None
        try:
            frame = await self._frames.next()
        except (asyncio.IncompleteReadError, OSError):
            raise PeerGone(await self._exit_reason()) from None
        assert frame is not None
        return frame

    async def wait_idle(self, event: asyncio.Event) -> None:
        """Wait for ``event`` while the child sends nothing. Raises PeerGone when the child ends."""
        assert self._frames is not None
        if not await self._frames.wait_idle(event):
            await self.receive()

    async def _exit_reason(self) -> str:
        assert self._process is not None
        for _ in range(100):
            if (code := self._process.poll()) is not None:
                how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
                return f"the process {self._process.pid} ended {how}"
            await asyncio.sleep(0.01)
        return f"the process {self._process.pid} closed its connection"

    def kill(self) -> None:
        """Kill the process at once; ``receive`` then raises PeerGone."""
        if self._process is not None:
            self._process.kill()

    async def aclose(self, grace_s: float) -> None:
        """End the process and wait for it, ``grace_s`` seconds before it is killed. Safe in any state."""
        if self._frames is not None:
            await self._frames.aclose()
        if self._writer is not None:
            self._writer.transport.abort()  # the child reads the end of its input and exits
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        if self._process is None:
            return
        try:
            for _ in range(int(grace_s / 0.01)):
                if self._process.poll() is not None:
                    return
                await asyncio.sleep(0.01)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
