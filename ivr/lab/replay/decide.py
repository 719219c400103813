"""A recorded call decided anew, perhaps under other settings.

The caller's side goes through the same ears and the same session as on the call, the service's side stands in
the line as what was sent. What the plan did is taken from the recording: prompts begin, keys are pressed,
answers are expected and turns are waited for at the samples where they were. A prompt that is not
interrupted any more plays until the next one begins; one that begins while the caller, who was silent then,
is taken to be speaking waits for the end of that turn.
"""

import asyncio
import contextlib
import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from ivr.audio.frames import LINE_FRAME, LINE_RATE
from ivr.audio.line import LineBank
from ivr.grammar.answers import expected_answers
from ivr.grammar.inputs import Asked
from ivr.lab.audio_loop import AudioLoop
from ivr.lab.replay.engines import RealSTT, RealTurns, RecordedSTT, RecordedTTS, RecordedTurns
from ivr.lab.replay.prompts import PromptOptions, sound_of
from ivr.service.config.settings import Settings
from ivr.service.engines import make_speech, make_turn_detector
from ivr.service.recording.recording import UP, Recording
from ivr.session import (
    Decision,
    Expectation,
    MemoryPlayer,
    SayHandle,
    SessionEnded,
    SessionState,
    VoiceSession,
)
from ivr.vad.registry import create_line_vad
from ivr.vad.silero import WINDOW


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it."""

    decisions: tuple[Decision, ...]
    """In order; ``prompt`` is the prompt's number in the recording."""
    probabilities: list[float] = field(repr=False)
    """Of speech, for each window of 512 samples (32 ms) from the beginning; NaN where it is not known."""
    unknown: int = 0
    """Turns of the caller that were taken for words, for nobody transcribed them on the call."""


def replay(
    recording: Recording,
    settings: Settings,
    *,
    prompts: Mapping[str, Any] | None = None,
    stt: bool = False,
) -> Replayed:
    """Decide it anew under ``settings``, of which ``vad``, ``session`` and ``turn`` matter (and ``stt``,
    when the engines are to listen anew). What the plan had set of a prompt stays; ``prompts``: fields of
    BargeInOptions that hold for every prompt, whatever was recorded of it. Twice the same gives the same to
    the sample, unless engines are asked.

    Raises RecordingError for what cannot have been recorded; ValueError, ``ModelMissing`` or SpeechError for
    a detector or an engine that does not serve.
    """
    loop = AudioLoop()
    try:
        asyncio.set_event_loop(loop)
        options = PromptOptions(recording, settings.session.barge_in, prompts or {})
        return loop.run_until_complete(_Replay(recording, settings, options, loop, real=stt).run())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Replay:
    def __init__(
        self, recording: Recording, settings: Settings, options: PromptOptions, loop: AudioLoop, *, real: bool
    ) -> None:
        """``real``: the engines are asked."""
        self._recording, self._loop = recording, loop
        bank = LineBank(1)
        self._line = bank.open()
        self._vad = create_line_vad(settings.vad.name, bank, **settings.vad.keywords())
        self._player = MemoryPlayer(LINE_RATE)

        def clock() -> int:
            return self._session.clock

        self._stt: RecordedSTT | RealSTT = RecordedSTT(recording, clock)
        self._turns: RecordedTurns | RealTurns | None = None
        if real:
            self._stt = RealSTT(make_speech(settings).stt, loop, clock)
            detector = make_turn_detector(settings)
            self._turns = RealTurns(detector, loop, clock) if detector is not None else None
        elif settings.turn.order:
            self._turns = RecordedTurns(recording, clock)
        self._session = VoiceSession(
            stt=self._stt,
            tts=RecordedTTS(recording),
            vad=self._vad,
            player=self._player,
            config=settings.session,
            log=structlog.get_logger("ivr.replay").bind(call=recording.header.details.get("call", "")),
            line=self._line,
            turn_detector=self._turns,
        )
        self._script = _Script(recording, self._session, self._stt, options)
        self._decisions: list[Decision] = []
        self._session.on_decision(self._note)

    async def run(self) -> Replayed:
        probabilities: list[float] = []
        if self._turns is not None:
            await self._turns.start()
        await self._session.start()
        try:
            await self._settle(probabilities)
            for frame in range(len(self._recording.caller) // LINE_FRAME):
                self._tick(frame * LINE_FRAME)
                await self._settle(probabilities)
        finally:
            self._script.close()
            await self._session.stop()
            await self._stt.aclose()
            if self._turns is not None:
                await self._turns.aclose()
            self._vad.close()
        return Replayed(tuple(map(self._named, self._decisions)), probabilities, self._unknown())

    def _tick(self, at: int) -> None:
        """20 ms, in the order of a call: what is sent, then what is heard."""
        span = slice(at, at + LINE_FRAME)
        self._player.advance(LINE_FRAME)
        self._line.say(self._recording.service[span].tobytes())
        self._line.hear(self._recording.caller[span].tobytes())
        self._loop.advance(LINE_FRAME / LINE_RATE)

    async def _settle(self, probabilities: list[float]) -> None:
        """Until nothing is left to do before more is heard: in turn the detector, the engines' answers that
        are due, and what the plan and the caller's fingers do.
        """
        while True:
            await self._loop.idle()  # an answer may end a turn, which the detector sees without more sound
            looked = self._vad.look()
            if looked:
                known = self._vad.probability
                probabilities.append(float("nan") if known is None else known)
            await self._loop.idle()
            if not (looked or self._answer() or await self._script.act(self._session.clock)):
                return
            await self._loop.idle()  # what was set off may end a turn, and that does not wait for sound

    def _answer(self) -> bool:
        """The engines' answers that are due."""
        answered = self._stt.answers.release()
        return (self._turns is not None and self._turns.answers.release()) or answered

    def _unknown(self) -> int:
        """Turns that nobody transcribed then."""
        asked = (d for d in self._decisions if d.stage == "transcript")
        return len({d.details["onset"] for d in asked if d.details["asked"] in self._stt.unknown})

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

    def __init__(
        self,
        recording: Recording,
        session: VoiceSession,
        stt: RecordedSTT | RealSTT,
        options: PromptOptions,
    ) -> None:
        self._recording, self._session, self._stt, self._options = recording, session, stt, options
        self._keys = deque(_acts(recording, "dtmf"))
        self._acts = deque(_acts(recording, *ACTS))
        self._stopped = _stopped(recording)
        self._playing: SayHandle | None = None
        self._prompt: Any = None
        """Its number in the recording."""
        self._cut = True
        """It did not come to its end there; one that did comes to it before the next one begins."""
        self._listener: asyncio.Task[Any] | None = None
        self._onset: int | None = None
        """Of the caller who is speaking, in the replay."""
        self.numbers: dict[int, Any] = {}
        """A prompt's number in the replay to that in the recording."""
        self._over_speech = _begun_over_speech(recording)

    def note(self, decision: Decision) -> None:
        if decision.stage in ("speech_began", "turn_ended"):
            self._onset = decision.details["onset"] if decision.stage == "speech_began" else None

    async def act(self, clock: int) -> bool:
        """Do what is next when its time has come; False when it has not."""
        if self._keys and self._keys[0].at <= clock:
            digit = self._keys.popleft().details.get("digit")
            if isinstance(digit, str):
                self._session.process_dtmf(digit)
            return True
        if not self._acts or self._acts[0].at > clock or self._waits(self._acts[0]):
            return False
        act = self._acts.popleft()
        match act.stage:
            case "say_started":
                await self._say(act)
            case "say_ended":
                self._cancel(act)
            case "listen":
                await self._listen(act.details.get("timeout_s"))
            case "expect":
                self._session.expect(_expected(act))
        return True

    def _waits(self, act: Decision) -> bool:
        """What it followed on has not come yet."""
        match act.stage:
            case "say_started":
                return self._onset is not None and act.details.get("prompt") not in self._over_speech
            case "transcript":
                until = act.details.get("offset", act.at)
                return self._stt.busy > 0 or (self._onset is not None and self._onset <= until)
            case "listen":
                listening = self._listener is not None and not self._listener.done()
                return listening and (self._onset is not None or self._stt.busy > 0)
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
        clip = sound_of(self._recording, act)
        self._playing = await self._session.say(clip, options=self._options.of(act))
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


ACTS = ("say_started", "say_ended", "listen", "expect", "transcript")
"""What the plan did, and what it did it after."""


def _acts(recording: Recording, *stages: str) -> Iterator[Decision]:
    """Those stages up to the end of the session, which ends everything by itself. What the session said by
    itself it says by itself again.
    """
    own = False
    for decision in recording.decisions:
        if decision.stage == "state" and decision.details.get("name") == SessionState.ENDED:
            return
        if decision.stage == "cut_in":
            own = True
        elif own and decision.stage == "say_started":
            own = False
        elif decision.stage in stages and not decision.details.get("interim"):
            yield decision


def _expected(act: Decision) -> Expectation:
    choices = {name: (say, press) for name, (say, press) in (act.details.get("choices") or {}).items()}
    asks = act.details.get("asks")
    try:
        asked = Asked.of(asks) if asks else None
        expected = expected_answers(choices, asked=asked) if choices or asked else Expectation()
    except (KeyError, ValueError):
        expected = Expectation()  # a question of another version
    return dataclasses.replace(expected, kind=act.details.get("kind") or expected.kind)


def _stopped(recording: Recording) -> set[Any]:
    """The prompts that the caller has stopped for good."""
    found: set[Any] = set()
    for decision in recording.of("stop", "resume"):
        change = found.add if decision.stage == "stop" else found.discard
        change(decision.details.get("prompt"))
    return found


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
