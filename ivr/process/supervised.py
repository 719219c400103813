"""A child process that is restarted when it dies and killed when it does not answer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from ivr.process.child_process import ChildProcess
from ivr.process.framing import Frame, PeerGone
from ivr.process.restarts import RestartLoop, RestartPolicy
from ivr.tasks import TaskSupervisor

log: Any = structlog.get_logger("ivr.process")

PING_S = 2.0
"""Seconds between two pings."""
UNRESPONSIVE_S = 10.0
"""Seconds without any frame after which a process is killed and restarted."""


class SupervisedProcess:
    """Runs a child again and again until ``stop_restarting``. Belongs to one event loop.

    ``make_child`` makes the child of the next run. It announces itself with ``{"op": "ready"}`` or
    ``{"op": "failed", "error"}`` and answers ``{"op": "ping"}`` with ``{"op": "pong"}``; every other frame
    goes to ``on_frame``. ``on_gone`` is called after each death, also when ``run`` is cancelled.
    """

    def __init__(
        self,
        name: str,
        make_child: Callable[[], ChildProcess],
        policy: RestartPolicy,
        *,
        on_frame: Callable[[Frame], None] = lambda frame: None,
        on_ready: Callable[[Frame], None] = lambda frame: None,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._make_child = make_child
        self._on_frame, self._on_ready, self._on_gone = on_frame, on_ready, on_gone
        self._loop = RestartLoop(name, self._run_once, policy)
        self._child: ChildProcess | None = None
        self._last_frame_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def starts(self) -> int:
        return self._loop.starts

    @property
    def given_up(self) -> bool:
        """It died too often."""
        return self._loop.given_up

    async def wait_ready(self) -> None:
        """Wait for the first run to be ready. Raises StartFailed."""
        await self._loop.wait_ready()

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        """Send a frame to the process, if there is one."""
        if self._child is not None:
            self._child.send(head, payload)

    def stop_restarting(self) -> None:
        """Let the present process be the last."""
        self._loop.stop_restarting()

    async def run(self) -> None:
        """Run until the last death; cancelling kills the process."""
        await self._loop.run()

    async def _run_once(self) -> None:
        child = self._child = self._make_child()
        loop = asyncio.get_running_loop()
        self._last_frame_at = loop.time()
        tasks = TaskSupervisor()
        error = ""
        try:
            await child.open()
            while True:
                frame = await child.receive()
                self._last_frame_at = loop.time()
                operation = frame.head.get("op")
                if operation == "ready":
                    # Not before: a process that loads does not answer.
                    tasks.start(self._watch(child), f"watch over {self.name}")
                    self._on_ready(frame)
                    self._loop.mark_ready()
                elif operation == "failed":
                    error = str(frame.head["error"])
                elif operation != "pong":
                    self._on_frame(frame)
        except PeerGone as gone:
            raise PeerGone(error or str(gone)) from None
        finally:
            await tasks.aclose()
            await child.aclose(0.0)
            self._child = None
            self._on_gone()

    async def _watch(self, child: ChildProcess) -> None:
        """Ping the process, and kill it when it does not answer."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_S)
            silent_s = loop.time() - self._last_frame_at
            if silent_s > UNRESPONSIVE_S:
                log.error("process_unresponsive", process=self.name, silent_s=round(silent_s, 1))
                child.kill()
                return
            child.send({"op": "ping"})
