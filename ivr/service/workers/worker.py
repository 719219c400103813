"""One worker under a supervisor: a server that takes commands from the supervisor and reports its calls.

The supervisor sends ``drain`` (no new calls), ``stop`` (end the running ones too), ``plans`` (packed in the
payload) and ``ping``; the worker sends ``ready``, ``failed``, ``pong`` and reports (``reports.py``).
SIGTERM drains the worker, once; the supervisor then starts another.
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
from ivr.process.framing import Frame
from ivr.process.parent_link import ParentLink, ignore_signals, open_parent_socket, read_first_frame
from ivr.service.calls.call import ServedCall
from ivr.service.calls.dialing import CalledParty
from ivr.service.config.settings import Settings
from ivr.service.server import Server, prepare_process
from ivr.service.workers.child_setup import configure_child_logging, unpack
from ivr.service.workers.reports import Reports
from ivr.sip.errors import SipError
from ivr.sip.user_agent import AgentInfo
from ivr.speech.base import SpeechError
from ivr.tasks import TaskSupervisor
from ivr.vad.silero import VadModelError

log: Any = structlog.get_logger("ivr.worker")


class Worker:
    """A server and its connection to the supervisor; observes the server's start and calls."""

    def __init__(self, settings: Settings, plans: Sequence[Plan]) -> None:
        self._server = Server(settings, plans, self)
        self._parent = ParentLink(self._on_frame, self._on_gone)
        self._tasks = TaskSupervisor(log)
        self._reports = Reports(self._parent, self._server.calls.records, self._server.calls.party_records)
        self._plans: asyncio.Queue[bytes] = asyncio.Queue()
        self._draining = False

    async def run(self, link: socket.socket) -> int:
        """Run to the end; returns the exit code. A start that fails is reported to the supervisor."""
        await self._parent.open(link)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._drain)
        try:
            return await self._server.run()
        except (SpeechError, SipError, VadModelError, ModelError, ValueError) as error:
            self._parent.send({"op": "failed", "error": str(error)})
            return 2
        except Exception as error:
            log.critical("worker_failed", exc_info=True)
            self._parent.send({"op": "failed", "error": f"{type(error).__name__}: {error}"})
            return 1
        finally:
            await self._tasks.aclose()
            await self._reports.aclose()
            await self._parent.aclose()

    # -- events of the server

    def ready(self, info: AgentInfo) -> None:
        self._tasks.start(self._change_plans(), "plans of the supervisor")
        self._parent.send({"op": "ready", "info": asdict(info)})

    def call_started(self, call: ServedCall) -> None:
        self._reports.started(call.leg.key, call.record)

    def call_ended(self, call: ServedCall) -> None:
        self._reports.ended(call.leg.key)

    def party_called(self, party: CalledParty) -> None:
        assert party.leg is not None
        self._reports.party_called(party.leg.key, party.record)

    def party_ended(self, party: CalledParty) -> None:
        assert party.leg is not None
        self._reports.party_ended(party.leg.key)

    # -- commands of the supervisor

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
        log.error("supervisor_gone", remedy="this worker ends after its calls; restart the service")
        self._drain()

    def _drain(self) -> None:
        if not self._draining:
            self._draining = True
            self._server.stop()

    async def _change_plans(self) -> None:
        while True:
            packed = await self._plans.get()
            try:
                # Functions that plans name are imported here, which may be slow: it is other people's code.
                settings, plans = await asyncio.to_thread(unpack, packed)
                await self._server.change_plans(plans, settings)
            except Exception:
                log.exception("plan_change_failed")


def main() -> None:
    """Run the child process."""
    ignore_signals()
    link = open_parent_socket()
    frame = read_first_frame(link)
    settings, plans = unpack(frame.payload)
    configure_child_logging(settings, worker=frame.head["index"])
    prepare_process()

    async def serve() -> int:
        return await Worker(settings, plans).run(link)

    sys.exit(asyncio.run(serve()))
