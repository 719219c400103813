"""``ivr test --speech``: the speech engine speaks the caller's lines, and the detector and the recogniser
hear them. Without SIP, and faster than real time where the engines are.

The caller's sound is fed in frames of 20 ms, and no frame while the session waits for an engine, as in ``ivr
talk``.
"""

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ivr.audio.frames import FRAME_MS, LINE_RATE
from ivr.audio.resample import resample
from ivr.dialplan.dialogue.call import KEY_MS, LocalCall
from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.events import EventLog
from ivr.dialplan.dialogue.observed_session import ObservedSession
from ivr.dialplan.dialogue.reader import Dialogue, DialogueFile
from ivr.dialplan.dialogue.runner import DialogueRunner, Outcome
from ivr.dialplan.plan.plan import Plan
from ivr.service.config.settings import Settings
from ivr.service.engines import make_engines
from ivr.session import AudioClip, MemoryPlayer, SessionConfig, SessionState
from ivr.speech.base import TextToSpeech
from ivr.tasks import child_task

MAX_STUB_WAIT_S = 0.05
"""Seconds of real time that a stub waits at most; the time of the call does not move meanwhile."""
DIALOGUE_S = 120.0
"""Seconds of real time for one dialogue."""

_FRAME = LINE_RATE * FRAME_MS // 1000 * 2

Voice = Callable[[str], Awaitable[bytes]]
"""Text to PCM16 at 8 kHz."""


class SpeechCall(LocalCall):
    """A ``DialogueCall`` with sound: a real session and real engines; the caller's sound is 8 kHz, as on a
    line.
    """

    def __init__(
        self, plan: Plan, dialogue: Dialogue, files: Path, voice: Voice, config: SessionConfig, **engines: Any
    ) -> None:
        """``files`` is the folder for the messages that callers leave; ``engines`` are stt, tts, vad and
        turn_detector.
        """
        self._voice = voice
        self._frames = 0
        self._sound: deque[bytes] = deque()
        self._keys: list[tuple[int, str]] = []
        event_log = EventLog(lambda: self.now)
        session = ObservedSession(event_log, plan, player=MemoryPlayer(LINE_RATE), config=config, **engines)
        super().__init__(plan, dialogue, files, session, event_log, _short_sleep)

    # -- ``DialogueCall``

    @property
    def now(self) -> float:
        return self._frames * FRAME_MS / 1000

    @property
    def waiting(self) -> bool:
        speaking = self.session.state is SessionState.SPEAKING
        return self.session.waiting and not self.caller_busy and not speaking

    @property
    def caller_busy(self) -> bool:
        return bool(self._sound or self._keys) or self.session.caller_active

    async def settle(self) -> None:
        async with child_task(self.session.wait_until_idle(), "idle session") as settled:
            await asyncio.wait({settled, self._task}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0)

    async def advance(self, until: float | None = None) -> bool:
        self._frames += 1
        if self._keys and self._keys[0][0] <= self._frames:
            self.session.process_dtmf(self._keys.pop(0)[1])
        self.session.process_audio(self._sound.popleft() if self._sound else bytes(_FRAME), LINE_RATE)
        await self.settle()
        return True

    async def say(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        self._queue(await self._voice(text), after_s)

    async def play(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        self._queue(_at_line_rate(clip.pcm16, clip.sample_rate), after_s)

    def press(self, keys: str, *, after_s: float) -> None:
        for place, key in enumerate(keys):
            at = self._frames + round((after_s * 1000 + place * KEY_MS) / FRAME_MS)
            self._keys.append((at, key))

    async def hang_up(self) -> None:
        await self.session.stop()
        self.runner.caller_left()
        await asyncio.wait({self._task})

    def _queue(self, pcm16: bytes, after_s: float) -> None:
        self._sound.extend([bytes(_FRAME)] * round(after_s * 1000 / FRAME_MS))
        for at in range(0, len(pcm16), _FRAME):
            piece = pcm16[at : at + _FRAME]
            self._sound.append(piece + bytes(_FRAME - len(piece)))


async def _short_sleep(seconds: float) -> None:
    await asyncio.sleep(min(seconds, MAX_STUB_WAIT_S))


def _at_line_rate(pcm16: bytes, rate: int) -> bytes:
    if rate == LINE_RATE:
        return pcm16
    return resample(np.frombuffer(pcm16, np.int16), rate, LINE_RATE).tobytes()


def voice_of(tts: TextToSpeech) -> Voice:
    """Return the service's own voice, for the caller."""

    async def speak(text: str) -> bytes:
        pieces = [piece async for piece in tts.synthesize(text)]
        return _at_line_rate(b"".join(pieces), tts.sample_rate)

    return speak


def run_with_speech(
    settings: Settings,
    file: DialogueFile,
    dialogues: Sequence[Dialogue],
    *,
    coverage: Coverage,
    done: Callable[[Outcome], None],
) -> list[Outcome]:
    """Run dialogues as ``run_in_memory`` does. Raises SpeechError and ModelMissing when an engine cannot be
    started.
    """
    return asyncio.run(_run_all(settings, file, dialogues, coverage, done))


async def _run_all(
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
                speech = engines.engines_for_call()
                parts |= {"stt": speech.stt, "tts": speech.tts}
                call = SpeechCall(file.plan, dialogue, Path(files), voice, settings.session, **parts)
                async with call:
                    call.listen(coverage.visitor(call.runner))
                    outcome = await DialogueRunner(dialogue, call, file.sounds).run(DIALOGUE_S)
                outcome.took_s = time.perf_counter() - began
                outcomes.append(outcome)
                done(outcome)
    finally:
        await engines.aclose()
    return outcomes
