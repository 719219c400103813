"""The engine host: local engines loaded once, asked by several services over a Unix socket.

A client opens one connection for each engine. Frames are those of ``child_link``, JSON and raw bytes:

* client: ``{"op": "load", "name", "target", "arguments", "options"}`` first; then
  ``{"op": "work", "id", "request"}`` with a payload, ``{"op": "cancel", "id"}``, ``{"op": "ping"}``
* host: ``{"ready", "pid"}`` or ``{"error"}``; then, for each request, ``{"id", "piece"}`` with a payload
  and one ``{"id", "result"}`` or ``{"id", "error", "kind"}``; ``{"pong"}``

Every engine has one queue for all (``queue_size``); a request that finds it full is refused at once as
busy. A connection's end abandons what it had asked for. Who may open the socket may run any engine as
this user: its folder must be closed to others.
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

from ivr.process.link import encode_frame, read_frame
from ivr.speech.base import SpeechError
from ivr.speech.process import EngineProcess, ProcessOptions
from ivr.speech.shared_engine import kind_of, message_of

_log = structlog.get_logger(__name__)


class EngineHost:
    """Serves on ``path`` from ``open`` to ``aclose``; one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engines: dict[str, EngineProcess] = {}
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self.empty = asyncio.Event()
        """No client is connected."""
        self.empty.set()

    async def open(self) -> None:
        """Listen; a socket that a host before us left behind is replaced. Raises OSError."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, str(self._path))
        self._path.chmod(0o600)

    async def aclose(self) -> None:
        """Hang up on every client and end the engines."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await asyncio.gather(*(engine.aclose() for engine in self._engines.values()))
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
            _log.warning("engine_client_refused", reason=f"not a frame of ours: {error!r}")
        except asyncio.CancelledError:
            pass  # ``aclose``; the server's own callback would report it as an error
        finally:
            writer.transport.abort()
            self._clients.discard(task)
            if not self._clients:
                self.empty.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, to its end."""
        engine = self._engine((await read_frame(reader)).head)
        try:
            await engine.start()
        except SpeechError as error:
            writer.write(encode_frame({"error": message_of(error)}))
            await writer.drain()
            return
        writer.write(encode_frame({"ready": True, "pid": engine.pid}))
        requests: dict[int, asyncio.Task[None]] = {}
        try:
            while True:
                frame = await read_frame(reader)
                operation = frame.head["op"]
                if operation == "ping":
                    writer.write(encode_frame({"pong": True}))
                    continue
                number = int(frame.head["id"])
                if operation == "cancel":
                    if number in requests:
                        requests[number].cancel()
                    continue
                work = self._work(engine, writer, number, frame.head["request"], frame.payload)
                requests[number] = task = asyncio.create_task(work)
                task.add_done_callback(partial(_forget, requests, number))
        finally:
            tasks = tuple(requests.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _engine(self, head: Mapping[str, Any]) -> EngineProcess:
        """The one process for what is asked; made when it is asked for the first time."""
        key = json.dumps([head["target"], head["arguments"], head["options"]], sort_keys=True)
        if key not in self._engines:
            options = ProcessOptions(**head["options"])
            self._engines[key] = EngineProcess(head["name"], head["target"], head["arguments"], options)
        return self._engines[key]

    async def _work(
        self,
        engine: EngineProcess,
        writer: asyncio.StreamWriter,
        number: int,
        request: Mapping[str, Any],
        payload: bytes,
    ) -> None:
        # A client that does not read fills its connection; then only its own requests wait.
        with contextlib.suppress(OSError):
            try:
                async with aclosing(engine.run(request, payload)) as items:
                    async for item in items:
                        if isinstance(item, bytes):
                            writer.write(encode_frame({"id": number, "piece": True}, item))
                        else:
                            writer.write(encode_frame({"id": number, "result": item}))
                        await writer.drain()
            except SpeechError as error:
                head = {"id": number, "error": message_of(error), "kind": kind_of(error)}
                writer.write(encode_frame(head))
                await writer.drain()


def _forget(requests: dict[int, asyncio.Task[None]], number: int, _: asyncio.Task[None]) -> None:
    requests.pop(number, None)
