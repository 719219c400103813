"""A host of request processes: each is loaded once and serves several services over a Unix socket.

A client opens one connection for each process. Its frames are those of ``request_server``, with an ``id``
for each request, since several may be waiting:

* client: ``{"op": "load", "name", "target", "arguments", "options"}`` first; then
  ``{"op": "work", "id", "request"}`` with a payload, ``{"op": "cancel", "id"}``, ``{"op": "ping"}``
* host: ``{"op": "ready", "pid"}`` or ``{"op": "failed", "error"}``; then, for each request,
  ``{"op": "piece", "id"}`` with a payload, any number, and one ``{"op": "result", "id", "result"}`` or
  ``{"op": "error", "id", "error", "kind"}``; ``{"op": "pong"}``

Every process has one queue for all clients (``queue_size``); a request that finds it full is refused at
once as busy. The end of a connection abandons its requests. Whoever may open the socket may run any code
as this user: its folder must be closed to others.
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from ivr.process.framing import encode_frame, read_frame
from ivr.process.request_process import RequestProcess
from ivr.process.requests import KINDS, ProcessOptions, RequestFailed
from ivr.tasks import TaskSupervisor

_log: Any = structlog.get_logger("ivr.process")


class ProcessHost:
    """Serves on ``path`` from ``open`` to ``aclose``; one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._processes: dict[str, RequestProcess] = {}
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.empty = asyncio.Event()
        """No client is connected."""
        self.empty.set()

    async def open(self) -> None:
        """Listen; a socket that an earlier host left behind is replaced. Raises OSError."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, str(self._path))
        self._path.chmod(0o600)

    async def aclose(self) -> None:
        """Close every client's connection and end the processes."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await asyncio.gather(*(process.aclose() for process in self._processes.values()))
        self._path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        self.empty.clear()
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client is gone
        except (KeyError, TypeError, ValueError) as error:
            _log.warning("host_client_refused", reason=f"not a frame of this protocol: {error!r}")
        except asyncio.CancelledError:
            pass  # ``aclose``; the server's own callback would report it as an error
        finally:
            writer.transport.abort()
            self._clients.discard(task)
            if not self._clients:
                self.empty.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it goes."""
        process = self._process((await read_frame(reader)).head)
        try:
            await process.start()
        except RequestFailed as error:
            writer.write(encode_frame({"op": "failed", "error": error.reason}))
            await writer.drain()
            return
        writer.write(encode_frame({"op": "ready", "pid": process.pid}))
        tasks = TaskSupervisor()
        requests: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                frame = await read_frame(reader)
                operation = frame.head["op"]
                if operation == "ping":
                    writer.write(encode_frame({"op": "pong"}))
                    continue
                number = int(frame.head["id"])
                if operation == "cancel":
                    if number in requests:
                        requests[number].cancel()
                    continue
                work = self._work(process, writer, number, frame.head["request"], frame.payload)
                requests[number] = task = tasks.start(work, f"request {number}")
                task.add_done_callback(partial(_forget, requests, number))
        finally:
            await tasks.aclose()

    def _process(self, head: Mapping[str, Any]) -> RequestProcess:
        """Return the process with these arguments and options; made when the first client wants it."""
        key = json.dumps([head["target"], head["arguments"], head["options"]], sort_keys=True)
        if key not in self._processes:
            options = ProcessOptions(**head["options"])
            self._processes[key] = RequestProcess(head["name"], head["target"], head["arguments"], options)
        return self._processes[key]

    async def _work(
        self,
        process: RequestProcess,
        writer: asyncio.StreamWriter,
        number: int,
        request: Mapping[str, Any],
        payload: bytes,
    ) -> None:
        # A client that does not read fills its connection; then only its own requests wait.
        with contextlib.suppress(OSError):
            try:
                async with aclosing(process.run(request, payload)) as items:
                    async for item in items:
                        if isinstance(item, bytes):
                            writer.write(encode_frame({"op": "piece", "id": number}, item))
                        else:
                            writer.write(encode_frame({"op": "result", "id": number, "result": item}))
                        await writer.drain()
            except RequestFailed as error:
                kind = next(name for name, known in KINDS.items() if isinstance(error, known))
                head = {"op": "error", "id": number, "error": error.reason, "kind": kind}
                writer.write(encode_frame(head))
                await writer.drain()


def _forget(requests: dict[int, asyncio.Task[None]], number: int, _: asyncio.Task[None]) -> None:
    requests.pop(number, None)
