"""Runs a scene through ``VoiceSession.process_audio``, faster than real time."""

import asyncio
import contextlib
import time

import numpy as np

from ivr.session import AudioClip, MemoryPlayer, SessionEnded, SessionState, VoiceSession
from ivr.speech.base import SpeechToText, Transcript
from tests.bench.turns.columns import Column
from tests.bench.turns.line import FRAME, RATE, TelephoneLine
from tests.bench.turns.scene import Scene, Trace, TurnHeard
from tests.session.engines import LetterTTS

RECOGNISED_AFTER_MS = 300.0
"""What Whisper takes for a short utterance, in samples of the call here."""
_ROUNDS = 4
"""Turns of the loop that a frame's consequences take."""


class TimedStt:
    """Answers ``RECOGNISED_AFTER_MS`` of sound after it was asked: what the scene says was said or, with an
    engine, what that makes of the sound, for which the call's time stands still.

    The truth finds its place by the call's clock: a request comes with the sound up to now.
    """

    name = "timed"

    def __init__(self, scene: Scene, engine: SpeechToText | None = None) -> None:
        self._scene, self._engine = scene, engine
        self._now = 0
        self._working: set[asyncio.Task[Transcript]] = set()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def start(self) -> None:
        pass

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        end = self._now
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((end + int(RECOGNISED_AFTER_MS * RATE / 1000), done))
        if self._engine is None:
            text = self._scene.words(end - len(pcm16) // 2 * RATE // sample_rate, end)
            transcript = Transcript(text, 0.9 if text else 0.0, self.name)
        else:
            task = asyncio.ensure_future(self._engine.transcribe(pcm16, sample_rate))
            self._working.add(task)
            try:
                transcript = await task
            finally:
                self._working.discard(task)
        await done
        return transcript

    async def advance(self, now: int) -> None:
        """The call is at sample ``now`` of 8 kHz."""
        if self._working:
            await asyncio.wait(self._working)
        self._now = now
        for due in [w for w in self._waiting if w[0] <= now]:
            self._waiting.remove(due)
            if not due[1].done():
                due[1].set_result(None)

    async def aclose(self) -> None:
        pass


class Quiet:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []

    def info(self, event: str, **details: object) -> None:
        self.events.append({"event": event, **details})

    debug = warning = error = exception = info

    def bind(self, **_: object) -> "Quiet":
        return self


async def run(scene: Scene, column: Column, engine: SpeechToText | None = None) -> Trace:
    """Without an ``engine`` (a started one) the truth is understood."""
    stt = TimedStt(scene, engine)
    player, log = MemoryPlayer(), Quiet()
    session = column.session(scene, stt, LetterTTS(), player, log)
    near = scene.near()
    frames = len(near) // FRAME
    line = TelephoneLine(scene.condition, frames)
    turns: list[TurnHeard] = []
    ended: list[int] = []
    began = time.process_time()

    def moved(state: SessionState) -> None:
        if state is SessionState.PROCESSING and session.clock:
            ended.append(session.clock * RATE // 16_000)

    async with session:
        if scene.prompt is not None:
            await session.say(AudioClip(scene.prompt.tobytes(), RATE))
        session.on_state_changed(moved)
        listening = asyncio.ensure_future(_listen(session, turns))
        sent = np.zeros(FRAME, np.int16)
        for n in range(frames):
            frame = line.hear(near[n * FRAME : (n + 1) * FRAME], sent)
            session.process_audio(frame.tobytes(), RATE)
            await stt.advance((n + 1) * FRAME)
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            sent = np.frombuffer(player.played[-2 * FRAME :], np.int16)
        seconds = time.process_time() - began
    await listening
    return Trace(scene, np.frombuffer(player.played, np.int16), turns, ended, log.events, seconds)


async def _listen(session: VoiceSession, turns: list[TurnHeard]) -> None:
    with contextlib.suppress(SessionEnded):
        while True:
            turn = await session.listen()
            turns.append(TurnHeard(session.clock * RATE // 16_000, turn.text, turn.reason))
