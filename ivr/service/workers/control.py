"""A child's end of its connection to the supervisor, and the logging that all children share."""

import asyncio
import json
import os
import pickle
import signal
import socket
from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any

from ivr.process.link import HEADER, Frame, encode_frame, read_frame
from ivr.service.config.settings import Settings
from ivr.service.logs import configure_logging

BACKLOG_BYTES = 256 * 1024
"""What may wait in a worker to be read by the supervisor; some 1000 reports."""


def _read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(values)


class _Pickler(pickle.Pickler):
    """Plans hold read-only views of dicts, which pickle does not know."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, MappingProxyType):
            return _read_only, (dict(value),)
        return NotImplemented


def pack(value: Any) -> bytes:
    """Settings and plans as bytes for a child process of ours. Never read such bytes from anyone else."""
    target = BytesIO()
    _Pickler(target, pickle.HIGHEST_PROTOCOL).dump(value)
    return target.getvalue()


def unpack(data: bytes) -> Any:
    return pickle.loads(data)


def first_frame(link: socket.socket) -> Frame:
    """What the supervisor says first, read before there is a loop. Raises EOFError."""
    with link.makefile("rb", buffering=0) as stream:

        def exactly(size: int) -> bytes:
            found = b""
            while len(found) < size:
                piece = stream.read(size - len(found))
                if not piece:
                    raise EOFError("the supervisor is gone")
                found += piece
            return found

        head_size, size = HEADER.unpack(exactly(HEADER.size))
        return Frame(json.loads(exactly(head_size)), exactly(size))


def open_link() -> socket.socket:
    """Our end of the connection, which we were started with as standard input."""
    return socket.socket(fileno=os.dup(0))


def ignore_signals() -> None:
    """The supervisor says when to stop: a service manager may signal every process of a service."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def log_as(settings: Settings, **fields: Any) -> None:
    """Log to where the supervisor logs, every line with ``fields``. Raises OSError."""
    log = settings.log
    configure_logging(log.format, log.level, file=log.file, secrets=settings.secrets(), fields=fields)


class ControlLink:
    """The connection on a running loop. ``on_frame`` gets what the supervisor says, ``on_gone`` its end."""

    def __init__(self, on_frame: Callable[[Frame], None], on_gone: Callable[[], None]) -> None:
        self._on_frame, self._on_gone = on_frame, on_gone
        self._writer: asyncio.StreamWriter
        self._task: asyncio.Task[None]

    async def open(self, link: socket.socket) -> None:
        reader, self._writer = await asyncio.open_connection(sock=link)
        self._task = asyncio.create_task(self._read(reader), name="supervisor")

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        """Now, as far as the socket takes it; the rest follows."""
        if not self._writer.is_closing():
            self._writer.write(encode_frame(head, payload))

    @property
    def backlog(self) -> int:
        """Bytes that the socket has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the supervisor reads again."""
        await self._writer.drain()

    async def aclose(self) -> None:
        """With all that was sent."""
        self._task.cancel()
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                frame = await read_frame(reader)
                if frame.head["op"] == "ping":
                    self.send({"op": "pong"})
                else:
                    self._on_frame(frame)
        except (asyncio.IncompleteReadError, OSError):
            self._on_gone()
