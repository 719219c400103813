"""The service that ``ivr test --sip`` calls: a real one in a process of its own, except that back ends and
transfers are those of the dialogue, and that it reports over a connection what happens in each call.

The first call belongs to the first dialogue, and so on. A message is a tuple: the number of the call, from 0
(-1: no call), a kind, and its values:

- ``ready``: address
- ``failed``: why the service did not start
- ``event``: kind, text, number, more, as in ``EventLog.add``
- ``state``: whether the service waits, whether the caller speaks
- ``variables``: values, names of the sensitive ones
- ``visited``: position of the plan, event and fields of its log line
- ``ended``: the plan's reason
"""

import asyncio
import contextlib
import functools
import signal
import tempfile
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ivr.dialplan.dialogue.events import EventLog
from ivr.dialplan.dialogue.observed_session import ObservedSession, record_plan_events
from ivr.dialplan.dialogue.plan_log import PlanLog
from ivr.dialplan.dialogue.reader import Dialogue, load_dialogues
from ivr.dialplan.dialogue.stubs import StubCall, stub_world
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.routing import Routing
from ivr.dialplan.runtime.control import Dial, TransferResult
from ivr.modelstore import ModelError
from ivr.service.calls.call import ServedCall
from ivr.service.calls.dialing import CalledParty
from ivr.service.config.settings import Settings
from ivr.service.logs import configure_logging
from ivr.service.server import Server, prepare_process
from ivr.session import VoiceSession
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.user_agent import AgentInfo
from ivr.speech.base import SpeechError
from ivr.tasks import child_task

POLL_S = 0.03
"""Seconds between two checks of who speaks and who waits."""

LINGER_S = 3.0
"""Seconds between the plan's end and the call's, so that the caller's recogniser gets the last words too."""

Report = Callable[..., None]
"""``report(kind, *values)``, or with the call's number in front."""


class _ReportingEventLog(EventLog):
    def __init__(self, report: Report) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self._report = report

    def add(self, kind: str, text: str, number: int = 0, **more: Any) -> None:
        super().add(kind, text, number, **more)
        self._report("event", kind, text, number, more)


class ReportingCall(ServedCall):
    """A call that reports what happens in it."""

    def __init__(self, report: Report, dialogue: Dialogue, plan: Plan, *parts: Any, **more: Any) -> None:
        self._report = report
        self._event_log = _ReportingEventLog(report)
        self._reported_values: Any = None
        super().__init__(parts[0], plan, *parts[1:], **more)
        self.facts = dialogue.facts
        self._stub = StubCall(dialogue.facts, dialogue.transfers, self._event_log)
        self._runner.run.log = PlanLog(record_plan_events(self._event_log), self._report_log_line)

    def _make_session(self, **parts: Any) -> VoiceSession:
        return ObservedSession(self._event_log, self.plan, **parts)

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        self._report("ended", reason)
        if self._confirmed.is_set():
            await asyncio.sleep(LINGER_S)
        await super().hangup(reason, status)

    async def dial(self, dial: Dial) -> TransferResult:
        """Answer as ``transfer`` does: nobody is called."""
        return await self._stub.dial(dial)

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        return await self._stub.transfer(to, timeout_s)

    async def _serve(self, ring_s: float) -> Any:
        try:
            async with child_task(self._poll(), "reports of the call's state"):
                return await super()._serve(ring_s)
        finally:
            self._report("ended", "caller_hangup")

    async def _poll(self) -> None:
        session = self._session
        assert isinstance(session, ObservedSession)
        reported: tuple[bool, bool] | None = None
        while True:
            state = (session.waiting, session.caller_active)
            if state != reported:
                reported = state
                self._report("state", *state)
            variables = self._runner.run.variables
            values = (_plain(variables.scope()), frozenset(variables.sensitive))
            if values != self._reported_values:
                self._reported_values = values
                self._report("variables", *values)
            await asyncio.sleep(POLL_S)

    def _report_log_line(self, event: str, fields: dict[str, Any]) -> None:
        known = {name: value for name, value in fields.items() if isinstance(value, str | int | float | bool)}
        self._report("visited", self._runner.position.place, event, known)


class DialogueServer(Server):
    """A server that gives each call the back ends and transfers of its dialogue."""

    def __init__(
        self, settings: Settings, plan: Plan, dialogues: Sequence[Dialogue], report: Report, files: Path
    ) -> None:
        super().__init__(settings, [plan], _ReportReady(report))
        self._report, self._files = report, files
        self._waiting = list(dialogues)
        self._calls_made = 0

    def _incoming(self, leg: CallLeg) -> LegListener:
        if not self._waiting:
            leg.hangup("busy", 486)
            return LegListener()
        return super()._incoming(leg)

    def _make_call(self, leg: CallLeg, plan: Plan, start: str | None) -> ServedCall:
        dialogue = self._waiting.pop(0)
        began = asyncio.get_running_loop().time()

        def elapsed() -> float:
            return asyncio.get_running_loop().time() - began

        report = functools.partial(self._report, self._calls_made)
        self._calls_made += 1
        world = stub_world(dialogue, _ReportingEventLog(report), elapsed, self._files)
        _, start = Routing([plan]).find(dialogue.facts, world.now())
        return ReportingCall(
            report, dialogue, plan, leg, self._engines, self._settings, None, world, start=start
        )


def _plain(values: Any) -> Any:
    """Convert to what can be sent to another process; everything else becomes text."""
    if isinstance(values, dict):
        return {str(name): _plain(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    return values if values is None or isinstance(values, str | int | float | bool) else str(values)


class _ReportReady:
    """A ``ServerObserver`` that reports when the server is ready."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def ready(self, info: AgentInfo) -> None:
        self._report(-1, "ready", info.address)

    def call_started(self, call: ServedCall) -> None:
        """Do nothing: the call reports itself."""

    def call_ended(self, call: ServedCall) -> None:
        """Do nothing: the call reports itself."""

    def party_called(self, party: CalledParty) -> None: ...

    def party_ended(self, party: CalledParty) -> None: ...


def serve_dialogues(settings: Settings, path: Path, names: Sequence[str], connection: Connection) -> None:
    """Run the service process until the connection is closed. ``names`` are the dialogues in the order of the
    calls.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    configure_logging(level="error")
    prepare_process()

    def report(*message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            connection.send(message)

    try:
        asyncio.run(_serve(settings, path, names, connection, report))
    except (SpeechError, SipError, ModelError, ValueError) as error:
        report(-1, "failed", str(error))


async def _serve(
    settings: Settings, path: Path, names: Sequence[str], connection: Connection, report: Report
) -> None:
    file = load_dialogues(path)
    by_name = {dialogue.name: dialogue for dialogue in file.dialogues}
    with tempfile.TemporaryDirectory(prefix="ivr-test-") as files:
        chosen = [by_name[name] for name in names]
        server = DialogueServer(settings, file.plan, chosen, report, Path(files))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.remove_reader(connection.fileno())
            server.stop()
            server.stop()  # at once

        # The parent never sends anything: the connection becomes readable when it is closed.
        loop.add_reader(connection.fileno(), stop)
        await server.run()
