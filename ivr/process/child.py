"""What runs in the process of a local engine: load it, then do one request after the other.

An engine is a class made with plain keyword arguments (making it is loading it) with one method,
``handle(request: dict, payload: bytes)``, a generator: it yields pieces of ``bytes`` as they are made
and returns a JSON-able dict. An exception fails that request alone.
"""

import ctypes
import importlib
import json
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Protocol

from ivr.process.link import HEADER, encode_frame

_PR_SET_PDEATHSIG = 1


class Engine(Protocol):
    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]: ...


class _Wire:
    """The connection to the parent. A thread of its own reads, so that the end of the parent and a
    cancellation are seen while the engine computes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.requests: queue.Queue[tuple[dict[str, Any], bytes]] = queue.Queue()
        self.cancelled = threading.Event()
        threading.Thread(target=self._read, name="parent", daemon=True).start()

    def send(self, head: dict[str, Any], payload: bytes = b"") -> None:
        self._connection.sendall(encode_frame(head, payload))

    def _read(self) -> None:
        with suppress(OSError, EOFError), self._connection.makefile("rb") as stream:
            while True:
                head_size, size = HEADER.unpack(_exactly(stream.read(HEADER.size), HEADER.size))
                head = json.loads(_exactly(stream.read(head_size), head_size))
                payload = _exactly(stream.read(size), size)
                if head["op"] == "cancel":
                    self.cancelled.set()
                else:
                    self.cancelled.clear()  # a cancellation is sent while its request is in hand, never later
                    self.requests.put((head, payload))
        # The parent closed the connection or is dead. Whatever is being computed has no reader.
        os._exit(0)


def _exactly(data: bytes | None, size: int) -> bytes:
    if data is None or len(data) < size:
        raise EOFError
    return data


def main() -> None:
    """Never returns normally; the process ends with the connection."""
    _keep_to_parent()
    wire = _Wire(socket.socket(fileno=os.dup(0)))
    head, _ = wire.requests.get()
    try:
        engine = _load(head)
    except BaseException as error:
        wire.send({"error": _describe(error)})
        sys.exit(1)
    wire.send({"ready": True})
    while True:
        head, payload = wire.requests.get()
        _work(wire, engine, head["request"], payload)


def _keep_to_parent() -> None:
    # Ctrl-C and a service manager's SIGTERM are for the parent, which lets running calls finish; this
    # process ends when the parent closes the connection or dies.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        # For an engine that is stuck with the GIL held, so that no thread sees the connection's end.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(os.environ.get("IVR_PARENT_PID", os.getppid())):
            os._exit(0)


def _load(head: dict[str, Any]) -> Engine:
    if head["niceness"]:
        with suppress(OSError):
            os.nice(head["niceness"])
    module, _, name = head["target"].partition(":")
    engine: Engine = getattr(importlib.import_module(module), name)(**head["arguments"])
    return engine


def _work(wire: _Wire, engine: Engine, request: dict[str, Any], payload: bytes) -> None:
    try:
        pieces = engine.handle(request, payload)
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                wire.send({"result": end.value or {}})
                return
            if wire.cancelled.is_set():
                pieces.close()
                wire.send({"result": {}})
                return
            wire.send({"piece": True}, piece)
    except Exception as error:
        wire.send({"error": _describe(error)})


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
