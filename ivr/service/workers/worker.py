"""One worker under a supervisor: an ``ivr serve`` that is told what to do over its connection.

The supervisor says ``drain`` (no new calls), ``stop`` (the running ones end too), ``plans`` (with the new
ones packed) and ``ping``; the worker says ``ready``, ``failed``, ``pong`` and what ``workers.OpenCalls``
reads. SIGTERM drains, once; the supervisor then starts another.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import structlog

from ivr.dialplan.plan.plan import Plan
from ivr.modelstore import ModelError
from ivr.process.link import Frame
from ivr.service.calls.call_record import begun
from ivr.service.config.settings import Settings
from ivr.service.server import Server, prepare_process
from ivr.service.workers.control import (
    BACKLOG_BYTES,
    ControlLink,
    first_frame,
    ignore_signals,
    log_as,
    open_link,
    unpack,
)
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg
from ivr.sip.user_agent import AgentInfo
from ivr.speech.base import SpeechError
from ivr.vad.silero import VadModelError

log: Any = structlog.get_logger("ivr.worker")


class Reports:
    """Tells the supervisor of calls that began and ended.

    A report goes into the socket at once, so that not even SIGKILL takes it back. When the supervisor
    has not read for so long that ``BACKLOG_BYTES`` wait, reports are dropped, with a line in the log;
    once it reads again it gets the list of the calls that are open then.
    """

    def __init__(self, control: ControlLink) -> None:
        self._control = control
        self._open: dict[int, dict[str, Any]] = {}
        self._catching_up: asyncio.Task[None] | None = None
        self.dropped = 0

    def began(self, key: int, fields: dict[str, Any]) -> None:
        self._open[key] = {"op": "began", "key": key, **fields}
        self._report(self._open[key])

    def ended(self, key: int) -> None:
        if self._open.pop(key, None) is not None:
            self._report({"op": "ended", "key": key})

    def _report(self, report: dict[str, Any]) -> None:
        if self._catching_up is None and self._control.backlog > BACKLOG_BYTES:
            log.warning("call_reports_full", limit_bytes=BACKLOG_BYTES, open=len(self._open))
            self._catching_up = asyncio.create_task(self._catch_up())
        if self._catching_up is not None:
            self.dropped += 1
        else:
            self._control.send(report)

    async def _catch_up(self) -> None:
        try:
            await self._control.drained()
        except OSError:
            return  # there is nobody left to tell
        self._catching_up = None
        self._control.send({"op": "calls", "open": list(self._open.values())})


class Worker:
    """A server and its connection to the supervisor. It is what the server has above it."""

    def __init__(self, settings: Settings, plans: Sequence[Plan]) -> None:
        self._server = Server(settings, plans, self)
        self._control = ControlLink(self._on_frame, self._on_gone)
        self._reports = Reports(self._control)
        self._plans: asyncio.Queue[bytes] = asyncio.Queue()
        self._changing: asyncio.Task[None] | None = None
        self._draining = False

    async def run(self, link: socket.socket) -> int:
        """To the end; the exit code. A start that fails is told to the supervisor."""
        await self._control.open(link)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._drain)
        try:
            return await self._server.run()
        except (SpeechError, SipError, VadModelError, ModelError, ValueError) as error:
            self._control.send({"op": "failed", "error": str(error)})
            return 2
        except Exception as error:
            log.critical("worker_failed", exc_info=True)
            self._control.send({"op": "failed", "error": f"{type(error).__name__}: {error}"})
            return 1
        finally:
            if self._changing is not None:
                self._changing.cancel()
            await self._control.aclose()

    # -- what the server tells

    def ready(self, info: AgentInfo) -> None:
        self._changing = asyncio.create_task(self._change_plans())
        self._control.send({"op": "ready", "info": asdict(info)})

    def call_began(self, leg: CallLeg, plan: Plan) -> None:
        self._reports.began(leg.key, begun(leg, plan))

    def call_ended(self, leg: CallLeg) -> None:
        self._reports.ended(leg.key)

    # -- what the supervisor says

    def _on_frame(self, frame: Frame) -> None:
        operation = frame.head["op"]
        if operation == "drain":
            self._drain()
        elif operation == "stop":
            self._drain()
            self._server.stop()
        elif operation == "plans":
            self._plans.put_nowait(frame.payload)

    def _on_gone(self) -> None:
        log.error("supervisor_gone", remedy="running calls are finished, then this worker ends")
        self._drain()

    def _drain(self) -> None:
        if not self._draining:
            self._draining = True
            self._server.stop()

    async def _change_plans(self) -> None:
        while True:
            packed = await self._plans.get()
            try:
                # Functions that plans name are imported here: their author's code may take its time.
                await self._server.change_plans(await asyncio.to_thread(unpack, packed))
            except Exception:
                log.exception("plans_not_changed")


def main() -> None:
    """Of the child process."""
    ignore_signals()
    link = open_link()
    frame = first_frame(link)
    settings, plans = unpack(frame.payload)
    log_as(settings, worker=frame.head["index"])
    prepare_process()

    async def serve() -> int:
        return await Worker(settings, plans).run(link)

    sys.exit(asyncio.run(serve()))
