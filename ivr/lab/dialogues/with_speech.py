"""``ivr test --speech``: what callers say is spoken by the speech engine, and goes through detector and
recogniser. No SIP, faster than real time where the engines are.

The caller's sound is fed in frames of 20 ms, and not one more while the session waits for an engine, as in
``ivr talk``.
"""

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ivr.audio.frames import FRAME_MS, LINE_RATE
from ivr.audio.resample import resample
from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.journal import Journal
from ivr.dialplan.dialogue.noting import NotingSession, noting
from ivr.dialplan.dialogue.plan_log import Listener, PlanLog
from ivr.dialplan.dialogue.reader import Dialogue, DialogueFile
from ivr.dialplan.dialogue.rehearsal import Outcome, Rehearsal
from ivr.dialplan.dialogue.stage import KEY_MS
from ivr.dialplan.dialogue.stubs import StubCall, stub_world
from ivr.dialplan.engine.runner import Runner
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.routes import Routing
from ivr.service.config.settings import Settings
from ivr.service.engines import make_engines
from ivr.session import AudioClip, MemoryPlayer, SessionConfig, SessionState
from ivr.speech.base import TextToSpeech

REAL_S = 0.05
"""Seconds that a stub really waits at most: meanwhile the call's own time stands still."""
DIALOGUE_S = 120.0
"""Seconds of the clock on the wall for one dialogue."""

_FRAME = LINE_RATE * FRAME_MS // 1000 * 2

Voice = Callable[[str], Awaitable[bytes]]
"""Text to PCM16 at 8 kHz."""


class SpeechStage:
    """A ``Stage`` made of a real session and of engines; the caller's sound is 8 kHz, as on a line."""

    def __init__(
        self, plan: Plan, dialogue: Dialogue, files: Path, voice: Voice, config: SessionConfig, **engines: Any
    ) -> None:
        """``files`` is the folder for what callers leave, ``engines`` are stt, tts, vad and turn_detector."""
        self.journal = Journal(lambda: self.now)
        self._voice = voice
        self._frames = 0
        self._sound: deque[bytes] = deque()
        self._keys: list[tuple[int, str]] = []
        self._log = PlanLog(noting(self.journal))
        self._session = NotingSession(
            self.journal, plan, player=MemoryPlayer(LINE_RATE), config=config, **engines
        )
        world = stub_world(dialogue, self.journal, lambda: self.now, files, _moment)
        self._call = StubCall(dialogue.facts, dialogue.transfers, self.journal, _moment)
        _, start = Routing([plan]).find(dialogue.facts, world.now())
        self.runner = Runner(plan, self._session, self._call, self._log, world, start=start)
        self._task: asyncio.Task[str]

    async def __aenter__(self) -> Self:
        await self._session.start()
        self._task = asyncio.ensure_future(self.runner())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._session.stop()

    def listen(self, listener: Listener) -> None:
        """It is told of every line of the plan's log."""
        self._log.listeners.append(listener)

    # -- ``Stage``

    @property
    def now(self) -> float:
        return self._frames * FRAME_MS / 1000

    @property
    def waiting(self) -> bool:
        speaking = self._session.state is SessionState.SPEAKING
        return self._session.waiting and not self.busy and not speaking

    @property
    def busy(self) -> bool:
        return bool(self._sound or self._keys) or self._session.caller_active

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
        settled = asyncio.ensure_future(self._session.settled())
        await asyncio.wait({settled, self._task}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        await asyncio.sleep(0)

    async def tick(self, until: float | None = None) -> bool:
        self._frames += 1
        if self._keys and self._keys[0][0] <= self._frames:
            self._session.process_dtmf(self._keys.pop(0)[1])
        self._session.process_audio(self._sound.popleft() if self._sound else bytes(_FRAME), LINE_RATE)
        await self.settle()
        return True

    async def says(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        self._queue(await self._voice(text), after_s)

    async def plays(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        self._queue(_at_line_rate(clip.pcm16, clip.sample_rate), after_s)

    def presses(self, keys: str, *, after_s: float) -> None:
        for place, key in enumerate(keys):
            at = self._frames + round((after_s * 1000 + place * KEY_MS) / FRAME_MS)
            self._keys.append((at, key))

    async def hangs_up(self) -> None:
        await self._session.stop()
        self.runner.caller_left()
        await asyncio.wait({self._task})

    def _queue(self, pcm16: bytes, after_s: float) -> None:
        self._sound.extend([bytes(_FRAME)] * round(after_s * 1000 / FRAME_MS))
        for at in range(0, len(pcm16), _FRAME):
            piece = pcm16[at : at + _FRAME]
            self._sound.append(piece + bytes(_FRAME - len(piece)))


async def _moment(seconds: float) -> None:
    await asyncio.sleep(min(seconds, REAL_S))


def _at_line_rate(pcm16: bytes, rate: int) -> bytes:
    if rate == LINE_RATE:
        return pcm16
    return resample(np.frombuffer(pcm16, np.int16), rate, LINE_RATE).tobytes()


def voice_of(tts: TextToSpeech) -> Voice:
    """The caller speaks with the service's own voice."""

    async def speak(text: str) -> bytes:
        pieces = [piece async for piece in tts.synthesize(text)]
        return _at_line_rate(b"".join(pieces), tts.sample_rate)

    return speak


def hold_with_speech(
    settings: Settings,
    file: DialogueFile,
    dialogues: Sequence[Dialogue],
    *,
    coverage: Coverage,
    done: Callable[[Outcome], None],
) -> list[Outcome]:
    """As ``hold_in_memory``. Raises SpeechError and ModelMissing when an engine cannot be started."""
    return asyncio.run(_hold_all(settings, file, dialogues, coverage, done))


async def _hold_all(
    settings: Settings,
    file: DialogueFile,
    dialogues: Sequence[Dialogue],
    coverage: Coverage,
    done: Callable[[Outcome], None],
) -> list[Outcome]:
    engines = make_engines(settings)
    outcomes: list[Outcome] = []
    parts: dict[str, Any] = {"vad": engines.vad, "turn_detector": engines.turn}
    try:
        await engines.start(file.plan.prompts())
        with tempfile.TemporaryDirectory(prefix="ivr-test-") as files:
            for dialogue in dialogues:
                began = time.perf_counter()
                voice = voice_of(engines.tts)
                tongue = engines.tongue()
                parts |= {"stt": tongue.stt, "tts": tongue.tts}
                stage = SpeechStage(file.plan, dialogue, Path(files), voice, settings.session, **parts)
                async with stage:
                    stage.listen(coverage.visitor(stage.runner))
                    outcome = await Rehearsal(dialogue, stage, file.sounds).hold(DIALOGUE_S)
                outcome.took_s = time.perf_counter() - began
                outcomes.append(outcome)
                done(outcome)
    finally:
        await engines.close()
    return outcomes
