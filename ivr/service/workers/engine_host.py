"""The process of the engine host (``ivr.speech.host``) under the supervisor.

It answers ``ping``. When the supervisor is gone it stays for as long as a worker that finishes its calls
is connected; ``stop`` ends it at once.
"""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import structlog

from ivr.process.link import Frame
from ivr.service.workers.control import ControlLink, first_frame, ignore_signals, log_as, open_link, unpack
from ivr.speech.host import EngineHost

log: Any = structlog.get_logger("ivr.engine_host")


async def _serve(link: socket.socket, path: Path) -> None:
    stop, orphaned = asyncio.Event(), asyncio.Event()

    def on_frame(frame: Frame) -> None:
        if frame.head["op"] == "stop":
            stop.set()

    control = ControlLink(on_frame, orphaned.set)
    await control.open(link)
    host = EngineHost(path)
    try:
        try:
            await host.open()
        except OSError as error:
            control.send({"op": "failed", "error": f"{path}: {error}"})
            return
        control.send({"op": "ready"})
        log.info("engine_host_ready")
        ends = [asyncio.create_task(event.wait()) for event in (stop, orphaned)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        if not stop.is_set():
            await host.empty.wait()
    finally:
        await host.aclose()
        await control.aclose()
        if orphaned.is_set():
            with contextlib.suppress(OSError):
                path.parent.rmdir()  # the supervisor made it for us, and cannot remove it any more


def main() -> None:
    """Of the child process."""
    ignore_signals()
    link = open_link()
    frame = first_frame(link)
    log_as(unpack(frame.payload), process="engines")
    asyncio.run(_serve(link, Path(frame.head["socket"])))
