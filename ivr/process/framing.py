"""Frames between two processes: encode, read on an event loop, read in a thread.

A frame is a header of two big-endian 32-bit lengths, a JSON object (``head``), and raw bytes (``payload``).
"""

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ivr.tasks import TaskSupervisor, child_task

_HEADER = struct.Struct("!II")


class PeerGone(Exception):
    """The process at the other end ended, closed the connection, or must be given up.

    ``stuck``: it was alive but did not answer. ``permanent``: a further attempt would fail likewise.
    """

    def __init__(self, reason: str, *, stuck: bool = False, permanent: bool = False) -> None:
        super().__init__(reason)
        self.stuck, self.permanent = stuck, permanent


@dataclass(frozen=True, slots=True)
class Frame:
    head: dict[str, Any]
    payload: bytes = field(repr=False)


class ByteStream(Protocol):
    """A binary file open for reading, buffered or not."""

    def read(self, size: int, /) -> bytes | None: ...


def encode_frame(head: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """Return the bytes of one frame; ``head`` must be plain JSON values."""
    text = json.dumps(head).encode()
    return _HEADER.pack(len(text), len(payload)) + text + payload


async def read_frame(reader: asyncio.StreamReader) -> Frame:
    """Read the next frame on the event loop. Raises IncompleteReadError or OSError at its end."""
    head_size, size = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    head = json.loads(await reader.readexactly(head_size))
    return Frame(head, await reader.readexactly(size))


class FrameReader:
    """Reads frames from a stream; a wait that ends early, or is cancelled, loses no frame."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._tasks = TaskSupervisor()
        self._pending: asyncio.Task[Frame] | None = None

    async def next(self, timeout_s: float | None = None) -> Frame | None:
        """Return the next frame; None after ``timeout_s`` seconds. Raises as ``read_frame``."""
        pending = self._read()
        await asyncio.wait({pending}, timeout=timeout_s)
        if not pending.done():
            return None
        self._pending = None
        return pending.result()

    async def wait_idle(self, event: asyncio.Event) -> bool:
        """Wait for ``event`` while no frame arrives. Returns False when a frame or the stream's end came."""
        pending = self._read()
        async with child_task(event.wait(), "frame or event") as waiter:
            await asyncio.wait({waiter, pending}, return_when=asyncio.FIRST_COMPLETED)
        return not pending.done()

    async def aclose(self) -> None:
        """End the wait for a frame. Idempotent."""
        self._pending = None
        await self._tasks.aclose()

    def _read(self) -> asyncio.Task[Frame]:
        if self._pending is None:
            self._pending = self._tasks.start(read_frame(self._reader), "read frame", awaited=True)
        return self._pending


def read_frame_blocking(stream: ByteStream) -> Frame:
    """Read the next frame in a thread, or before there is an event loop. Raises EOFError or OSError."""
    head_size, size = _HEADER.unpack(_read_exactly(stream, _HEADER.size))
    head = json.loads(_read_exactly(stream, head_size))
    return Frame(head, _read_exactly(stream, size))


def _read_exactly(stream: ByteStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = stream.read(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data
