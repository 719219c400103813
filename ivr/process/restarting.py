"""A child process of the supervisor that is started again when it dies."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from ivr.process.link import ChildGone, ChildLink, Frame
from ivr.service.workers.workers import Restarts

log: Any = structlog.get_logger("ivr.supervisor")

PING_S = 2.0
"""Between two questions for a sign of life."""
SILENT_S = 10.0
"""Quiet after which a process that stands still is killed, and started again as one that died."""


class StartFailed(Exception):
    """The process said why it cannot do its work: no use in another try of the same."""


class KeptProcess:
    """Runs ``run`` until told not to start the process again. One event loop.

    ``make_link`` makes the next life. Frames go to ``on_frame``, but for ``{"op": "ready"}`` and
    ``{"op": "failed", "error"}``, which end the wait of ``ready`` the first time, and ``{"op": "pong"}``.
    ``on_gone`` is called after each death, also when ``run`` is cancelled. Each process answers
    ``{"op": "ping"}``.
    """

    def __init__(
        self,
        name: str,
        make_link: Callable[[], ChildLink],
        restarts: Restarts,
        *,
        on_frame: Callable[[Frame], None] = lambda frame: None,
        on_ready: Callable[[Frame], None] = lambda frame: None,
        on_gone: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self._make_link, self._restarts = make_link, restarts
        self._on_frame, self._on_ready, self._on_gone = on_frame, on_ready, on_gone
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._link: ChildLink | None = None
        self._heard = 0.0
        self._going = asyncio.Event()
        self.given_up = False
        """It died too often."""
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return self._link.pid if self._link is not None else None

    async def ready(self) -> None:
        """Wait for the first life to be ready. Raises StartFailed."""
        await asyncio.shield(self._first)

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        """To the process, if there is one."""
        if self._link is not None:
            self._link.send(head, payload)

    def let_go(self) -> None:
        """Do not start it again."""
        self._going.set()

    async def run(self) -> None:
        """Returns after the last death; cancelling kills the process."""
        try:
            await self._lives()
        except Exception as error:  # a mistake of ours, which must not leave ``ready`` waiting
            if self._first.done():
                raise
            self._first.set_exception(error)

    async def _lives(self) -> None:
        while not self._going.is_set():
            try:
                reason = await self._life()
            finally:
                self._on_gone()
            if self._going.is_set():
                return
            if not self._first.done():
                self._first.set_exception(StartFailed(f"{self.name}: {reason}"))
                return
            delay = self._restarts.after_death(asyncio.get_running_loop().time())
            if delay is None:
                self.given_up = True
                log.critical("given_up", process=self.name, reason=reason, remedy="find out why; restart all")
                return
            log.warning("process_died", process=self.name, reason=reason, restart_in_s=delay)
            try:
                async with asyncio.timeout(delay):
                    await self._going.wait()
            except TimeoutError:
                continue

    async def _life(self) -> str:
        """From start to end; why it ended."""
        link = self._link = self._make_link()
        self.starts += 1
        self._heard = asyncio.get_running_loop().time()
        watch: asyncio.Task[None] | None = None
        error = ""
        try:
            await link.open()
            while True:
                frame = await link.receive()
                self._heard = asyncio.get_running_loop().time()
                operation = frame.head.get("op")
                if operation == "ready":
                    # Not before: loading keeps a process from answering.
                    watch = asyncio.create_task(self._watch(link))
                    self._on_ready(frame)
                    if not self._first.done():
                        self._first.set_result(None)
                elif operation == "failed":
                    error = str(frame.head["error"])
                elif operation != "pong":
                    self._on_frame(frame)
        except ChildGone as gone:
            return error or str(gone)
        finally:
            if watch is not None:
                watch.cancel()
            await link.close(0.0)
            self._link = None

    async def _watch(self, link: ChildLink) -> None:
        """Kill a process that gives no sign."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(PING_S)
            quiet_s = loop.time() - self._heard
            if quiet_s > SILENT_S:
                log.error("process_stands_still", process=self.name, quiet_s=round(quiet_s, 1))
                link.kill()
                return
            link.send({"op": "ping"})
