"""Requests to a process, wherever it runs: the interface, its errors and options."""

from abc import ABC, abstractmethod
from asyncio import timeout
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.errors import IvrError


class RequestFailed(IvrError):
    """A request was not answered. ``process`` names the process, ``reason`` says why."""

    def __init__(self, process: str, reason: str) -> None:
        super().__init__(f"{process}: {reason}")
        self.process, self.reason = process, reason


class RequestTimeout(RequestFailed):
    """The process did not answer within the time limit."""


class QueueFull(RequestFailed):
    """Too many requests are waiting; this one was not taken."""


class ProcessLost(RequestFailed):
    """The process ended with the request, which may be made again: another one is being started."""


class ProcessAway(ProcessLost):
    """There is no process at present; the request was not sent."""


KINDS: dict[str, type[RequestFailed]] = {
    "busy": QueueFull,
    "timeout": RequestTimeout,
    "lost": ProcessLost,
    "error": RequestFailed,
}
"""Names of the errors in frames; the general one is last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """Options of a process that serves requests. Times in seconds."""

    timeout_s: float = 8.0
    """Longest wait of a request for its turn, and then for every further sign of progress (the result or a
    piece of sound). A process without progress is killed and started again."""
    start_timeout_s: float = 60.0
    """Time limit of loading."""
    queue_size: int = 32
    """Requests that may wait; a further one is refused as busy."""
    threads: int = 2
    """Threads the process computes with (BLAS, OpenMP and its own)."""
    niceness: int = 19
    """Added to the process's nice value, so that media threads win on a small machine."""
    backoff_s: float = 0.5
    """Pause before the second restart in a row without work in between; doubled for each further one."""
    backoff_max_s: float = 30.0
    """Longest pause before a restart."""
    host: Path | None = None
    """Unix socket of a host that runs the process for several services; when not set, a process of our own.
    ``ivr serve --workers`` sets it."""


class RequestClient(ABC):
    """Sends requests to one process."""

    name: str
    """Names the process in logs and errors."""

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The process that answers, while there is one."""

    @abstractmethod
    async def start(self) -> None:
        """Wait until the process is ready. Idempotent. Raises RequestFailed; then nothing is left behind and
        ``start`` may be called again."""

    @abstractmethod
    def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        """Send one request and yield its pieces as they come, then its result. Closing abandons it."""

    @abstractmethod
    async def aclose(self) -> None:
        """Free everything; requests not yet answered raise RequestFailed. Idempotent."""

    async def call(
        self, request: Mapping[str, Any], payload: bytes = b"", *, within_s: float | None = None
    ) -> dict[str, Any]:
        """Send one request and return its result; pieces are dropped.

        After ``within_s`` seconds, waiting for its turn included, the request is abandoned and
        RequestTimeout raised; the process is not taken for stuck.
        """
        try:
            async with timeout(within_s), aclosing(self.run(request, payload)) as items:
                async for item in items:
                    if isinstance(item, dict):
                        return item
        except TimeoutError:
            raise RequestTimeout(self.name, f"no answer within {within_s:g} s") from None
        raise AssertionError("every request ends with a result or an error")

    async def stream(self, request: Mapping[str, Any], payload: bytes = b"") -> AsyncGenerator[bytes, None]:
        """Send one request and yield its pieces as they come. Closing the iterator abandons it."""
        async with aclosing(self.run(request, payload)) as items:
            async for item in items:
                if isinstance(item, bytes):
                    yield item
