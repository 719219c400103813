"""A recorded call decided anew, perhaps under other settings.

The caller's side goes through the same ears and the same session as on the call, the service's side stands in
the line as what was sent. What the plan did is taken from the recording: prompts begin, keys are pressed and
turns are waited for at the samples where they were. A prompt that is not interrupted any more plays until the
next one begins; one that begins while the caller, who was silent then, is taken to be speaking waits for the
end of that turn.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import structlog

from ivr.audio.frames import LINE_FRAME, LINE_RATE, ms_to_samples
from ivr.audio.line import LineBank
from ivr.service.audio_loop import AudioLoop
from ivr.service.engines import make_speech
from ivr.service.recording import UP, Recording
from ivr.service.replay_engines import NoTTS, RealSTT, RecordedSTT
from ivr.service.replay_plan import expected, prompt_options
from ivr.service.settings import Settings
from ivr.session import AudioClip, Decision, MemoryPlayer, SayHandle, SessionEnded, SessionState, VoiceSession
from ivr.speech.base import SpeechToText
from ivr.vad.registry import create_line_vad
from ivr.vad.silero import WINDOW


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it."""

    decisions: tuple[Decision, ...]
    """In order; ``prompt`` is the prompt's number in the recording."""
    probabilities: list[float] = field(repr=False)
    """Of speech, for each window of 512 samples (32 ms) from the beginning; NaN where it is not known."""


def replay(recording: Recording, settings: Settings, *, stt: bool = False) -> Replayed:
    """Decide it anew under ``settings``, of which ``vad`` and ``session`` matter (and ``stt``, when the
    engines are to listen anew). Twice the same gives the same to the sample, unless engines are asked.

    Raises ValueError, ``ModelMissing`` or SpeechError for a detector or an engine that does not serve.
    """
    loop = AudioLoop()
    try:
        asyncio.set_event_loop(loop)
        engine = make_speech(settings).stt if stt else None
        return loop.run_until_complete(_Replay(recording, settings, loop, engine).run())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


LONGEST_PROMPT = 600 * LINE_RATE
"""Samples."""


class _Replay:
    def __init__(
        self, recording: Recording, settings: Settings, loop: AudioLoop, engine: SpeechToText | None
    ) -> None:
        self._recording, self._loop = recording, loop
        bank = LineBank(1)
        self._line = bank.open()
        self._vad = create_line_vad(settings.vad.name, bank, **settings.vad.keywords())
        self._player = MemoryPlayer(LINE_RATE)
        self._stt = (
            RealSTT(engine, loop)
            if engine is not None
            else RecordedSTT(recording, lambda: self._session.clock)
        )
        self._session = VoiceSession(
            stt=self._stt,
            tts=NoTTS(),
            vad=self._vad,
            player=self._player,
            config=settings.session,
            log=structlog.get_logger("ivr.replay").bind(call=recording.header.details.get("call", "")),
            line=self._line,
        )
        self._script = _Script(recording, self._session, self._stt)
        self._decisions: list[Decision] = []
        self._session.on_decision(self._note)

    async def run(self) -> Replayed:
        probabilities: list[float] = []
        await self._session.start()
        try:
            await self._act()
            for frame in range(len(self._recording.caller) // LINE_FRAME):
                self._tick(frame * LINE_FRAME)
                while self._vad.look():
                    known = self._vad.probability
                    probabilities.append(float("nan") if known is None else known)
                    await self._act()
                await self._act()
        finally:
            self._script.close()
            await self._session.stop()
            await self._stt.aclose()
            self._vad.close()
        return Replayed(tuple(map(self._named, self._decisions)), probabilities)

    def _tick(self, at: int) -> None:
        """20 ms, in the order of a call: what is sent, then what is heard."""
        span = slice(at, at + LINE_FRAME)
        self._player.advance(LINE_FRAME)
        self._line.say(self._recording.service[span].tobytes())
        self._line.hear(self._recording.caller[span].tobytes())
        self._loop.advance(LINE_FRAME / LINE_RATE)

    async def _act(self) -> None:
        await self._loop.idle()
        while await self._script.act(self._session.clock):
            await self._loop.idle()

    def _note(self, decision: Decision) -> None:
        self._script.note(decision)
        self._decisions.append(decision)

    def _named(self, decision: Decision) -> Decision:
        number = decision.details.get("prompt")
        if number is None:
            return decision
        details = {**decision.details, "prompt": self._script.numbers.get(number, number)}
        return Decision(decision.at, decision.stage, decision.rule, details)


class _Script:
    """What the plan and the caller's fingers did, in order."""

    def __init__(self, recording: Recording, session: VoiceSession, stt: RecordedSTT | RealSTT) -> None:
        self._recording, self._session, self._stt = recording, session, stt
        self._acts = deque(_acts(recording))
        self._stopped = {d.details.get("prompt") for d in recording.of("stop")}
        self._playing: SayHandle | None = None
        self._prompt: Any = None
        """Its number in the recording."""
        self._cut = True
        """It did not come to its end there; one that did comes to it before the next one begins."""
        self._listener: asyncio.Task[Any] | None = None
        self._speaking = False
        """The caller, in the replay."""
        self.numbers: dict[int, Any] = {}
        """A prompt's number in the replay to that in the recording."""
        self._over_speech = _begun_over_speech(recording)

    def note(self, decision: Decision) -> None:
        if decision.stage in ("speech_began", "turn_ended"):
            self._speaking = decision.stage == "speech_began"

    async def act(self, clock: int) -> bool:
        """Do what is next when its time has come; False when it has not."""
        if not self._acts or self._acts[0].at > clock:
            return False
        if self._waits(self._acts[0]):
            return False
        act = self._acts.popleft()
        match act.stage:
            case "say_started":
                await self._say(act)
            case "say_ended":
                self._cancel(act)
            case "dtmf":
                if isinstance(digit := act.details.get("digit"), str):
                    self._session.process_dtmf(digit)
            case "expect":
                self._session.expect(expected(act))
            case "listen":
                await self._listen(act.details.get("timeout_s"))
        return True

    def _waits(self, act: Decision) -> bool:
        """What it followed on has not come yet."""
        match act.stage:
            case "say_started":
                return self._speaking and act.details.get("prompt") not in self._over_speech
            case "transcript":
                return self._stt.busy > 0
            case "listen":
                listening = self._listener is not None and not self._listener.done()
                return listening and (self._speaking or self._stt.busy > 0)
        return False

    def close(self) -> None:
        if self._listener is not None:
            self._listener.cancel()

    async def _say(self, act: Decision) -> None:
        if self._playing is not None and self._cut:
            self._playing.cancel()
        ended = next((d for d in self._acts if _is_end(d, act)), None)
        self._prompt = act.details.get("prompt")
        self._cut = ended is None or bool(ended.details.get("interrupted"))
        service = self._recording.options["session"].get("barge_in") or {}
        options = prompt_options(act, service, self._session.config.barge_in)
        self._playing = await self._session.say(self._clip(act, ended), options=options)
        self.numbers[self._playing.number] = self._prompt

    def _cancel(self, act: Decision) -> None:
        """A prompt that the plan, or the end of the call, cut short; not one that the caller did."""
        prompt = act.details.get("prompt")
        cut = act.details.get("interrupted") and prompt == self._prompt and prompt not in self._stopped
        if cut and self._playing is not None:
            self._playing.cancel()

    async def _listen(self, timeout_s: float | None) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        self._listener = asyncio.ensure_future(self._turn(timeout_s))

    async def _turn(self, timeout_s: float | None) -> None:
        with contextlib.suppress(SessionEnded):
            await self._session.listen(timeout_s)

    def _clip(self, act: Decision, ended: Decision | None) -> AudioClip:
        """The prompt: what was sent of it, over and over for as long as it would have been."""
        begin = act.at // UP
        sent = self._recording.service
        heard_ms = 0.0 if ended is None else ended.details.get("heard_ms", 0.0)
        heard = ms_to_samples(heard_ms, LINE_RATE)
        if not self._cut:
            length = heard
        elif planned_ms := act.details.get("planned_ms"):
            length = ms_to_samples(planned_ms, LINE_RATE)
        else:
            # Nobody knows how long it would have been: as long as nothing else is said.
            following = next((d for d in self._acts if d.stage == "say_started"), None)
            length = (following.at // UP if following is not None else len(sent)) - begin
        length = min(max(length, heard, LINE_FRAME), LONGEST_PROMPT)
        pcm = np.resize(sent[begin : begin + min(length, heard)], length)  # zeros when nothing was sent
        return AudioClip(pcm.tobytes(), LINE_RATE, str(act.details.get("text", "")))


def _acts(recording: Recording) -> Iterator[Decision]:
    """Up to the end of the session, which ends everything by itself."""
    for decision in recording.decisions:
        if decision.stage == "state" and decision.details.get("name") == SessionState.ENDED:
            return
        if decision.stage in ("say_started", "say_ended", "dtmf", "expect", "listen", "transcript"):
            yield decision


def _is_end(decision: Decision, of: Decision) -> bool:
    return decision.stage == "say_ended" and decision.details.get("prompt") == of.details.get("prompt")


def _begun_over_speech(recording: Recording) -> set[Any]:
    """The prompts that began while the caller was speaking."""
    speaking, found = False, set()
    for decision in recording.of("speech_began", "turn_ended", "say_started"):
        if decision.stage == "say_started":
            if speaking:
                found.add(decision.details.get("prompt"))
        else:
            speaking = decision.stage == "speech_began"
    return found


WINDOW_S = WINDOW / (LINE_RATE * UP)
"""Seconds of one of the ``probabilities``."""
