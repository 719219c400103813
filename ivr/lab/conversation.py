"""A plan run with recorded sound as the caller. Without SIP, faster than real time.

The caller's sound is fed in frames of 20 ms, and no frame while the session waits for an engine. The clock of
a session is the sound it has received, so the result does not depend on how fast engines are.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

import structlog

from ivr.audio.frames import FRAME_MS, LINE_RATE, VAD_RATE, samples_to_ms
from ivr.dialplan import CallFacts, Dial, Plan, TransferResult, run_plan
from ivr.dialplan.runtime.world import World
from ivr.service.config.capabilities import settings_for_plan
from ivr.service.config.settings import Settings
from ivr.service.engines import Engines
from ivr.session import AudioClip, BargeIn, BargeInOptions, MemoryPlayer, SayHandle, Turn, VoiceSession
from ivr.session.prompt.synthesis import SaySource
from ivr.speech.base import SpeechError
from ivr.tasks import TaskSupervisor, child_task
from ivr.vad.base import VadStream, VoiceActivityDetector
from ivr.vad.events import SpeechEnded, VadEvent, VadListener
from ivr.vad.options import EndpointingOptions

HIDDEN = "***"
"""Stands for a sensitive text."""
SILENCE_S = 120.0
"""Seconds of silence that follow the recording at most, before the call is abandoned."""


@dataclass(slots=True)
class ServiceTurn:
    """A prompt of the service."""

    at_ms: int
    text: str
    """The whole text."""
    heard_ms: int = 0
    heard_text: str = ""
    interrupted: bool = False
    speaker: str = "service"


@dataclass(slots=True)
class CallerTurn:
    """A turn of the caller, or its absence (``reason`` is noinput then)."""

    at_ms: int
    text: str
    confidence: float
    audio_ms: int
    barged_in: bool
    reason: str
    speaker: str = "caller"


@dataclass(slots=True)
class Conversation:
    """The result of ``converse``. Times are milliseconds of the caller's sound."""

    plan: str
    reason: str = "unfinished"
    """Why the plan ended; ``unfinished`` if it did not end in time."""
    duration_ms: int = 0
    turns: list[ServiceTurn | CallerTurn] = field(default_factory=list)
    sound: bytes = field(default=b"", repr=False)
    """What the caller heard: PCM16 mono, 8 kHz."""


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
    """Run ``plan`` with ``pcm16`` (mono, ``rate`` Hz) as the caller, followed by silence until the plan ends
    or ``silence_s`` seconds have passed. Raises SpeechError when no engine starts.
    """
    log = structlog.get_logger("ivr.talk").bind(call="talk")
    conversation = Conversation(plan.name)
    player = MemoryPlayer(LINE_RATE)
    vad = _OnsetVad(engines.vad)
    speech = engines.engines_for_call()
    session = _LoggingSession(
        vad,
        conversation,
        stt=speech.stt,
        turn_detector=engines.turn,
        tts=speech.tts,
        vad=vad,
        player=player,
        config=settings_for_plan(settings, plan).session,
        log=log,
    )
    frame = rate * FRAME_MS // 1000 * 2
    limit = len(pcm16) + int(silence_s * 1000 / FRAME_MS) * frame
    async with session:
        async with child_task(run_plan(plan, session, _NoCallControl(), log, world), "plan") as running:
            at = 0
            while at < limit and not await _wait_until_idle(session, running):
                piece = pcm16[at : at + frame]
                session.process_audio(piece + bytes(frame - len(piece)), rate)
                at += frame
            if running.done():
                conversation.reason = running.result()
        conversation.duration_ms = round(samples_to_ms(session.clock, VAD_RATE))
    await session.wait_for_ends()
    conversation.turns.sort(key=lambda turn: turn.at_ms)
    conversation.sound = player.played
    return conversation


async def _wait_until_idle(session: VoiceSession, running: asyncio.Task[str]) -> bool:
    """Wait until only more sound can change anything; returns whether the plan has ended."""
    async with child_task(session.wait_until_idle(), "idle session") as settled:
        await asyncio.wait((settled, running), return_when=asyncio.FIRST_COMPLETED)
    return running.done()


class _NoCallControl:
    """A ``CallControl`` without a line: nothing is hung up, and every transfer succeeds."""

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


class _LoggingSession(VoiceSession):
    """A session that adds what is said and heard, with its time, to a conversation."""

    def __init__(self, onsets: "_OnsetVad", conversation: Conversation, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._onsets = onsets
        self._conversation = conversation
        self._ends: list[asyncio.Task[None]] = []
        self._watchers = TaskSupervisor()

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
        said = ServiceTurn(self._now_ms(), _text_of(source))
        if self.privacy.active:
            said.text = HIDDEN
        self._conversation.turns.append(said)
        self._ends.append(self._watchers.start(self._log_end(said, handle), "end of a prompt"))
        return handle

    async def listen(self, timeout: float | None = None) -> Turn:  # noqa: ASYNC109  (as in the base class)
        turn = await super().listen(timeout)
        onset = self._onsets.onset_of(turn) if turn.reason == "speech" else None
        at_ms = self._now_ms() if onset is None else onset
        text = HIDDEN if turn.private and turn.text else turn.text
        confidence, audio_ms = round(turn.confidence, 3), round(turn.audio_ms)
        self._conversation.turns.append(
            CallerTurn(at_ms, text, confidence, audio_ms, turn.barged_in, turn.reason)
        )
        return turn

    async def wait_for_ends(self) -> None:
        """Return when the end of every prompt is in the conversation. Call it after the session's end."""
        await asyncio.gather(*self._ends, return_exceptions=True)

    async def _log_end(self, said: ServiceTurn, handle: SayHandle) -> None:
        with contextlib.suppress(SpeechError):
            result = await handle.wait_for_playout()
            said.heard_ms = round(result.heard_ms)
            said.heard_text = HIDDEN if said.text == HIDDEN else result.heard_text
            said.interrupted = result.interrupted

    def _now_ms(self) -> int:
        return round(samples_to_ms(self.clock, VAD_RATE))


def _text_of(source: SaySource) -> str:
    if isinstance(source, str):
        return source
    if isinstance(source, AudioClip):
        return source.text or "(a sound file)"
    return " ".join(each for each in source if isinstance(each, str)) if isinstance(source, list) else ""


class _OnsetVad:
    """A detector that keeps when each turn began: a ``Turn`` has only its length."""

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
        """Do nothing: the owner of the inner detector closes it."""

    def onset_of(self, turn: Turn) -> int | None:
        """Return when ``turn`` began, in ms. Turns come in order; those that were dropped are skipped."""
        for place, event in enumerate(self._ended):
            if samples_to_ms(event.offset - event.onset, VAD_RATE) == turn.audio_ms:
                del self._ended[: place + 1]
                return round(samples_to_ms(event.onset, VAD_RATE))
        return None
