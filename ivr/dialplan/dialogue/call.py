"""The call that a dialogue runs on: what ``DialogueRunner`` needs of one, and what calls with their plan in
this process share.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, Self

from ivr.dialplan.dialogue.events import EventLog
from ivr.dialplan.dialogue.observed_session import ObservedSession, record_plan_events
from ivr.dialplan.dialogue.plan_log import LogListener, PlanLog
from ivr.dialplan.dialogue.reader import Dialogue
from ivr.dialplan.dialogue.stubs import StubCall, stub_world
from ivr.dialplan.engine.runner import Runner
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.routing import Routing
from ivr.session.types import AudioClip
from ivr.tasks import TaskSupervisor

TURN_MS = 200.0
"""Milliseconds that a caller waits before they answer: the gap between turns in conversation."""
KEY_MS = 200.0
"""Milliseconds from one key to the next."""


class DialogueCall(Protocol):
    """A running call and the plan in it, over SIP or in memory. Times are seconds of the call."""

    event_log: EventLog

    @property
    def now(self) -> float:
        """Seconds since the call began."""

    @property
    def waiting(self) -> bool:
        """Whether the service listens, neither side speaks, and only the caller or time can change that."""

    @property
    def caller_busy(self) -> bool:
        """Whether the caller speaks, is about to, or their words are being transcribed."""

    @property
    def end_reason(self) -> str | None:
        """The reason why the plan ended; None while it runs."""

    @property
    def ended_by_plan(self) -> str | None:
        """The reason that the plan gave when it ended the call; None when it did not end it."""

    def variables(self) -> Mapping[str, Any]:
        """Return the plan's variables and their values."""

    def is_sensitive(self, name: str) -> bool:
        """Return whether the value of the variable ``name`` must not be shown."""

    async def settle(self) -> None:
        """Return when everything that can happen at this time has happened."""

    async def advance(self, until: float | None = None) -> bool:
        """Let time pass until something may have changed, at most to ``until`` (seconds of the call). Returns
        False when nothing will change without the caller.
        """

    async def say(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        """Start to say ``text`` as the caller in ``after_s`` seconds. Returns at once."""

    async def play(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        """Start to play a sound as the caller in ``after_s`` seconds; ``text`` is what it says."""

    def press(self, keys: str, *, after_s: float) -> None:
        """Press keys as the caller, the first in ``after_s`` seconds."""

    async def hang_up(self) -> None:
        """Hang up as the caller. Returns when the plan has ended."""


class LocalCall:
    """A call whose session and plan run in this process. ``async with`` starts it and ends all of it."""

    def __init__(
        self,
        plan: Plan,
        dialogue: Dialogue,
        files: Path,
        session: ObservedSession,
        event_log: EventLog,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``files`` is the folder for the messages that callers leave; ``sleep`` is how the
        stubs wait.
        """
        self.event_log, self.session = event_log, session
        world = stub_world(dialogue, event_log, lambda: self.now, files, sleep)
        self._control = StubCall(dialogue.facts, dialogue.transfers, event_log, sleep)
        self._log = PlanLog(record_plan_events(event_log))
        _, start = Routing([plan]).find(dialogue.facts, world.now())
        self.runner = Runner(plan, session, self._control, self._log, world, start=start)
        self._tasks = TaskSupervisor()
        self._task: asyncio.Task[str]

    async def __aenter__(self) -> Self:
        await self.session.start()
        self._task = self._tasks.start(self.runner(), "plan", awaited=True)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._tasks.aclose()
        await self.session.stop()

    def listen(self, listener: LogListener) -> None:
        """Call ``listener`` with every line of the plan's log from now on."""
        self._log.listeners.append(listener)

    @property
    def now(self) -> float:
        """Seconds since the call began."""
        raise NotImplementedError

    @property
    def end_reason(self) -> str | None:
        return self._task.result() if self._task.done() else None

    @property
    def ended_by_plan(self) -> str | None:
        return self._control.ended

    def variables(self) -> Mapping[str, Any]:
        return self.runner.run.variables.scope()

    def is_sensitive(self, name: str) -> bool:
        return name in self.runner.run.variables.sensitive
