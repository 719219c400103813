"""The service that ``ivr test --sip`` calls: a real one in a process of its own, but for the world of its
plan, which is that of the dialogue, and for what it tells of each call over its connection.

The first call is the first dialogue's, and so on. Messages are tuples: the number of the call, from 0 (-1: of
none), the kind, and what belongs to it: ``ready`` (address),
``failed`` (why), ``note`` (kind, text, number, more), ``state`` (waiting, busy), ``variables`` (values, names
of the sensitive ones), ``visited`` (place, event and fields of the plan's log), ``over`` (the plan's reason).
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
from ivr.service.config.settings import Settings
from ivr.service.logs import configure_logging
from ivr.service.server import Server, prepare_process
from ivr.session import VoiceSession
from ivr.sip.errors import SipError
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.user_agent import AgentInfo
from ivr.speech.base import SpeechError

LOOK_S = 0.03
"""Seconds between two looks at who speaks and who waits."""

LINGER_S = 3.0
"""Seconds between the plan's end and that of the call: the caller's recogniser is to have the last words too.
"""

Tell = Callable[..., None]
"""``tell(kind, *values)``, or with the call's number in front."""


class _ReportingEventLog(EventLog):
    def __init__(self, tell: Tell) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self._tell = tell

    def add(self, kind: str, text: str, number: int = 0, **more: Any) -> None:
        super().add(kind, text, number, **more)
        self._tell("note", kind, text, number, more)


class ReportingCall(ServedCall):
    """Tells what happens in it."""

    def __init__(self, tell: Tell, dialogue: Dialogue, plan: Plan, *parts: Any, **more: Any) -> None:
        self._tell = tell
        self._event_log = _ReportingEventLog(tell)
        self._told_values: Any = None
        super().__init__(parts[0], plan, *parts[1:], **more)
        self.facts = dialogue.facts
        self._stub = StubCall(dialogue.facts, dialogue.transfers, self._event_log)
        self._runner.run.log = PlanLog(record_plan_events(self._event_log), self._logged)

    def _make_session(self, **parts: Any) -> VoiceSession:
        return ObservedSession(self._event_log, self.plan, **parts)

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        self._tell("over", reason)
        if self._confirmed.is_set():
            await asyncio.sleep(LINGER_S)
        await super().hangup(reason, status)

    async def dial(self, dial: Dial) -> TransferResult:
        """As ``transfer``: nobody is called."""
        return await self._stub.dial(dial)

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        return await self._stub.transfer(to, timeout_s)

    async def _serve(self, ring_s: float) -> Any:
        looking = asyncio.ensure_future(self._look())
        try:
            return await super()._serve(ring_s)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
            self._tell("over", "caller_hangup")

    async def _look(self) -> None:
        session = self._session
        assert isinstance(session, ObservedSession)
        told: tuple[bool, bool] | None = None
        while True:
            state = (session.waiting, session.caller_active)
            if state != told:
                told = state
                self._tell("state", *state)
            variables = self._runner.run.variables
            values = (_plain(variables.scope()), frozenset(variables.sensitive))
            if values != self._told_values:
                self._told_values = values
                self._tell("variables", *values)
            await asyncio.sleep(LOOK_S)

    def _logged(self, event: str, fields: dict[str, Any]) -> None:
        known = {name: value for name, value in fields.items() if isinstance(value, str | int | float | bool)}
        self._tell("visited", self._runner.position.place, event, known)


class DialogueServer(Server):
    """Gives each call the world of its dialogue."""

    def __init__(
        self, settings: Settings, plan: Plan, dialogues: Sequence[Dialogue], tell: Tell, files: Path
    ) -> None:
        super().__init__(settings, [plan], _Above(tell))
        self._tell, self._files = tell, files
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

        tell = functools.partial(self._tell, self._calls_made)
        self._calls_made += 1
        world = stub_world(dialogue, _ReportingEventLog(tell), elapsed, self._files)
        _, start = Routing([plan]).find(dialogue.facts, world.now())
        return ReportingCall(
            tell, dialogue, plan, leg, self._engines, self._settings, None, world, start=start
        )


def _plain(values: Any) -> Any:
    """What another process can be told; anything else as text."""
    if isinstance(values, dict):
        return {str(name): _plain(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    return values if values is None or isinstance(values, str | int | float | bool) else str(values)


class _Above:
    """Who is told of the server: ``server.ServerObserver``."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def ready(self, info: AgentInfo) -> None:
        self._tell(-1, "ready", info.address)

    def call_started(self, call: ServedCall) -> None:
        """The call reports that itself."""

    def call_ended(self, call: ServedCall) -> None:
        """The call reports that itself."""


def serve_dialogues(settings: Settings, path: Path, names: Sequence[str], connection: Connection) -> None:
    """The process: until the connection is closed. ``names`` are those of the dialogues, in the order of the
    calls.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us ends us
    configure_logging(level="error")
    prepare_process()

    def tell(*message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            connection.send(message)

    try:
        asyncio.run(_serve(settings, path, names, connection, tell))
    except (SpeechError, SipError, ModelError, ValueError) as error:
        tell(-1, "failed", str(error))


async def _serve(
    settings: Settings, path: Path, names: Sequence[str], connection: Connection, tell: Tell
) -> None:
    file = load_dialogues(path)
    by_name = {dialogue.name: dialogue for dialogue in file.dialogues}
    with tempfile.TemporaryDirectory(prefix="ivr-test-") as files:
        chosen = [by_name[name] for name in names]
        server = DialogueServer(settings, file.plan, chosen, tell, Path(files))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.remove_reader(connection.fileno())
            server.stop()
            server.stop()  # at once

        # Nothing is ever sent to us: it can be read when it is closed.
        loop.add_reader(connection.fileno(), stop)
        await server.run()
