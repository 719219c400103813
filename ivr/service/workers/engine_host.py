"""The process of the engine host (``ivr.process.host``) under the supervisor.

It answers ``ping``; ``stop`` ends it at once. When the supervisor is gone it ends after the last worker that
is connected.
"""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import structlog

from ivr.process.framing import Frame
from ivr.process.host import ProcessHost
from ivr.process.parent_link import ParentLink, ignore_signals, open_parent_socket, read_first_frame
from ivr.service.workers.child_setup import configure_child_logging, unpack
from ivr.tasks import first_completed

log: Any = structlog.get_logger("ivr.engine_host")


async def _serve(link: socket.socket, path: Path) -> None:
    stop, orphaned = asyncio.Event(), asyncio.Event()

    def on_frame(frame: Frame) -> None:
        if frame.head["op"] == "stop":
            stop.set()

    parent = ParentLink(on_frame, orphaned.set)
    await parent.open(link)
    host = ProcessHost(path)
    try:
        try:
            await host.open()
        except OSError as error:
            parent.send({"op": "failed", "error": f"{path}: {error}"})
            return
        parent.send({"op": "ready"})
        log.info("engine_host_ready")
        await first_completed(stop.wait(), orphaned.wait())
        if not stop.is_set():
            await host.empty.wait()
    finally:
        await host.aclose()
        await parent.aclose()
        if orphaned.is_set():
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # the supervisor made it for us, and cannot remove it any more


def main() -> None:
    """Run the child process."""
    ignore_signals()
    link = open_parent_socket()
    frame = read_first_frame(link)
    configure_child_logging(unpack(frame.payload), process="engines")
    asyncio.run(_serve(link, Path(frame.head["socket"])))
