"""What turn-taking costs: processor time of many sessions on their lines, without SIP, RTP and engines.

The sessions are in one process, as in a worker, on the detector that all share. Their lines are fed at the
pace of calls; what the feeding alone costs is measured first and taken off.
"""

import asyncio
import itertools
import time
from collections.abc import Sequence

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import Line, LineBank
from ivr.audio.playback import Playback, PlaybackBuffer
from ivr.session import AudioClip, SessionConfig, VoiceSession
from ivr.speech.base import Transcript
from ivr.vad.base import VoiceActivityDetector
from ivr.vad.registry import create_vad
from tests.bench.turns.clip import Clip, seeded
from tests.bench.turns.columns import Quiet
from tests.bench.turns.line import FRAME, RATE, Condition, Echo, Pcm16, TelephoneLine
from tests.bench.turns.row import Row
from tests.session.engines import LetterTTS

_SETTLE_S = 2.0
"""Seconds before the time is taken."""


class LinePlayer:
    """A ``Player`` whose sound is taken frame by frame, as a call's port does."""

    sample_rate = RATE

    def __init__(self) -> None:
        self._buffer: PlaybackBuffer | None = None

    def playback(self) -> Playback:
        return PlaybackBuffer(RATE)

    def play(self, buffer: Playback) -> None:
        assert isinstance(buffer, PlaybackBuffer)
        self._buffer = buffer

    def release(self, buffer: Playback) -> None:
        if self._buffer is buffer:
            self._buffer = None

    def advance(self, samples: int) -> None:
        pass

    def take(self) -> bytes | None:
        return self._buffer.read(LINE_FRAME) if self._buffer is not None else None


class Caller:
    """One call: its line, what the caller says on it, and its session when it has one."""

    def __init__(self, line: Line, says: Pcm16, prompt: Pcm16 | None, number: int) -> None:
        self.line, self.player = line, LinePlayer()
        self._prompt = prompt
        first = number * 37 % (len(says) // FRAME)
        frames = [says[n * FRAME : (n + 1) * FRAME].tobytes() for n in range(len(says) // FRAME)]
        self._frames = itertools.cycle(frames[first:] + frames[:first])
        self._session: VoiceSession | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, vad: VoiceActivityDetector) -> None:
        self._session = VoiceSession(
            stt=_Words(), tts=LetterTTS(), vad=vad, player=self.player,
            config=SessionConfig(), log=Quiet(), line=self.line,
        )  # fmt: skip
        await self._session.start()
        self._tasks = [asyncio.ensure_future(self._talk()), asyncio.ensure_future(self._listen())]

    async def _talk(self) -> None:
        """One prompt after another, of a kind that speech does not stop: so that both go on."""
        assert self._session is not None
        while self._prompt is not None:
            handle = await self._session.say(AudioClip(self._prompt.tobytes(), RATE), barge_in="dtmf")
            await handle.wait_for_playout()

    async def _listen(self) -> None:
        assert self._session is not None
        while True:
            await self._session.listen()

    def tick(self) -> None:
        sound = self.player.take()
        if sound is not None:
            self.line.write_sent(sound)
        self.line.write_received(next(self._frames))

    def play_alone(self) -> None:
        """The prompt without a session."""
        if self._prompt is not None:
            buffer = PlaybackBuffer(RATE)
            for _ in range(20):
                buffer.write(self._prompt.tobytes())
            self.player.play(buffer)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.stop()


class _Words:
    """A recogniser that costs nothing."""

    name = "words"

    async def start(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return Transcript("this is what was said", 0.9, "words")


async def _feed(callers: Sequence[Caller], seconds: float) -> float:
    """Feed at the pace of calls; return the processor seconds of this process after it has settled."""
    began, spent = time.monotonic(), 0.0
    for n in range(int((seconds + _SETTLE_S) / 0.02)):
        if n == int(_SETTLE_S / 0.02):
            spent = time.process_time()
        for caller in callers:
            caller.tick()
        await asyncio.sleep(max(0.0, began + (n + 1) * 0.02 - time.monotonic()))
    return time.process_time() - spent


async def _measure(says: Pcm16, prompt: Pcm16 | None, calls: int, seconds: float) -> float:
    """Percent of a core of one call."""
    spent = []
    for with_sessions in (False, True):
        bank = LineBank(calls)
        callers = [Caller(bank.open(), says, prompt, n) for n in range(calls)]
        vad = create_vad("silero", bank=bank) if with_sessions else None
        for caller in callers:
            if vad is not None:
                await caller.open(vad)
            else:
                caller.play_alone()
        spent.append(await _feed(callers, seconds))
        for caller in callers:
            await caller.close()
        if vad is not None:
            vad.close()
    return 100 * (spent[1] - spent[0]) / calls / seconds


def talk(clips: Sequence[Clip], prompt: Pcm16, seconds: float) -> Pcm16:
    """A caller who speaks half of the time, over the echo of the prompt."""
    dice = seeded("cost")
    near = np.zeros(int(seconds * RATE) // FRAME * FRAME)
    at = 0
    for clip in itertools.cycle(clips):
        if at + len(clip.pcm) >= len(near):
            break
        near[at : at + len(clip.pcm)] = clip.pcm / 3.0
        at += int(len(clip.pcm) + dice.uniform(0.3, 1.5) * RATE)
    line = TelephoneLine(Condition(echo=Echo(120, 15), noise_dbm0=-65), len(near) // FRAME)
    sent = np.resize(prompt, len(near))
    return np.concatenate(
        [line.hear(near[n : n + FRAME], sent[n : n + FRAME]) for n in range(0, len(near), FRAME)]
    )


def run(clips: Sequence[Clip], prompt: Pcm16, calls: int, seconds: float) -> list[Row]:
    quiet = TelephoneLine(Condition(noise_dbm0=-62.0), 500)
    none = np.zeros(FRAME)
    hiss = np.concatenate([quiet.hear(none, np.zeros(FRAME, np.int16)) for _ in range(500)])
    rows = []
    for name, says, said, limit in (
        ("nobody speaks", hiss, None, 0.3),
        ("both speak", talk(clips, prompt, 30.0), prompt, 1.0),
    ):
        row = Row(
            f"turn-taking per call while {name}", "% of a core", f"≤ {limit:g}", limits=(("p50", limit),)
        )
        row.values["ours"] = [asyncio.run(_measure(says, said, calls, seconds))]
        row.notes = {"calls": calls, "seconds": seconds}
        rows.append(row)
    return rows
