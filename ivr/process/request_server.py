"""Serve requests in a child process: load a handler, then answer one request after the other.

A handler is a class made with plain keyword arguments (making it is loading it) with one method,
``handle(request: dict, payload: bytes)``, a generator: it yields pieces of ``bytes`` as they are made
and returns a JSON-able dict. An exception fails that request alone.

Frames from the parent: ``{"op": "load", "target", "arguments", "niceness"}`` first; then
``{"op": "work", "request"}`` with a payload, and ``{"op": "cancel"}`` while one is in work.
Frames to the parent: ``{"op": "ready"}`` or ``{"op": "failed", "error"}``; then for each request
``{"op": "piece"}`` with a payload, any number, and ``{"op": "result", "result"}`` or
``{"op": "error", "error"}``.
"""

import importlib
import os
import queue
import re
import socket
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from ivr.process.framing import Frame, encode_frame, read_frame_blocking
from ivr.process.parent_link import die_with_parent, ignore_signals, open_parent_socket

EXIT_OUT_OF_MEMORY = 71
"""Exit code of a child that could not allocate memory (EX_OSERR of sysexits.h)."""


class RequestHandler(Protocol):
    """What a child process runs; see the module."""

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]: ...


class _Connection:
    """The connection to the parent. A thread of its own reads, so that the end of the parent and a
    cancellation are seen while the handler computes."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self.requests: queue.Queue[Frame] = queue.Queue()
        self.cancelled = threading.Event()
        threading.Thread(target=self._read, name="parent", daemon=True).start()

    def send(self, head: Mapping[str, Any], payload: bytes = b"") -> None:
        self._link.sendall(encode_frame(head, payload))

    def _read(self) -> None:
        with suppress(OSError, EOFError), self._link.makefile("rb") as stream:
            while True:
                frame = read_frame_blocking(stream)
                if frame.head["op"] == "cancel":
                    self.cancelled.set()
                else:
                    self.cancelled.clear()  # a cancellation is sent while its request is in work, never later
                    self.requests.put(frame)
        # The parent closed the connection or is dead: nobody reads what is being computed.
        os._exit(0)


def main() -> None:
    """Run the child. It never returns normally; the process ends with the connection."""
    ignore_signals()
    die_with_parent()
    connection = _Connection(open_parent_socket())
    try:
        handler = _load(connection.requests.get().head)
    except BaseException as error:
        connection.send({"op": "failed", "error": _describe(error)})
        sys.exit(1)
    connection.send({"op": "ready"})
    while True:
        frame = connection.requests.get()
        _serve(connection, handler, frame.head["request"], frame.payload)


def _load(head: Mapping[str, Any]) -> RequestHandler:
    if head["niceness"]:
        with suppress(OSError):
            os.nice(head["niceness"])
    module, _, name = head["target"].partition(":")
    handler: RequestHandler = getattr(importlib.import_module(module), name)(**head["arguments"])
    return handler


def _serve(connection: _Connection, handler: RequestHandler, request: dict[str, Any], payload: bytes) -> None:
    try:
        pieces = handler.handle(request, payload)
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                connection.send({"op": "result", "result": end.value or {}})
                return
            if connection.cancelled.is_set():
                pieces.close()
                connection.send({"op": "result", "result": {}})
                return
            connection.send({"op": "piece"}, piece)
    except Exception as error:
        if _out_of_memory(error):
            # The next request would fail too. A new process has room, and is given this request again.
            print(f"{_describe(error)}: the process ends", file=sys.stderr, flush=True)
            os._exit(EXIT_OUT_OF_MEMORY)
        connection.send({"op": "error", "error": _describe(error)})


def _out_of_memory(error: Exception) -> bool:
    # Libraries in C++ report it as a RuntimeError: std::bad_alloc, "mkl_malloc: failed to allocate memory".
    return isinstance(error, MemoryError) or re.search(r"\b(bad_alloc|\w*alloc\w*)\b", str(error)) is not None


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
