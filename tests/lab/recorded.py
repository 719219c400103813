"""A call without a telephone, recorded as the service records one: session, ears and files are the real ones;
what the plan does and what the recogniser understands is given.
"""

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_FRAME, LINE_RATE, VAD_RATE
from ivr.audio.line import LineBank
from ivr.lab.replay.audio_clock import AudioClockLoop
from ivr.service.config.settings import Settings, load_settings
from ivr.service.recording.files import RecordingFiles
from ivr.session import AudioClip, Decision, MemoryPlayer, VoiceSession
from ivr.speech.base import Transcript, TurnDetector
from ivr.vad.registry import create_line_vad
from tests.session.engines import LetterTTS

Pcm16 = npt.NDArray[np.int16]
LATENCY_S = 0.3
"""Seconds that the recogniser takes, in the time of the call."""


class SlowSTT:
    """Answers what the scene says: ``texts`` in order, or of ``said`` what was begun last."""

    name = "slow"

    def __init__(self, scene: "Scene", clock: Callable[[], int]) -> None:
        self.texts = list(scene.texts)
        self.said, self.clock = scene.said, clock

    async def start(self) -> None: ...

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        text = self.texts.pop(0) if self.texts else ""
        begun = [each for second, each in self.said if second * VAD_RATE <= self.clock()]
        text = begun[-1] if begun else text
        await asyncio.sleep(LATENCY_S)
        return Transcript(text, 0.9, self.name)

    async def aclose(self) -> None: ...


@dataclass
class Scene:
    """``plan(session)`` runs while the caller says ``caller`` (int16, 8 kHz); ``keys`` are (second, key)."""

    caller: Pcm16
    plan: Callable[[VoiceSession], Any]
    texts: tuple[str, ...] = ()
    keys: tuple[tuple[float, str], ...] = ()
    turns: TurnDetector | None = None
    said: tuple[tuple[float, str], ...] = ()
    """(second, what is understood of the speech from there on)."""


def at(seconds: float, *sounds: tuple[float, Pcm16]) -> Pcm16:
    """``seconds`` of silence in which each sound begins at its second."""
    x = np.zeros(round(seconds * LINE_RATE), np.int16)
    for begin, sound in sounds:
        first = round(begin * LINE_RATE)
        x[first : first + len(sound)] += sound[: len(x) - first]
    return x


def clip(pcm: Pcm16, text: str) -> AudioClip:
    return AudioClip(pcm.tobytes(), LINE_RATE, text)


def record(folder: Path, name: str, scene: Scene, settings: Settings | None = None) -> Path:
    """The WAV; its decisions are beside it."""
    settings = settings or load_settings(environ={})
    loop = AudioClockLoop()
    try:
        sound, decisions = loop.run_until_complete(_call(loop, scene, settings))
    finally:
        loop.close()
    options = settings.decisive() | {"turn": {"name": "smart-turn" if scene.turns is not None else "none"}}
    details = {"call": name, "plan": "scene", "rate": 16_000, "options": options}
    folder.mkdir(exist_ok=True)
    files = RecordingFiles(folder, name)
    files.append(sound, [Decision(0, "session", details=details), *decisions])
    return files.finish()


def with_options(**endpointing: float) -> Settings:
    settings = load_settings(environ={})
    changed = dataclasses.replace(settings.session.endpointing, **endpointing)
    return dataclasses.replace(settings, session=dataclasses.replace(settings.session, endpointing=changed))


async def _call(loop: AudioClockLoop, scene: Scene, settings: Settings) -> tuple[Pcm16, list[Decision]]:
    bank = LineBank(1)
    line = bank.open()
    vad = create_line_vad(settings.vad.name, bank, **settings.vad.keywords())
    player = MemoryPlayer()
    session = VoiceSession(
        stt=SlowSTT(scene, lambda: session.clock),
        tts=LetterTTS(),
        vad=vad,
        player=player,
        config=settings.session,
        line=line,
        turn_detector=scene.turns,
    )
    decisions: list[Decision] = []
    session.on_decision(decisions.append)
    keys = list(scene.keys)
    frames = len(scene.caller) // LINE_FRAME
    async with session:
        plan = asyncio.ensure_future(scene.plan(session))
        await loop.idle()
        for frame in range(frames):
            player.advance(LINE_FRAME)
            line.write_sent(player.played[-2 * LINE_FRAME :])
            line.write_received(scene.caller[frame * LINE_FRAME : (frame + 1) * LINE_FRAME].tobytes())
            loop.advance(0.02)
            while vad.step():
                await loop.idle()
            await loop.idle()
            vad.step()  # a turn that the session has ended: on a call that does not wait for sound
            while keys and keys[0][0] * LINE_RATE <= frame * LINE_FRAME:
                session.process_dtmf(keys.pop(0)[1])
            await loop.idle()
        if plan.done():
            plan.result()
        plan.cancel()
        await asyncio.gather(plan, return_exceptions=True)
    vad.close()
    sent = np.frombuffer(player.played, np.int16)
    return np.stack((scene.caller[: frames * LINE_FRAME], sent), axis=1), decisions
