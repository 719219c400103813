"""The caller's end of a dialogue's call over SIP: what the service reports, and what the caller does."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from ivr.dialplan.dialogue.events import EventLog
from ivr.session import AudioClip, SayHandle, SessionEnded, VoiceSession
from ivr.sip.leg import CallLeg
from ivr.tasks import TaskSupervisor

TICK_S = 0.02
SETTLED_S = 0.5
"""Seconds after the caller's last sound until the service can have noticed that it ended."""
KEY_S = 0.3
"""Seconds that a key takes, tone and gap."""


class SipDialogueCall:
    """A ``DialogueCall``; ``receive`` takes the messages of the service."""

    def __init__(self, leg: CallLeg, session: VoiceSession, visit: Callable[..., None]) -> None:
        """``session`` is the caller's; ``visit`` receives the position of the plan and its log lines."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.event_log = EventLog(lambda: self.now)
        self._leg, self._session, self._visit = leg, session, visit
        self._service_waiting = self._caller_active = False
        self._values: Mapping[str, Any] = {}
        self._sensitive: frozenset[str] = frozenset()
        self._end_reason: str | None = None
        self._ended = asyncio.Event()
        self._saying: SayHandle | None = None
        self._scheduled = TaskSupervisor()
        """What the caller is about to say and press."""
        self._settled_at = 0.0
        """Time until which what the caller did is still on its way to the service."""

    def receive(self, kind: str, *values: Any) -> None:
        """Take in a message of the service (``sip_service`` lists the kinds)."""
        match kind:
            case "event":
                event, text, number, more = values
                self.event_log.add(event, text, number, **more)
            case "state":
                self._service_waiting, self._caller_active = bool(values[0]), bool(values[1])
            case "variables":
                self._values, self._sensitive = values
            case "visited":
                self._visit(*values)
            case "ended":
                self._end_reason = self._end_reason or str(values[0])
                self._ended.set()

    # -- ``DialogueCall``

    @property
    def now(self) -> float:
        return self._loop.time() - self._began

    @property
    def waiting(self) -> bool:
        return self._service_waiting and not self.caller_busy

    @property
    def caller_busy(self) -> bool:
        if self._saying is not None and self._saying.done:
            self._saying, self._settled_at = None, self.now + SETTLED_S
        busy = self._saying is not None or self._scheduled.running > 0 or self._caller_active
        return busy or self.now < self._settled_at

    @property
    def end_reason(self) -> str | None:
        return self._end_reason

    @property
    def ended_by_plan(self) -> str | None:
        return self._end_reason

    def variables(self) -> Mapping[str, Any]:
        return self._values

    def is_sensitive(self, name: str) -> bool:
        return name in self._sensitive

    async def settle(self) -> None:
        await asyncio.sleep(TICK_S)

    async def advance(self, until: float | None = None) -> bool:
        left = TICK_S if until is None else min(TICK_S, max(0.0, until - self.now))
        await asyncio.sleep(left)
        return True

    async def say(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        self._schedule(after_s, lambda: self._say(text))

    async def play(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        self._schedule(after_s, lambda: self._say(clip))

    def press(self, keys: str, *, after_s: float) -> None:
        async def press() -> None:
            self._leg.send_dtmf(keys)
            await asyncio.sleep(KEY_S * len(keys))

        self._schedule(after_s, press)

    async def hang_up(self) -> None:
        self._leg.hangup("caller")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._ended.wait()

    async def aclose(self) -> None:
        """Abandon what the caller has not begun to do."""
        await self._scheduled.aclose()

    # -- inside

    def _schedule(self, after_s: float, act: Callable[[], Any]) -> None:
        async def later() -> None:
            await asyncio.sleep(after_s)
            await act()

        self._scheduled.start(later(), "what the caller does")

    async def _say(self, source: str | AudioClip) -> None:
        # The caller goes on speaking, whatever the service says at the same time.
        with contextlib.suppress(SessionEnded):
            self._saying = await self._session.say(source, barge_in="none")
