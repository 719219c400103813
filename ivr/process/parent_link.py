"""A child's connection to its parent: the socket it was started with, its first frame, its signals."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ivr.process.framing import Frame, encode_frame, read_frame, read_frame_blocking
from ivr.tasks import TaskSupervisor

_PR_SET_PDEATHSIG = 1


def open_parent_socket() -> socket.socket:
    """Return the socket to the parent, which is this process's standard input."""
    return socket.socket(fileno=os.dup(0))


def read_first_frame(link: socket.socket) -> Frame:
    """Read what the parent sends first, before there is an event loop. Raises EOFError."""
    with link.makefile("rb", buffering=0) as stream:
        return read_frame_blocking(stream)


def ignore_signals() -> None:
    """Leave stopping to the parent: a terminal or a service manager signals every process of a service."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies (Linux), even while it is stuck in C code."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(os.environ.get("IVR_PARENT_PID", os.getppid())):
            os._exit(0)


class ParentLink:
    """The connection to the parent on a running event loop.

    ``on_frame`` is called with each frame but pings, which are answered here; ``on_gone`` when the parent
    closed the connection or died.
    """

    def __init__(self, on_frame: Callable[[Frame], None], on_gone: Callable[[], None]) -> None:
        self._on_frame, self._on_gone = on_frame, on_gone
        self._writer: asyncio.StreamWriter
        self._tasks = TaskSupervisor()

    async def open(self, link: socket.socket) -> None:
        """Begin to read from ``link``."""
        reader, self._writer = await asyncio.open_connection(sock=link)
        self._tasks.start(self._read(reader), "parent link")

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        """Write a frame into the socket now, as far as the socket takes it; the rest follows."""
        if not self._writer.is_closing():
            self._writer.write(encode_frame(head, payload))

    @property
    def backlog(self) -> int:
        """Bytes that the socket has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def drain(self) -> None:
        """Wait until the parent reads again. Raises OSError when the connection is lost."""
        await self._writer.drain()

    async def aclose(self) -> None:
        """Send what is queued, for a second at most, and close."""
        await self._tasks.aclose()
        self._writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()

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
