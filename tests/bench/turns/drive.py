"""Runs a scene through ``VoiceSession.process_audio``, faster than real time."""

import asyncio
import contextlib
import functools
import hashlib
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

import numpy as np

from ivr.grammar.transcripts import transcript_words
from ivr.modelstore import model_path
from ivr.session import AudioClip, Decision, Expectation, MemoryPlayer, SessionEnded, VoiceSession
from ivr.speech.base import SpeechToText, Transcript
from ivr.speech.providers.smart_turn.child import SmartTurnEngine
from tests.bench.turns.columns import Column, Engines
from tests.bench.turns.line import FRAME, RATE, TelephoneLine
from tests.bench.turns.scene import Scene, Trace, TurnHeard
from tests.session.engines import LetterTTS

T = TypeVar("T")

RECOGNISED_AFTER_MS = 300.0
"""What Whisper takes for a short utterance, in samples of the call here."""
JUDGED_AFTER_MS = 45.0
"""What smart-turn takes."""
_ROUNDS = 6
"""Turns of the loop that a frame's consequences take."""


class SoundClock:
    """The call's time, for engines that take some: samples of 8 kHz."""

    def __init__(self) -> None:
        self.now = 0
        self._working: set[asyncio.Future[Any]] = set()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def after(self, ms: float) -> None:
        """So much sound later."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now + int(ms * RATE / 1000), done))
        await done

    async def standing(self, work: Awaitable[T]) -> T:
        """Time does not move during ``work``."""
        task = asyncio.ensure_future(work)
        self._working.add(task)
        try:
            return await task
        finally:
            self._working.discard(task)

    async def advance(self, now: int) -> None:
        """The call is at sample ``now``."""
        if self._working:
            await asyncio.wait(self._working)
        self.now = now
        for due in [w for w in self._waiting if w[0] <= now]:
            self._waiting.remove(due)
            if not due[1].done():
                due[1].set_result(None)


class TimedStt:
    """Answers ``RECOGNISED_AFTER_MS`` of sound after it was asked: what the scene says was said or, with an
    engine, what that makes of the sound.

    The truth finds its place by the call's clock: a request comes with the sound up to now.
    """

    name = "timed"

    def __init__(self, scene: Scene, clock: SoundClock, engine: SpeechToText | None = None) -> None:
        self._scene, self._clock, self._engine = scene, clock, engine

    async def start(self) -> None:
        pass

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        end = self._clock.now
        due = asyncio.ensure_future(self._clock.after(RECOGNISED_AFTER_MS))
        try:
            if self._engine is None:
                text = self._scene.words(end - len(pcm16) // 2 * RATE // sample_rate, end)
                transcript = Transcript(text, 0.9 if text else 0.0, self.name)
            else:
                transcript = await self._clock.standing(self._engine.transcribe(pcm16, sample_rate))
            await due
        finally:
            due.cancel()
        return transcript

    async def aclose(self) -> None:
        pass


class TimedJudge:
    """smart-turn's own judgement, ``JUDGED_AFTER_MS`` of sound after it was asked."""

    name = "timed"

    def __init__(self, clock: SoundClock) -> None:
        self._clock = clock

    async def start(self) -> None:
        pass

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        await self._clock.after(JUDGED_AFTER_MS)
        key = hashlib.sha256(pcm16).digest()
        if key not in _JUDGED:
            _JUDGED[key] = _smart_turn(pcm16, sample_rate)
        return _JUDGED[key]

    async def aclose(self) -> None:
        pass


_JUDGED: dict[bytes, float] = {}
"""Results of sounds judged before."""


@functools.cache
def _engine() -> SmartTurnEngine:
    return SmartTurnEngine(model=str(model_path("smart-turn")), threads=1)


def _smart_turn(pcm16: bytes, sample_rate: int) -> float:
    """Return the probability as the engine's process does, in this one."""
    work = _engine().handle({"sample_rate": sample_rate}, pcm16)
    while True:
        try:
            next(work)
        except StopIteration as done:
            return float(done.value["probability"])


async def run(scene: Scene, column: Column, engine: SpeechToText | None = None) -> Trace:
    """Run a scene. Without an ``engine`` (a started one) the truth is understood."""
    clock = SoundClock()
    player = MemoryPlayer()
    language = scene.clip.language if scene.clip is not None else ""
    engines = Engines(
        TimedStt(scene, clock, engine), LetterTTS(), TimedJudge(clock), player, language or "en"
    )
    session, look = column.session(engines)
    near = scene.near()
    frames = len(near) // FRAME
    line = TelephoneLine(scene.condition, frames)
    turns: list[TurnHeard] = []
    reported: list[tuple[int, Decision]] = []
    began = time.process_time()
    now = 0
    session.on_decision(lambda decision: reported.append((now, decision)))

    async with session:
        if column.reported:
            session.set_expectation(_expectation(scene))
        if scene.prompt is not None:
            await session.say(AudioClip(scene.prompt.tobytes(), RATE))
        listening = asyncio.ensure_future(_listen(session, turns))
        sent = np.zeros(FRAME, np.int16)
        for n in range(frames):
            now = (n + 1) * FRAME
            frame = line.hear(near[n * FRAME : now], sent)
            session.process_audio(frame.tobytes(), RATE)
            await clock.advance(now)
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
                look()
            sent = np.frombuffer(player.played[-2 * FRAME :], np.int16)
        seconds = time.process_time() - began
    await listening
    ended = [at for at, decision in reported if decision.stage == "turn_ended"]
    return Trace(scene, np.frombuffer(player.played, np.int16), turns, ended, reported, seconds)


def _expectation(scene: Scene) -> Expectation:
    choices = {" ".join(transcript_words(choice)) for choice in scene.choices}
    fits = (lambda text: " ".join(transcript_words(text)) in choices) if choices else None
    return Expectation(kind=scene.expect, fits=fits)


async def _listen(session: VoiceSession, turns: list[TurnHeard]) -> None:
    with contextlib.suppress(SessionEnded):
        while True:
            turn = await session.listen()
            turns.append(TurnHeard(session.clock * RATE // 16_000, turn.text, turn.reason))
