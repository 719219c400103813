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


class TruthStt:
    """Understands what the scene says was said, ``RECOGNISED_AFTER_MS`` of sound later.

    It finds its place by the session's clock: a request comes with the sound up to now.
    """

    name = "truth"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._now = 0
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def start(self) -> None:
        pass

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        end = self._now
        start = end - len(pcm16) // 2 * RATE // sample_rate
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((end + int(RECOGNISED_AFTER_MS * RATE / 1000), done))
        await done
        text = self._scene.words(start, end)
        return Transcript(text, 0.9 if text else 0.0, self.name)

    async def advance(self, now: int) -> None:
        """The call is at sample ``now`` of 8 kHz."""
        self._now = now
        for due in [w for w in self._waiting if w[0] <= now]:
            self._waiting.remove(due)
            if not due[1].done():
                due[1].set_result(None)

    async def aclose(self) -> None:
        pass


class _Silent:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []

    def info(self, event: str, **details: object) -> None:
        self.events.append({"event": event, **details})

    debug = warning = error = exception = info

    def bind(self, **_: object) -> "_Silent":
        return self


async def run(scene: Scene, column: Column, stt: SpeechToText | None = None) -> Trace:
    """Without ``stt`` the truth is understood. With one (a real one), time stands still while it works."""
    truth = TruthStt(scene) if stt is None else None
    player, log = MemoryPlayer(), _Silent()
    session = column.session(scene, truth or stt, LetterTTS(), player, log)  # type: ignore[arg-type]
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
            if truth is not None:
                await truth.advance((n + 1) * FRAME)
            else:
                await session.settled()
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
