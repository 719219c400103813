"""What a process of our own and one of a host share: a client that starts its process again when it ends."""

import asyncio
from abc import abstractmethod

from ivr.process.requests import RequestClient, RequestFailed
from ivr.process.restarts import RestartLoop, StartFailed
from ivr.tasks import TaskSupervisor


class RestartingClient(RequestClient):
    """Keeps one ``RestartLoop`` from ``start`` to ``aclose``. Used from one event loop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._restarts: RestartLoop | None = None
        self._running: asyncio.Task[None] | None = None
        self._tasks = TaskSupervisor()
        self._error: RequestFailed | None = None
        """Why the process is not running."""
        self._closed = False

    @abstractmethod
    def _restart_loop(self) -> RestartLoop:
        """Make the loop that starts the process again and again."""

    @abstractmethod
    def _fail_all(self, error: RequestFailed) -> None:
        """Answer every request that waits with ``error``."""

    async def start(self) -> None:
        """Start the process and wait until it has loaded. Idempotent.

        Raises RequestFailed when the first attempt fails; then nothing is left behind and ``start`` may be
        called again.
        """
        if self._closed:
            raise RequestFailed(self.name, "it has been closed")
        if self._restarts is None:
            self._restarts = self._restart_loop()
            self._running = self._tasks.start(self._restarts.run(), f"process {self.name}")
        restarts = self._restarts
        try:
            await restarts.wait_ready()
        except StartFailed as error:
            if self._restarts is restarts:
                self._restarts = self._running = self._error = None
            raise RequestFailed(self.name, error.reason) from None

    async def aclose(self) -> None:
        """End the process or leave its host; requests not yet answered raise RequestFailed. Idempotent."""
        self._closed = True
        self._running = None
        await self._tasks.aclose()
        self._fail_all(RequestFailed(self.name, "it was closed"))
        if self._restarts is not None:
            self._restarts.cancel_waiting()

    def _check_started(self) -> None:
        """Raises RequestFailed when no request can be sent."""
        if self._closed or self._running is None:
            raise RequestFailed(
                self.name, "it has been closed" if self._closed else "it has not been started"
            )
