"""A child process that answers requests, with its queue, its supervision and its restarts.

Speech engines hold the GIL for milliseconds and keep every core busy. ``RequestProcess`` gives one of
them an interpreter of its own (``ivr.process.request_server`` is what runs there), less priority than the
media threads, and a queue. One task starts it, passes it one request after the other, and starts it again
when it dies.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import structlog

from ivr.process.child_process import ChildProcess, computing_environment
from ivr.process.framing import Frame, PeerGone
from ivr.process.requests import (
    ProcessLost,
    ProcessOptions,
    QueueFull,
    RequestFailed,
    RequestTimeout,
)
from ivr.process.restarting_client import RestartingClient
from ivr.process.restarts import Backoff, RestartLoop

_log: Any = structlog.get_logger("ivr.process")

CLOSE_GRACE_S = 0.5
"""Seconds a child has to exit by itself before it is killed. It holds nothing that could be lost."""


class _Job:
    """One request and what came back so far."""

    def __init__(self, request: Mapping[str, Any], payload: bytes) -> None:
        self.request, self.payload = request, payload
        self.taken = asyncio.Event()
        self.abandoned = False
        self.output: asyncio.Queue[bytes | dict[str, Any] | RequestFailed] = asyncio.Queue()
        self.settled = False

    def put(self, item: bytes | dict[str, Any] | RequestFailed) -> None:
        if self.settled:
            return
        self.settled = not isinstance(item, bytes)
        self.taken.set()
        if not self.abandoned:
            self.output.put_nowait(item)


class RequestProcess(RestartingClient):
    """A request handler in a child process, used from one event loop (the one that called ``start``).

    ``target`` is ``"package.module:Class"``; the child makes ``Class(**arguments)`` (plain JSON values)
    and calls its ``handle(request, payload)``. ``name`` is for logs and errors.
    """

    def __init__(
        self, name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions | None = None
    ) -> None:
        super().__init__(name)
        self._target, self._arguments = target, dict(arguments)
        self._options = options or ProcessOptions()
        self._queue: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._current: _Job | None = None
        self._child: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def restarts(self) -> int:
        """How often the process was started again."""
        return max(0, self._restarts.starts - 1) if self._restarts is not None else 0

    # -- requests

    def _restart_loop(self) -> RestartLoop:
        backoff = Backoff(self._options.backoff_s, self._options.backoff_max_s, immediate=1)
        return RestartLoop(self.name, self._run_once, backoff)

    async def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        """Send one request and yield its pieces as they come, then its result. Closing abandons it.

        The process does not wait for a slow reader, which would hold up all others: what it makes is kept
        until it is read.
        """
        job = self._submit(request, payload)
        try:
            await self._wait_taken(job)
            while True:
                item = await job.output.get()
                if isinstance(item, RequestFailed):
                    raise item
                yield item
                if isinstance(item, dict):
                    return
        finally:
            self._abandon(job)

    def _submit(self, request: Mapping[str, Any], payload: bytes) -> _Job:
        self._check_started()
        if self._error is not None:
            # It does not load: waiting is of no use, a fallback may be ready.
            raise RequestFailed(self.name, f"not running ({self._error})")
        if len(self._queue) >= self._options.queue_size:
            raise QueueFull(self.name, f"{len(self._queue)} requests are waiting already")
        job = _Job(request, payload)
        self._queue.append(job)
        self._wake.set()
        return job

    async def _wait_taken(self, job: _Job) -> None:
        try:
            async with asyncio.timeout(self._options.timeout_s):
                await job.taken.wait()
        except TimeoutError:
            waited = f"no turn within {self._options.timeout_s:g} s"
            raise RequestTimeout(self.name, waited) from None

    def _abandon(self, job: _Job) -> None:
        """Forget the request, wherever it is: its user has all of it, or wants no more."""
        job.abandoned = True
        if job in self._queue:
            self._queue.remove(job)
        elif job is self._current and not job.settled and self._child is not None:
            self._child.send({"op": "cancel"})

    # -- supervision

    async def _run_once(self) -> None:
        """Run one child from its start to its end. Raises PeerGone."""
        assert self._restarts is not None
        first = {"op": "load", "target": self._target, "arguments": self._arguments}
        child = ChildProcess(
            {**first, "niceness": self._options.niceness},
            title=f"ivr engine {self._target}",
            main="ivr.process.request_server",
            environment=computing_environment(self._options.threads),
        )
        grace_s = CLOSE_GRACE_S
        try:
            await self._load(child)
            await self._serve(child)
        except PeerGone as gone:
            grace_s = 0.0
            if not self._restarts.ready:
                self._error = RequestFailed(self.name, str(gone))
                self._fail_all(self._error)
            raise
        finally:
            self._child = None
            await child.aclose(grace_s)

    async def _load(self, child: ChildProcess) -> None:
        """Return once the child has loaded. Raises PeerGone."""
        assert self._restarts is not None
        began = asyncio.get_running_loop().time()
        await child.open()
        self._child = child
        frame = await self._receive(child, self._options.start_timeout_s)
        if frame is None:
            raise PeerGone(f"it did not load within {self._options.start_timeout_s:g} s")
        if frame.head["op"] == "failed":
            raise PeerGone(f"it did not load: {frame.head['error']}")
        seconds = asyncio.get_running_loop().time() - began
        _log.info("process_ready", process=self.name, pid=child.pid, seconds=round(seconds, 2))
        self._error = None
        self._restarts.mark_ready()

    async def _serve(self, child: ChildProcess) -> None:
        """Pass on one request after the other. Ends only by PeerGone."""
        assert self._restarts is not None
        while True:
            while not self._queue:
                self._wake.clear()
                await child.wait_idle(self._wake)
            job = self._current = self._queue.popleft()
            job.taken.set()
            try:
                await self._work(child, job)
            except PeerGone as gone:
                kind = RequestTimeout if gone.stuck else ProcessLost
                job.put(kind(self.name, str(gone)))
                raise
            finally:
                self._current = None
                job.put(RequestFailed(self.name, "it was closed"))
            self._restarts.mark_useful()

    async def _work(self, child: ChildProcess, job: _Job) -> None:
        child.send({"op": "work", "request": dict(job.request)}, job.payload)
        while True:
            frame = await self._receive(child, self._options.timeout_s)
            if frame is None:
                raise PeerGone(f"no answer within {self._options.timeout_s:g} s", stuck=True)
            operation = frame.head["op"]
            if operation == "error":
                job.put(RequestFailed(self.name, str(frame.head["error"])))
                return
            if operation == "result":
                job.put(dict(frame.head["result"]))
                return
            job.put(frame.payload)

    async def _receive(self, child: ChildProcess, timeout_s: float) -> Frame | None:
        """Return the child's next frame, None when it takes too long. Raises PeerGone."""
        try:
            async with asyncio.timeout(timeout_s):
                return await child.receive()
        except TimeoutError:
            return None

    def _fail_all(self, error: RequestFailed) -> None:
        while self._queue:
            self._queue.popleft().put(error)
