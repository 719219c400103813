"""An engine that runs in an engine host, asked over the host's Unix socket (see ``ivr.speech.host``).

It is used as an ``EngineProcess`` is. One task keeps the connection; when the host goes, every request in
hand fails at once, and the task connects again until there is a host.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, fields
from typing import Any

import structlog

from ivr.process.link import Frame, encode_frame, read_frame
from ivr.speech.base import SpeechBusy, SpeechError, SpeechTimeout
from ivr.speech.process import EngineProcess, ProcessOptions, Requests

_log = structlog.get_logger(__name__)

PING_S = 1.0
"""Quiet after which the host is asked for a sign of life."""
SILENT_S = 3.0
"""Quiet after which a host is taken for gone."""
GRACE_S = 0.5
"""Added to the engine's own time limits, which the host watches over: the host speaks first."""
RETRY_S, RETRY_MAX_S = 0.05, 1.0
"""Between two attempts to connect: at first, and doubled up to."""

KINDS: dict[str, type[SpeechError]] = {"busy": SpeechBusy, "timeout": SpeechTimeout, "error": SpeechError}


def kind_of(error: SpeechError) -> str:
    """A name from ``KINDS``."""
    return next(kind for kind, known in KINDS.items() if isinstance(error, known))


def message_of(error: SpeechError) -> str:
    """Its text without the engine's name in front."""
    return str(error).removeprefix(f"{error.engine}: ")


def engine_requests(
    name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions
) -> Requests:
    """The engine in a process of our own, or in that of the host which the options name."""
    if options.host is None:
        return EngineProcess(name, target, arguments, options)
    return SharedEngine(name, target, arguments, options)


class HostGone(Exception):
    """The connection to the host ended or never was."""


class SharedEngine(Requests):
    """An engine of a host, used from one event loop (the one that called ``start``).

    The arguments are those of ``EngineProcess``. Services that name the same target, arguments and
    options share one process and one queue; ``queue_size`` and the time limits hold for all together.
    """

    def __init__(self, name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions) -> None:
        if options.host is None:
            raise ValueError("options.host must name the host's socket")
        self.name, self._host, self._options = name, options.host, options
        own = {item.name: getattr(options, item.name) for item in fields(ProcessOptions)}
        shared = asdict(ProcessOptions(**{**own, "host": None}))
        self._load = {"op": "load", "name": name, "target": target, "arguments": dict(arguments)}
        self._load["options"] = shared
        self._jobs: dict[int, asyncio.Queue[bytes | dict[str, Any] | SpeechError]] = {}
        self._ids = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self._error: SpeechError | None = None
        self._closed = False
        self.pid: int | None = None
        """The engine's process, as it was when the connection was made."""
        self.reconnects = 0

    # -- the user's side

    async def start(self) -> None:
        """Connect and wait until the engine is loaded. Idempotent.

        Raises SpeechError when the engine cannot be loaded, or no host is there within
        ``start_timeout_s``; then nothing is left behind and ``start`` may be called again.
        """
        if self._closed:
            raise SpeechError(self.name, "it has been closed")
        if self._keeper is None:
            self._first = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(), name=f"engine host, {self.name}")
        assert self._first is not None
        await asyncio.shield(self._first)

    async def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        if self._closed or self._keeper is None:
            raise SpeechError(self.name, "it has been closed" if self._closed else "it has not been started")
        if self._writer is None:
            # No use in waiting, a fallback may be ready.
            raise SpeechError(self.name, f"not running ({self._error or 'no engine host'})")
        number = next(self._ids)
        output = self._jobs[number] = asyncio.Queue()
        self._send({"op": "work", "id": number, "request": dict(request)}, payload)
        settled = False
        # The first sign may take a turn's wait and then the work.
        limit_s = 2 * self._options.timeout_s + GRACE_S
        try:
            while not settled:
                item = await self._next(output, limit_s)
                limit_s = self._options.timeout_s + GRACE_S
                settled = not isinstance(item, bytes)
                if isinstance(item, SpeechError):
                    raise item
                yield item
        finally:
            self._jobs.pop(number, None)
            if not settled:
                self._send({"op": "cancel", "id": number})

    async def aclose(self) -> None:
        """Leave the host; requests not yet done raise SpeechError. Idempotent."""
        self._closed = True
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait({keeper})
        self._fail_all(SpeechError(self.name, "it was closed"))
        if self._first is not None and not self._first.done():
            self._first.cancel()

    async def _next(
        self, output: "asyncio.Queue[bytes | dict[str, Any] | SpeechError]", limit_s: float
    ) -> bytes | dict[str, Any] | SpeechError:
        try:
            async with asyncio.timeout(limit_s):
                return await output.get()
        except TimeoutError:
            raise SpeechTimeout(self.name, f"no sign from the engine host within {limit_s:g} s") from None

    def _send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(encode_frame(head, payload))

    def _fail_all(self, error: SpeechError) -> None:
        for output in self._jobs.values():
            output.put_nowait(error)
        self._jobs.clear()

    # -- the keeper's side

    async def _keep(self) -> None:
        assert self._first is not None
        loop = asyncio.get_running_loop()
        until, delay = loop.time() + self._options.start_timeout_s, RETRY_S
        while True:
            try:
                await self._connection()
            except (HostGone, SpeechError) as gone:
                first_try = not self._first.done()
                hopeless = isinstance(gone, SpeechError) or loop.time() > until
                if first_try and hopeless:
                    error = gone if isinstance(gone, SpeechError) else SpeechError(self.name, str(gone))
                    self._keeper = None
                    self._first.set_exception(error)
                    return
                if self._error is None and not first_try:
                    _log.warning("engine_host_gone", engine=self.name, reason=str(gone))
                    self.reconnects, delay = self.reconnects + 1, RETRY_S
                self._error = SpeechError(self.name, str(gone).removeprefix(f"{self.name}: "))
                self._fail_all(self._error)
                limit = RETRY_MAX_S if isinstance(gone, HostGone) else self._options.backoff_max_s
            await asyncio.sleep(delay)
            delay = min(2 * delay, limit)

    async def _connection(self) -> None:
        """One life of the connection. Ends only by HostGone, or SpeechError when the engine does not load."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._host))
        except OSError as error:
            raise HostGone(f"no engine host at {self._host}: {error}") from error
        pending: asyncio.Task[Frame] | None = None
        try:
            writer.write(encode_frame(self._load))
            pending = asyncio.create_task(read_frame(reader))
            # The host's own limit on loading, and a back-off that may be running there.
            await asyncio.wait({pending}, timeout=self._options.start_timeout_s + GRACE_S)
            if not pending.done():
                raise HostGone("the engine host does not answer")
            head = pending.result().head
            if "error" in head:
                raise SpeechError(self.name, str(head["error"]))
            self.pid, self._writer, self._error = head["pid"], writer, None
            if self._first is not None and not self._first.done():
                self._first.set_result(None)
            quiet_s = 0.0
            pending = asyncio.create_task(read_frame(reader))
            while True:
                await asyncio.wait({pending}, timeout=PING_S)
                if not pending.done():
                    quiet_s += PING_S
                    if quiet_s >= SILENT_S:
                        raise HostGone(f"no sign of life for {quiet_s:g} s")
                    self._send({"op": "ping"})
                    continue
                quiet_s = 0.0
                self._take(pending.result())
                pending = asyncio.create_task(read_frame(reader))
        except (asyncio.IncompleteReadError, OSError):
            raise HostGone("the engine host closed the connection") from None
        finally:
            self._writer = None
            if pending is not None:
                pending.cancel()
                await asyncio.wait({pending})
                if not pending.cancelled():
                    pending.exception()
            writer.transport.abort()

    def _take(self, frame: Frame) -> None:
        head = frame.head
        output = self._jobs.get(head.get("id", 0))
        if output is None:
            return  # a sign of life, or of a request that was abandoned
        if "error" in head:
            output.put_nowait(KINDS[head["kind"]](self.name, str(head["error"])))
        elif "result" in head:
            output.put_nowait(dict(head["result"]))
        else:
            output.put_nowait(frame.payload)
