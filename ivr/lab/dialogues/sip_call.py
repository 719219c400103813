"""A dialogue's call over SIP as its caller has it: what the service tells of it, and what the caller does."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from ivr.dialplan.dialogue.events import EventLog
from ivr.session import AudioClip, SayHandle, SessionEnded, VoiceSession
from ivr.sip.leg import CallLeg

TICK_S = 0.02
MADE_OUT_S = 0.5
"""Seconds after the caller's last sound before which the service cannot know that it was the last."""
KEY_S = 0.3
"""Seconds that a key takes on the way, tone and gap."""


class SipDialogueCall:
    """A ``DialogueCall``; the messages of the service come in through ``told``."""

    def __init__(self, leg: CallLeg, session: VoiceSession, visit: Callable[..., None]) -> None:
        """``session`` is the caller's; ``visit`` is told where the plan is and of its log."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.event_log = EventLog(lambda: self.now)
        self._leg, self._session, self._visit = leg, session, visit
        self._service = (False, False)
        self._values: Mapping[str, Any] = {}
        self._hidden: frozenset[str] = frozenset()
        self._over: str | None = None
        self._ended = asyncio.Event()
        self._saying: SayHandle | None = None
        self._later: list[asyncio.Task[None]] = []
        self._sure_at = 0.0
        """Before that time what the caller did is still on its way."""

    def told(self, kind: str, *values: Any) -> None:
        """A message of the service."""
        match kind:
            case "note":
                note, text, number, more = values
                self.event_log.add(note, text, number, **more)
            case "state":
                self._service = (bool(values[0]), bool(values[1]))
            case "variables":
                self._values, self._hidden = values
            case "visited":
                self._visit(*values)
            case "over":
                self._over = self._over or str(values[0])
                self._ended.set()

    # -- ``DialogueCall``

    @property
    def now(self) -> float:
        return self._loop.time() - self._began

    @property
    def waiting(self) -> bool:
        return self._service[0] and not self.caller_busy

    @property
    def caller_busy(self) -> bool:
        if self._saying is not None and self._saying.done:
            self._saying, self._sure_at = None, self.now + MADE_OUT_S
        self._later = [task for task in self._later if not task.done()]
        return bool(self._saying or self._later or self._service[1]) or self.now < self._sure_at

    @property
    def end_reason(self) -> str | None:
        return self._over

    @property
    def ended_by_plan(self) -> str | None:
        return self._over

    def variables(self) -> Mapping[str, Any]:
        return self._values

    def is_sensitive(self, name: str) -> bool:
        return name in self._hidden

    async def settle(self) -> None:
        await asyncio.sleep(TICK_S)

    async def advance(self, until: float | None = None) -> bool:
        left = TICK_S if until is None else min(TICK_S, max(0.0, until - self.now))
        await asyncio.sleep(left)
        return True

    async def say(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        self._do(after_s, lambda: self._say(text))

    async def play(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        self._do(after_s, lambda: self._say(clip))

    def press(self, keys: str, *, after_s: float) -> None:
        async def press() -> None:
            self._leg.send_dtmf(keys)
            await asyncio.sleep(KEY_S * len(keys))

        self._do(after_s, press)

    async def hang_up(self) -> None:
        self._leg.hangup("caller")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._ended.wait()

    # -- inside

    def _do(self, after_s: float, act: Callable[[], Any]) -> None:
        async def later() -> None:
            await asyncio.sleep(after_s)
            await act()

        self._later.append(asyncio.ensure_future(later()))

    async def _say(self, source: str | AudioClip) -> None:
        # Whatever the service says meanwhile: a caller who speaks goes on.
        with contextlib.suppress(SessionEnded):
            self._saying = await self._session.say(source, barge_in="none")
