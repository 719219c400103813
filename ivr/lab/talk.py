"""``ivr talk``: a plan with a recording as the caller. No SIP, faster than real time.

The caller's sound is fed in frames of 20 ms, and not one more while the session waits for an engine: the
clock of a session is the sound it has heard, so the result does not depend on how fast engines are.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import structlog

from ivr.audio.frames import FRAME_MS, LINE_RATE, VAD_RATE, samples_to_ms
from ivr.audio.wav import WavError, decode_wav, encode_wav
from ivr.dialplan import CallFacts, Dial, Plan, TransferResult, load_plan, run_plan
from ivr.dialplan.runtime.world import World
from ivr.errors import IvrError
from ivr.service.config.settings import Settings
from ivr.service.config.surroundings import for_plan
from ivr.service.engines import Engines, make_engines
from ivr.service.world.real import RealWorld
from ivr.session import AudioClip, BargeIn, BargeInOptions, MemoryPlayer, SayHandle, Turn, VoiceSession
from ivr.session.prompt.handle import SaySource
from ivr.speech.base import SpeechError
from ivr.vad.base import (
    EndpointingOptions,
    SpeechEnded,
    VadEvent,
    VadListener,
    VadStream,
    VoiceActivityDetector,
)

PRIVATE = "***"
"""In the place of what is sensitive."""
SILENCE_S = 120.0
"""Seconds of silence fed after the recording's end before the plan is given up."""


class TalkError(IvrError):
    """The conversation cannot be held; one line that says why and what to do."""


@dataclass(slots=True)
class Said:
    """What the service said."""

    at_ms: int
    text: str
    """All of it."""
    heard_ms: int = 0
    heard_text: str = ""
    interrupted: bool = False
    who: str = "service"


@dataclass(slots=True)
class Heard:
    """A turn of the caller, or that there was none."""

    at_ms: int
    text: str
    confidence: float
    audio_ms: int
    barged_in: bool
    reason: str
    who: str = "caller"


@dataclass(slots=True)
class Conversation:
    """What came of it. Times are milliseconds of the caller's sound."""

    plan: str
    reason: str = "unfinished"
    """Why the plan ended; ``unfinished`` when it had not at the bound."""
    duration_ms: int = 0
    turns: list[Said | Heard] = field(default_factory=list)
    sound: bytes = field(default=b"", repr=False)
    """What the caller heard: PCM16 mono, 8 kHz."""


def talk(
    settings: Settings,
    plan_path: Path,
    caller: Path,
    heard: Path | None = None,
    *,
    as_json: bool = False,
    out: Callable[[str], None] = print,
) -> int:
    """Hold the conversation, print its turns, write what the caller heard to ``heard``.

    0 when the plan came to its end, 1 when it had not after the recording and two minutes of silence.
    Raises TalkError and PlanError; ModelMissing when the models were not fetched.
    """
    plan = load_plan(plan_path)
    try:
        sound, rate = decode_wav(caller.read_bytes())
    except OSError as error:
        raise TalkError(f"{caller}: {error.strerror}") from error
    except WavError as error:
        raise TalkError(f"{caller}: {error}") from error
    if heard is not None and heard.is_dir():
        raise TalkError(f"{heard}: it is a folder; name a file to write the sound to")
    if heard is not None and not heard.absolute().parent.is_dir():
        raise TalkError(f"{heard}: there is no folder {heard.absolute().parent}")
    try:
        conversation = asyncio.run(_with_engines(settings, plan, sound.tobytes(), rate))
    except (SpeechError, ValueError) as error:
        raise TalkError(f"{error}; `ivr doctor` tells what an engine lacks") from error
    if heard is not None:
        try:
            heard.write_bytes(encode_wav(conversation.sound, LINE_RATE))
        except OSError as error:
            raise TalkError(f"{heard}: {error.strerror}") from error
    out(_as_json(conversation) if as_json else _as_text(conversation))
    return 0 if conversation.reason != "unfinished" else 1


async def _with_engines(settings: Settings, plan: Plan, pcm16: bytes, rate: int) -> Conversation:
    engines, world = make_engines(settings), RealWorld(settings)
    try:
        await engines.start(plan.prompts())  # as the service does: what is known beforehand is on disk
        return await converse(settings, engines, plan, pcm16, rate, world=world.world)
    finally:
        await world.aclose()
        await engines.aclose()


async def converse(
    settings: Settings,
    engines: Engines,
    plan: Plan,
    pcm16: bytes,
    rate: int,
    *,
    silence_s: float = SILENCE_S,
    world: World | None = None,
) -> Conversation:
    """Run ``plan`` with ``pcm16`` (mono, ``rate`` Hz) as the caller, then silence until it ends.

    ``silence_s`` seconds of silence at most. Raises SpeechError when no engine starts.
    """
    log = structlog.get_logger("ivr.talk").bind(call="talk")
    conversation = Conversation(plan.name)
    player = MemoryPlayer(LINE_RATE)
    ear = _NotingVad(engines.vad)
    speech = engines.engines_for_call()
    session = _NotingSession(
        ear,
        conversation,
        stt=speech.stt,
        turn_detector=engines.turn,
        tts=speech.tts,
        vad=ear,
        player=player,
        config=for_plan(settings, plan).session,
        log=log,
    )
    frame = rate * FRAME_MS // 1000 * 2
    limit = len(pcm16) + int(silence_s * 1000 / FRAME_MS) * frame
    async with session:
        running = asyncio.create_task(run_plan(plan, session, _Line(), log, world))
        try:
            at = 0
            while at < limit and not await _at_rest(session, running):
                piece = pcm16[at : at + frame]
                session.process_audio(piece + bytes(frame - len(piece)), rate)
                at += frame
            if running.done():
                conversation.reason = running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        conversation.duration_ms = round(samples_to_ms(session.clock, VAD_RATE))
    await session.noted()
    conversation.turns.sort(key=lambda turn: turn.at_ms)
    conversation.sound = player.played
    return conversation


async def _at_rest(session: VoiceSession, running: asyncio.Task[str]) -> bool:
    """Wait until nothing but more sound can change anything; True when the plan has ended."""
    settled = asyncio.ensure_future(session.settled())
    try:
        await asyncio.wait((settled, running), return_when=asyncio.FIRST_COMPLETED)
    finally:
        settled.cancel()
    return running.done()


class _Line:
    """``CallControl``: with no line there is nothing to hang up, and nobody who could not be reached; the
    plan's end is the end.
    """

    facts = CallFacts(id="talk")

    async def answer(self) -> None:
        return

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        return

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        return TransferResult("transferred")

    async def dial(self, dial: Dial) -> TransferResult:
        dial.on_answer()
        return TransferResult("transferred" if dial.hand_over else "completed", to=dial.to[0])

    async def send_digits(self, digits: str) -> None:
        return


class _NotingSession(VoiceSession):
    """Notes what is said and heard, and when."""

    def __init__(self, ear: "_NotingVad", conversation: Conversation, **parts: Any) -> None:
        super().__init__(**parts)
        self._ear = ear
        self._conversation = conversation
        self._watchers: list[asyncio.Task[None]] = []

    async def say(
        self,
        source: SaySource,
        *,
        allow_interruptions: bool = True,
        barge_in: BargeIn | None = None,
        options: BargeInOptions | None = None,
    ) -> SayHandle:
        handle = await super().say(
            source, allow_interruptions=allow_interruptions, barge_in=barge_in, options=options
        )
        said = Said(self._now_ms(), _text_of(source))
        if self.privacy.active:
            said.text = PRIVATE
        self._conversation.turns.append(said)
        self._watchers.append(asyncio.create_task(self._note_end(said, handle)))
        return handle

    async def listen(self, timeout: float | None = None) -> Turn:  # noqa: ASYNC109  (as in the base class)
        turn = await super().listen(timeout)
        onset = self._ear.onset_of(turn) if turn.reason == "speech" else None
        at_ms = self._now_ms() if onset is None else onset
        text = PRIVATE if turn.private and turn.text else turn.text
        confidence, audio_ms = round(turn.confidence, 3), round(turn.audio_ms)
        self._conversation.turns.append(Heard(at_ms, text, confidence, audio_ms, turn.barged_in, turn.reason))
        return turn

    async def noted(self) -> None:
        """Every end has been noted; after the session's own end."""
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _note_end(self, said: Said, handle: SayHandle) -> None:
        with contextlib.suppress(SpeechError):
            result = await handle.wait_for_playout()
            said.heard_ms = round(result.heard_ms)
            said.heard_text = PRIVATE if said.text == PRIVATE else result.heard_text
            said.interrupted = result.interrupted

    def _now_ms(self) -> int:
        return round(samples_to_ms(self.clock, VAD_RATE))


def _text_of(source: SaySource) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, AudioClip):
        return source.text or "(a sound file)"
    return " ".join(each for each in source if isinstance(each, str)) if isinstance(source, list) else ""


class _NotingVad:
    """A detector that remembers when each turn began: a ``Turn`` tells only how long it was."""

    def __init__(self, inner: VoiceActivityDetector) -> None:
        self._inner = inner
        self._ended: list[SpeechEnded] = []

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> VadStream:
        def note(event: VadEvent) -> None:
            if isinstance(event, SpeechEnded):
                self._ended.append(event)
            listener(event)

        return self._inner.open_stream(endpointing, note)

    def close(self) -> None:
        """The inner detector belongs to whoever made it."""

    def onset_of(self, turn: Turn) -> int | None:
        """Milliseconds at which ``turn`` began. Turns come in order; those that were dropped are passed."""
        for place, event in enumerate(self._ended):
            if samples_to_ms(event.offset - event.onset, VAD_RATE) == turn.audio_ms:
                del self._ended[: place + 1]
                return round(samples_to_ms(event.onset, VAD_RATE))
        return None


def _as_json(conversation: Conversation) -> str:
    record = asdict(conversation)
    del record["sound"]
    return json.dumps(record, ensure_ascii=False, indent=2)


def _as_text(conversation: Conversation) -> str:
    lines = []
    for turn in conversation.turns:
        lines.append(f"{turn.at_ms / 1000:7.2f} s  {turn.who:<8} {_words(turn)}")
    seconds = conversation.duration_ms / 1000
    lines.append(f"{seconds:7.2f} s  the plan {conversation.plan} ended: {conversation.reason}")
    return "\n".join(lines)


def _words(turn: Said | Heard) -> str:
    if isinstance(turn, Said):
        if turn.interrupted:
            return f"{turn.heard_text} --  [interrupted, heard {turn.heard_ms} ms]"
        return f"{turn.text}  [heard {turn.heard_ms} ms]"
    if turn.reason == "noinput":
        return "[nothing was said]"
    marks = [f"{turn.audio_ms} ms", f"confidence {turn.confidence:.2f}"]
    if turn.barged_in:
        marks.insert(0, "barge-in")
    return f"{turn.text or '(not understood)'}  [{', '.join(marks)}]"
