"""Runs a local engine in a process of its own, so that no call's media waits for it.

Speech engines hold the GIL for milliseconds and keep every core busy. ``EngineProcess`` gives one of
them an interpreter of its own (see ``ivr.process.child`` for that side), less priority than the media
threads, and a queue. One task supervises it: start, serve one request after the other, and start again
when it dies.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ivr.process.link import ChildGone, ChildLink, Frame, engine_environment
from ivr.speech.base import SpeechBusy, SpeechError, SpeechTimeout

_log = structlog.get_logger(__name__)

CLOSE_GRACE_S = 0.5
"""Seconds a child has to go by itself before it is killed. It holds nothing that could be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessOptions:
    """Of an engine that runs in a process of its own. Times in seconds."""

    timeout_s: float = 8.0
    """How long a request may wait for its turn, and then for every further sign of progress (the result,
    or a piece of sound). A process that shows none is killed and started again."""
    start_timeout_s: float = 60.0
    """Loading the model."""
    queue_size: int = 32
    """Requests that may wait; a further one raises SpeechBusy."""
    threads: int = 2
    """Threads the engine computes with (BLAS, OpenMP and its own)."""
    niceness: int = 19
    """Added to the process's nice value, so that media threads win on a small machine."""
    backoff_s: float = 0.5
    """Before the second attempt in a row to bring the process back; doubled for each further one."""
    backoff_max_s: float = 30.0
    host: Path | None = None
    """Unix socket of an engine host that runs the process for several services; None is a process of our
    own. ``ivr serve --workers`` sets it."""


class _Job:
    """One request: what is to be done, and what came back so far."""

    def __init__(self, request: Mapping[str, Any], payload: bytes) -> None:
        self.request, self.payload = request, payload
        self.taken = asyncio.Event()
        self.abandoned = False
        self.output: asyncio.Queue[bytes | dict[str, Any] | SpeechError] = asyncio.Queue()
        self.settled = False

    def put(self, item: bytes | dict[str, Any] | SpeechError) -> None:
        if self.settled:
            return
        self.settled = not isinstance(item, bytes)
        self.taken.set()
        if not self.abandoned:
            self.output.put_nowait(item)


class Requests(ABC):
    """How an engine is asked for things, wherever it runs."""

    name: str
    """The engine's, for logs and errors."""

    @abstractmethod
    async def start(self) -> None:
        """Make ready. Idempotent. Raises SpeechError."""

    @abstractmethod
    def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        """Have one request done: its pieces as they come, and last its result. Closing abandons it."""

    @abstractmethod
    async def aclose(self) -> None:
        """Free everything. Idempotent."""

    async def call(
        self, request: Mapping[str, Any], payload: bytes = b"", *, within_s: float | None = None
    ) -> dict[str, Any]:
        """Have one request done and give its result; what it yields on the way is dropped.

        After ``within_s`` seconds, waiting for its turn included, nobody wants the result any more: the
        request is abandoned and SpeechTimeout raised. A process that works on it is not thought stuck.
        """
        try:
            async with asyncio.timeout(within_s), aclosing(self.run(request, payload)) as items:
                async for item in items:
                    if isinstance(item, dict):
                        return item
        except TimeoutError:
            raise SpeechTimeout(self.name, f"no answer within {within_s:g} s") from None
        raise AssertionError("every request ends with a result or an error")

    async def stream(self, request: Mapping[str, Any], payload: bytes = b"") -> AsyncGenerator[bytes, None]:
        """Have one request done and yield its pieces as they come. Closing the iterator abandons it."""
        async with aclosing(self.run(request, payload)) as items:
            async for item in items:
                if isinstance(item, bytes):
                    yield item


class EngineProcess(Requests):
    """An engine in a child process, used from one event loop (the one that called ``start``).

    ``target`` is ``"package.module:Class"``; the child makes ``Class(**arguments)`` (plain JSON values)
    and calls its ``handle(request, payload)``. ``name`` is the engine's, for logs and errors.
    """

    def __init__(
        self, name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions | None = None
    ) -> None:
        self.name = name
        self._target, self._arguments = target, dict(arguments)
        self._options = options or ProcessOptions()
        self._queue: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._up = asyncio.Event()
        self._current: _Job | None = None
        self._link: ChildLink | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._error: SpeechError | None = None
        self._closed = False
        self.restarts = 0
        """How often the process was started again."""

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._link.pid if self._link is not None else None

    # -- the user's side

    async def start(self) -> None:
        """Start the process and wait until its model is loaded. Idempotent.

        Raises SpeechError when the first attempt fails; then nothing is left behind and ``start`` may be
        called again.
        """
        if self._closed:
            raise SpeechError(self.name, "it has been closed")
        if self._supervisor is None:
            self._first = asyncio.get_running_loop().create_future()
            self._supervisor = asyncio.create_task(self._supervise(), name=f"engine {self.name}")
        assert self._first is not None
        await asyncio.shield(self._first)

    async def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        """Have one request done: its pieces as they come, and last its result. Closing abandons it.

        The engine does not wait for a slow reader, who would hold up all others: what it makes is kept
        until it is read.
        """
        job = self._submit(request, payload)
        try:
            await self._taken(job)
            while True:
                item = await job.output.get()
                if isinstance(item, SpeechError):
                    raise item
                yield item
                if isinstance(item, dict):
                    return
        finally:
            self._abandon(job)

    async def aclose(self) -> None:
        """End the process; requests not yet done raise SpeechError. Idempotent."""
        self._closed = True
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.wait({supervisor})
        self._fail_all(SpeechError(self.name, "it was closed"))
        if self._first is not None and not self._first.done():
            self._first.cancel()

    def _submit(self, request: Mapping[str, Any], payload: bytes) -> _Job:
        if self._closed or self._supervisor is None:
            raise SpeechError(self.name, "it has been closed" if self._closed else "it has not been started")
        if self._error is not None:
            # The model does not load: no use in waiting, a fallback may be ready.
            raise SpeechError(self.name, f"not running ({self._error})")
        if len(self._queue) >= self._options.queue_size:
            raise SpeechBusy(self.name, f"{len(self._queue)} requests are waiting already")
        job = _Job(request, payload)
        self._queue.append(job)
        self._wake.set()
        return job

    async def _taken(self, job: _Job) -> None:
        try:
            async with asyncio.timeout(self._options.timeout_s):
                await job.taken.wait()
        except TimeoutError:
            waited = f"no turn within {self._options.timeout_s:g} s"
            raise SpeechTimeout(self.name, waited) from None

    def _abandon(self, job: _Job) -> None:
        """The user is gone (or done): forget the request, wherever it is."""
        job.abandoned = True
        if job in self._queue:
            self._queue.remove(job)
        elif job is self._current and not job.settled and self._link is not None:
            self._link.send({"op": "cancel"})

    # -- the supervisor's side

    async def _supervise(self) -> None:
        failures = 0
        while True:
            link = self._new_link()
            grace_s = CLOSE_GRACE_S
            try:
                await self._load(link)
                failures += 1  # until one request has been done
                async for _ in self._serve(link):
                    failures = 0
            except ChildGone as gone:
                if not self._up.is_set():
                    failures += 1
                    self._error = SpeechError(self.name, str(gone))
                    self._fail_all(self._error)
                    if self._first is not None and not self._first.done():
                        self._first.set_exception(self._error)
                        self._error, self._supervisor = None, None
                        return
                delay = self._delay(failures)
                grace_s = 0.0
                _log.warning("engine_died", engine=self.name, reason=str(gone), restart_in_s=delay)
            finally:
                self._up.clear()
                self._link = None
                await link.close(grace_s)
            self.restarts += 1
            await asyncio.sleep(delay)

    def _new_link(self) -> ChildLink:
        first: dict[str, Any] = {"op": "load", "target": self._target, "arguments": self._arguments}
        first["niceness"] = self._options.niceness
        environment = engine_environment(self._options.threads)
        return ChildLink(first, title=f"ivr engine {self._target}", environment=environment)

    def _delay(self, failures: int) -> float:
        """Nothing after a crash that followed good work; then ever longer."""
        if failures <= 1:
            return 0.0
        return min(self._options.backoff_s * 2.0 ** min(failures - 2, 30), self._options.backoff_max_s)

    async def _load(self, link: ChildLink) -> None:
        """Returns once the model is loaded. Raises ChildGone."""
        began = asyncio.get_running_loop().time()
        await link.open()
        self._link = link
        frame = await self._receive(link, self._options.start_timeout_s)
        if frame is None:
            raise ChildGone(f"it did not load within {self._options.start_timeout_s:g} s")
        if "error" in frame.head:
            raise ChildGone(f"it did not load: {frame.head['error']}")
        seconds = asyncio.get_running_loop().time() - began
        _log.info("engine_ready", engine=self.name, pid=link.pid, seconds=round(seconds, 2))
        self._error = None
        self._up.set()
        if self._first is not None and not self._first.done():
            self._first.set_result(None)

    async def _serve(self, link: ChildLink) -> AsyncIterator[None]:
        """One request after the other, yielding after each that was done. Ends only by ChildGone."""
        while True:
            while not self._queue:
                self._wake.clear()
                await link.quiet_until(self._wake)
            job = self._current = self._queue.popleft()
            job.taken.set()
            try:
                await self._work(link, job)
            except ChildGone as gone:
                kind = SpeechTimeout if gone.stuck else SpeechError
                job.put(kind(self.name, str(gone)))
                raise
            finally:
                self._current = None
                job.put(SpeechError(self.name, "it was closed"))
            yield

    async def _work(self, link: ChildLink, job: _Job) -> None:
        link.send({"op": "work", "request": dict(job.request)}, job.payload)
        while True:
            frame = await self._receive(link, self._options.timeout_s)
            if frame is None:
                raise ChildGone(f"no answer within {self._options.timeout_s:g} s", stuck=True)
            if "error" in frame.head:
                job.put(SpeechError(self.name, str(frame.head["error"])))
                return
            if "result" in frame.head:
                job.put(dict(frame.head["result"]))
                return
            job.put(frame.payload)

    async def _receive(self, link: ChildLink, timeout_s: float) -> Frame | None:
        """The child's next frame, None when it takes too long. Raises ChildGone."""
        try:
            async with asyncio.timeout(timeout_s):
                return await link.receive()
        except TimeoutError:
            return None

    def _fail_all(self, error: SpeechError) -> None:
        while self._queue:
            self._queue.popleft().put(error)
