"""A call in memory: the real session and the real plan, on a clock that jumps; no sound and no engine."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ivr.audio.frames import BYTES_PER_SAMPLE
from ivr.dialplan.dialogue.journal import Journal
from ivr.dialplan.dialogue.jumping_loop import JumpingLoop
from ivr.dialplan.dialogue.noting import NotingSession, noting
from ivr.dialplan.dialogue.plan_log import Listener, PlanLog, Silence
from ivr.dialplan.dialogue.reader import Dialogue
from ivr.dialplan.dialogue.stage import KEY_MS
from ivr.dialplan.dialogue.stubs import StubCall, stub_world
from ivr.dialplan.engine.runner import Runner
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.routes import Routing
from ivr.session import AudioClip, SessionConfig
from ivr.session.scripted import ScriptedPlayer, ScriptedStt, ScriptedTts, speech_ms
from ivr.session.scripted_ear import ScriptedEar


class MemoryStage:
    """A ``Stage``. ``async with`` begins the call and leaves nothing behind."""

    def __init__(
        self,
        plan: Plan,
        dialogue: Dialogue,
        files: Path,
        config: SessionConfig | None = None,
    ) -> None:
        """``files`` is the folder for what callers leave."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop), "a call in memory needs a clock that jumps"
        self._loop = loop
        self._began = loop.time()
        self.journal = Journal(lambda: self.now)
        self._player = ScriptedPlayer()
        self._ear = ScriptedEar(lambda: self._player.playing)
        self.session = NotingSession(
            self.journal,
            plan,
            stt=ScriptedStt(),
            tts=ScriptedTts(),
            vad=self._ear,
            player=self._player,
            config=config,
            log=Silence(),
        )
        world = stub_world(dialogue, self.journal, lambda: self.now, files)
        self._call = StubCall(dialogue.facts, dialogue.transfers, self.journal)
        self._log = PlanLog(noting(self.journal))
        _, start = Routing([plan]).find(dialogue.facts, world.now())
        self.runner = Runner(plan, self.session, self._call, self._log, world, start=start)
        self._task: asyncio.Task[str]
        self._keys: list[asyncio.TimerHandle] = []

    async def __aenter__(self) -> "MemoryStage":
        await self.session.start()
        self._player.on_change = self._ear.stream.look_closer
        self._task = asyncio.ensure_future(self.runner())
        return self

    async def __aexit__(self, *exc: object) -> None:
        for key in self._keys:
            key.cancel()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.session.stop()

    def listen(self, listener: Listener) -> None:
        """It is told of every line of the plan's log."""
        self._log.listeners.append(listener)

    # -- ``Stage``

    @property
    def now(self) -> float:
        return self._loop.time() - self._began

    @property
    def waiting(self) -> bool:
        return self.session.waiting and not self.busy and not self._player.playing

    @property
    def busy(self) -> bool:
        return bool(self._keys) or self._ear.stream.busy

    @property
    def over(self) -> str | None:
        return self._task.result() if self._task.done() else None

    @property
    def ended_by_plan(self) -> str | None:
        return self._call.ended

    def variables(self) -> Mapping[str, Any]:
        return self.runner.run.variables.scope()

    def hidden(self, name: str) -> bool:
        return name in self.runner.run.variables.sensitive

    async def settle(self) -> None:
        await self._loop.quiet()

    async def tick(self, until: float | None = None) -> bool:
        if until is None:
            return await self._loop.tick()
        alarm = self._loop.call_at(self._began + until, lambda: None)
        try:
            return await self._loop.tick()
        finally:
            alarm.cancel()

    async def says(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        length_ms = speech_ms(text) if lasts_s is None else lasts_s * 1000
        self._ear.stream.say(text, length_ms, confidence, after_s * 1000)

    async def plays(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        length_ms = len(clip.pcm16) / BYTES_PER_SAMPLE / clip.sample_rate * 1000
        self._ear.stream.say(text, length_ms, 1.0, after_s * 1000)

    def presses(self, keys: str, *, after_s: float) -> None:
        for place, key in enumerate(keys):
            at = self._loop.time() + after_s + place * KEY_MS / 1000
            self._keys.append(self._loop.call_at(at, self._press, key))

    async def hangs_up(self) -> None:
        await self.session.stop()
        self.runner.caller_left()
        while not self._task.done() and await self._loop.tick():
            pass

    def _press(self, key: str) -> None:
        del self._keys[0]
        self.session.process_dtmf(key)
