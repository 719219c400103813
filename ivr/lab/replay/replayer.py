"""A recorded call, decided again by a real session, perhaps under other settings.

The caller's side goes through the same detector and the same session as on the call; the service's side of
the line is what was sent. What the plan did is taken from the recording (``script``). A prompt that is no
longer interrupted plays until the next one begins.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from ivr.audio.frames import LINE_FRAME, LINE_RATE
from ivr.audio.line import LineBank
from ivr.lab.replay.audio_clock import AudioClockLoop
from ivr.lab.replay.engines import (
    RealSTT,
    RealTurnDetector,
    RecordedSTT,
    RecordedTTS,
    RecordedTurnDetector,
)
from ivr.lab.replay.prompts import PromptOptions
from ivr.lab.replay.script import RecordedScript
from ivr.service.config.settings import Settings
from ivr.service.engines import make_speech, make_turn_detector
from ivr.service.recording.recording import UP, Recording
from ivr.session import Decision, MemoryPlayer, VoiceSession
from ivr.vad.registry import create_line_vad
from ivr.vad.silero import WINDOW

WINDOW_S = WINDOW / (LINE_RATE * UP)
"""Seconds of one of the ``probabilities``."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay."""

    decisions: tuple[Decision, ...]
    """Decisions in order; ``prompt`` is the prompt's number in the recording."""
    probabilities: list[float] = field(repr=False)
    """The probability of speech for each window of 512 samples (32 ms); NaN where it is not known."""
    unknown: int = 0
    """Turns of the caller that had no transcript and were taken for words."""


def replay(
    recording: Recording,
    settings: Settings,
    *,
    prompts: Mapping[str, Any] | None = None,
    stt: bool = False,
) -> Replayed:
    """Decide the call again under ``settings``; of these, ``vad``, ``session`` and ``turn`` matter.

    ``prompts`` are fields of BargeInOptions that apply to every prompt, whatever was recorded of it. With
    ``stt`` the engines of the settings are asked; otherwise two runs are the same to the sample.

    Raises RecordingError for what cannot have been recorded; ValueError, ModelMissing or SpeechError for a
    detector or an engine that cannot be used.
    """
    loop = AudioClockLoop()
    try:
        asyncio.set_event_loop(loop)
        options = PromptOptions(recording, settings.session.barge_in, prompts or {})
        return loop.run_until_complete(_Replayer(recording, settings, options, loop, real=stt).run())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Replayer:
    def __init__(
        self,
        recording: Recording,
        settings: Settings,
        options: PromptOptions,
        loop: AudioClockLoop,
        *,
        real: bool,
    ) -> None:
        """``real``: ask the engines of the settings."""
        self._recording, self._loop = recording, loop
        bank = LineBank(1)
        self._line = bank.open()
        self._vad = create_line_vad(settings.vad.name, bank, **settings.vad.keywords())
        self._player = MemoryPlayer(LINE_RATE)

        def clock() -> int:
            return self._session.clock

        self._stt: RecordedSTT | RealSTT = RecordedSTT(recording, clock)
        self._turn_detector: RecordedTurnDetector | RealTurnDetector | None = None
        if real:
            self._stt = RealSTT(make_speech(settings).stt, loop, clock)
            detector = make_turn_detector(settings)
            self._turn_detector = RealTurnDetector(detector, loop, clock) if detector is not None else None
        elif settings.turn.order:
            self._turn_detector = RecordedTurnDetector(recording, clock)
        self._session = VoiceSession(
            stt=self._stt,
            tts=RecordedTTS(recording),
            vad=self._vad,
            player=self._player,
            config=settings.session,
            log=structlog.get_logger("ivr.replay").bind(call=recording.header.details.get("call", "")),
            line=self._line,
            turn_detector=self._turn_detector,
        )
        self._script = RecordedScript(recording, self._session, self._stt, options)
        self._decisions: list[Decision] = []
        self._session.on_decision(self._note)

    async def run(self) -> Replayed:
        probabilities: list[float] = []
        if self._turn_detector is not None:
            await self._turn_detector.start()
        await self._session.start()
        try:
            await self._settle(probabilities)
            for frame in range(len(self._recording.caller) // LINE_FRAME):
                self._tick(frame * LINE_FRAME)
                await self._settle(probabilities)
        finally:
            await self._script.aclose()
            await self._session.stop()
            await self._stt.aclose()
            if self._turn_detector is not None:
                await self._turn_detector.aclose()
            self._vad.close()
        decisions = tuple(map(self._with_recorded_number, self._decisions))
        return Replayed(decisions, probabilities, self._unknown())

    def _tick(self, at: int) -> None:
        """Play 20 ms, in the order of a call: what is sent, then what is received."""
        span = slice(at, at + LINE_FRAME)
        self._player.advance(LINE_FRAME)
        self._line.write_sent(self._recording.service[span].tobytes())
        self._line.write_received(self._recording.caller[span].tobytes())
        self._loop.advance(LINE_FRAME / LINE_RATE)

    async def _settle(self, probabilities: list[float]) -> None:
        """Return when nothing is left to do before more sound: run, in turn, the detector, the engines'
        answers that are due, and the script.
        """
        while True:
            await self._loop.idle()  # an answer may end a turn, which the detector sees without more sound
            looked = self._vad.step()
            if looked:
                known = self._vad.probability
                probabilities.append(float("nan") if known is None else known)
            await self._loop.idle()
            if not (looked or self._answer() or await self._script.step(self._session.clock)):
                return
            await self._loop.idle()  # what was set off may end a turn, and that does not wait for sound

    def _answer(self) -> bool:
        """Deliver the engines' answers that are due; False when there are none."""
        answered = self._stt.answers.release()
        return (self._turn_detector is not None and self._turn_detector.answers.release()) or answered

    def _unknown(self) -> int:
        """Return the number of turns that had no transcript."""
        asked = (d for d in self._decisions if d.stage == "transcript")
        return len({d.details["onset"] for d in asked if d.details["asked"] in self._stt.unknown})

    def _note(self, decision: Decision) -> None:
        self._script.note(decision)
        self._decisions.append(decision)

    def _with_recorded_number(self, decision: Decision) -> Decision:
        number = decision.details.get("prompt")
        if number is None:
            return decision
        details = {**decision.details, "prompt": self._script.numbers.get(number, number)}
        return Decision(decision.at, decision.stage, decision.rule, details)
