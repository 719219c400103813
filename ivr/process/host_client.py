"""Use a process of a host over the host's Unix socket (see ``ivr.process.host``), as one of one's own.

One task keeps the connection; when the host ends, every request in hand fails at once, and the task
connects again until there is a host.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import structlog

from ivr.process.framing import Frame, FrameReader, PeerGone, encode_frame
from ivr.process.request_process import RequestProcess
from ivr.process.requests import (
    KINDS,
    ProcessAway,
    ProcessLost,
    ProcessOptions,
    RequestClient,
    RequestFailed,
    RequestTimeout,
)
from ivr.process.restarting_client import RestartingClient
from ivr.process.restarts import Backoff, RestartLoop, Run

_log: Any = structlog.get_logger("ivr.process")

PING_S = 1.0
"""Seconds without a frame after which the host is sent a ping."""
UNRESPONSIVE_S = 3.0
"""Seconds without a frame after which the connection is given up."""
GRACE_S = 0.5
"""Added to the process's own time limits, which the host watches over: the host reports first."""
RETRY_S, RETRY_MAX_S = 0.05, 1.0
"""Seconds between two attempts to connect: the first pause, and the longest."""


def request_client(
    name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions
) -> RequestClient:
    """Return a client of a process of our own, or of the host that ``options.host`` names."""
    if options.host is None:
        return RequestProcess(name, target, arguments, options)
    return HostedProcess(name, target, arguments, options, host=options.host)


class HostedProcess(RestartingClient):
    """A process of a host, used from one event loop (the one that called ``start``).

    The arguments are those of ``RequestProcess``. Services that name the same target, arguments and
    options share one process and one queue; ``queue_size`` and the time limits hold for all together.
    """

    def __init__(
        self, name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions, *, host: Path
    ) -> None:
        super().__init__(name)
        self._host, self._options = host, options
        own = {item.name: getattr(options, item.name) for item in fields(ProcessOptions)}
        self._first_frame = {"op": "load", "name": name, "target": target, "arguments": dict(arguments)}
        self._first_frame["options"] = asdict(ProcessOptions(**{**own, "host": None}))
        self._outputs: dict[int, asyncio.Queue[bytes | dict[str, Any] | RequestFailed]] = {}
        self._ids = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._retry = Backoff(RETRY_S, RETRY_MAX_S)
        self._reload = Backoff(RETRY_S, options.backoff_max_s)
        self._permanent = False
        """The host is there, and the process does not load."""
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """The process, as it was when the connection was made."""
        return self._pid

    # -- requests

    def _restart_loop(self) -> RestartLoop:
        return RestartLoop(
            self.name,
            self._connect_once,
            self._delay,
            on_end=self._log_end,
            first_start_s=self._options.start_timeout_s,
        )

    async def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        self._check_started()
        if self._writer is None:
            # Waiting is of no use, a fallback may be ready.
            kind = RequestFailed if self._permanent else ProcessAway
            raise kind(self.name, f"not running ({self._error or 'no engine host'})")
        number = next(self._ids)
        output = self._outputs[number] = asyncio.Queue()
        self._send({"op": "work", "id": number, "request": dict(request)}, payload)
        settled = False
        # The first sign may take a turn's wait and then the work.
        limit_s = 2 * self._options.timeout_s + GRACE_S
        try:
            while not settled:
                item = await self._next(output, limit_s)
                limit_s = self._options.timeout_s + GRACE_S
                settled = not isinstance(item, bytes)
                if isinstance(item, RequestFailed):
                    raise item
                yield item
        finally:
            self._outputs.pop(number, None)
            if not settled:
                self._send({"op": "cancel", "id": number})

    async def _next(
        self, output: "asyncio.Queue[bytes | dict[str, Any] | RequestFailed]", limit_s: float
    ) -> bytes | dict[str, Any] | RequestFailed:
        try:
            async with asyncio.timeout(limit_s):
                return await output.get()
        except TimeoutError:
            raise RequestTimeout(self.name, f"no sign from the engine host within {limit_s:g} s") from None

    def _send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode_frame(head, payload))

    def _fail_all(self, error: RequestFailed) -> None:
        for output in self._outputs.values():
            output.put_nowait(error)
        self._outputs.clear()

    # -- the connection

    def _delay(self, run: Run) -> float:
        """Return the pause before the next attempt: short while the host is away, longer when it is there
        and the process does not load."""
        return self._reload(run) if run.reason.permanent else self._retry(run)

    def _log_end(self, name: str, run: Run, restart_in_s: float | None) -> None:
        if run.ready:  # once, and not for each attempt after it
            _log.warning("engine_host_lost", process=name, reason=str(run.reason))

    async def _connect_once(self) -> None:
        """Run one connection from its start to its end. Raises PeerGone."""
        try:
            await self._connection()
        except PeerGone as gone:
            self._error, self._permanent = ProcessLost(self.name, str(gone)), gone.permanent
            self._fail_all(self._error)
            raise

    async def _connection(self) -> None:
        assert self._restarts is not None
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._host))
        except OSError as error:
            raise PeerGone(f"no engine host at {self._host}: {error}") from error
        frames = FrameReader(reader)
        try:
            writer.write(encode_frame(self._first_frame))
            # The host's own limit on loading, and a back-off that may be running there.
            first = await frames.next(self._options.start_timeout_s + GRACE_S)
            if first is None:
                raise PeerGone("the engine host does not answer")
            head = first.head
            if head["op"] == "failed":
                raise PeerGone(str(head["error"]), permanent=True)
            self._pid, self._writer, self._error = head["pid"], writer, None
            self._restarts.mark_ready()
            self._restarts.mark_useful()
            silent_s = 0.0
            while True:
                frame = await frames.next(PING_S)
                if frame is not None:
                    silent_s = 0.0
                    self._take(frame)
                    continue
                silent_s += PING_S
                if silent_s >= UNRESPONSIVE_S:
                    raise PeerGone(f"no response for {silent_s:g} s")
                self._send({"op": "ping"})
        except (asyncio.IncompleteReadError, OSError):
            raise PeerGone("the engine host closed the connection") from None
        finally:
            self._writer = None
            await frames.aclose()
            writer.transport.abort()

    def _take(self, frame: Frame) -> None:
        head = frame.head
        output = self._outputs.get(head.get("id", 0))
        if output is None:
            return  # a pong, or part of a request that was abandoned
        if head["op"] == "error":
            output.put_nowait(KINDS[head["kind"]](self.name, str(head["error"])))
        elif head["op"] == "result":
            output.put_nowait(dict(head["result"]))
        else:
            output.put_nowait(frame.payload)
