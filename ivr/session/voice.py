"""A conversation with one caller: what is said, what is heard, and who has the floor."""

import asyncio
import contextlib
import contextvars
import dataclasses
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import structlog

from ivr.audio.frames import LINE_RATE, VAD_RATE, ms_to_samples
from ivr.audio.line import Line
from ivr.errors import IvrError
from ivr.grammar.expectation import Expectation
from ivr.session.audio_input import AudioInput
from ivr.session.decisions import DecisionCallback, Decisions
from ivr.session.options import BargeIn, BargeInOptions, SessionConfig
from ivr.session.privacy import Privacy
from ivr.session.prompt.handle import SayHandle, SaySource
from ivr.session.state_machine import StateCallback, StateMachine
from ivr.session.states import SessionState
from ivr.session.turn.caller_capture import CallerCapture
from ivr.session.turn.turn_taking import Engines, TurnTaking
from ivr.session.types import Player, Turn
from ivr.speech.base import SpeechToText, TextToSpeech, TurnDetector
from ivr.speech.call_engines import SwitchesLanguage
from ivr.vad.base import (
    LineVad,
    LineVadStream,
    SpeechContinued,
    VadEvent,
    VadStream,
    VoiceActivityDetector,
)

_SETTLE_POLL_S = 0.005


class SessionEnded(IvrError):
    """The session was stopped (the caller is gone): nothing can be said or heard any more."""


class VoiceSession:
    """Made from swappable engines; knows neither SIP nor dialplans.

    Audio comes in through ``process_audio``, keys through ``process_dtmf``, sound goes out through
    ``player``. Everything but those two belongs to the asyncio loop in which ``start`` was awaited;
    those two may be called from one other thread (pjmedia's, on a call) when the detector is shared.

    Time inside is the caller's audio, counted in samples: ``listen``'s timeout is that long in sound
    received, whatever the clock on the wall says.
    """

    def __init__(
        self,
        *,
        stt: SpeechToText,
        tts: TextToSpeech,
        vad: VoiceActivityDetector,
        player: Player,
        config: SessionConfig | None = None,
        log: Any = None,
        line: Line | None = None,
        turn_detector: TurnDetector | None = None,
    ) -> None:
        """``line``: where the caller's sound stands, of a bank that ``vad`` follows. A call fills it; without
        one (a detector of ``create_line_vad``) ``process_audio`` does, at 8 kHz, and the echo of what was
        said is known for what it is. ``turn_detector`` hears whether the caller has finished; without one
        silence tells.
        """
        self.config = config or SessionConfig()
        self._log = log if log is not None else structlog.get_logger("ivr.session")
        self._stt, self._tts, self._vad, self._player = stt, tts, vad, player
        self._line = line
        self._turn_detector = turn_detector
        self._decisions = Decisions(self._log)
        self.privacy = Privacy(lambda: self.clock)
        self._decisions.hides = self.privacy.hides
        self._machine = StateMachine(self._log)
        self._machine.subscribe(lambda state: self._note("state", name=str(state)))
        self._stream: VadStream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._parts: TurnTaking | None = None
        self._listener: asyncio.Future[Turn] | None = None
        self._timeout: float | None = None
        self._pushed = AudioInput(vad, player, line)
        self._context = contextvars.copy_context()
        """Of ``start``: events of other threads are handled in it, so that logs keep what is bound."""
        self._moved = asyncio.Event()

    # -- life

    async def start(self) -> None:
        """Begin to listen. Starts engines that are not yet running. Raises SpeechError."""
        self._loop = asyncio.get_running_loop()
        self._loop_thread = threading.get_ident()
        self._context = contextvars.copy_context()
        await self._stt.start()
        await self._tts.start()
        self._stream = self._open_stream()
        self._parts = TurnTaking(
            self.config,
            Engines(self._stt, self._tts, self._turn_detector, self._player),
            self._stream,
            self._machine,
            self._post,
            self._decisions,
            self.privacy,
            self._log,
            on_turn=self._turn_ready,
            on_moved=self._playlist_moved,
            line=self._line,
        )
        self._machine.to(SessionState.LISTENING)

    def _open_stream(self) -> VadStream:
        endpointing = dataclasses.replace(self.config.endpointing, details=True)
        if self._line is None:
            return self._vad.open_stream(endpointing, self._hear)
        if not isinstance(self._vad, LineVad):
            raise TypeError("this detector follows no lines: push the audio with process_audio")
        return self._vad.open_line(self._line, endpointing, self._hear)

    async def stop(self) -> None:
        """End it: nothing more is said, heard or transcribed. Idempotent; frees everything."""
        if self.state is SessionState.ENDED:
            return
        if self._stream is not None:
            self._stream.close()
        self._machine.to(SessionState.ENDED)
        if self._parts is not None:
            self._parts.aside.close(SessionEnded("the session was stopped"))
            await self._parts.close()
        if self._listener is not None and not self._listener.done():
            self._listener.set_exception(SessionEnded("the session was stopped"))
        self._moved.set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def state(self) -> SessionState:
        return self._machine.state

    def on_state_changed(self, callback: StateCallback) -> Callable[[], None]:
        """``callback(SessionState)``, sync or async, on each change; returns an unsubscribe."""
        return self._machine.subscribe(callback)

    def on_decision(self, callback: DecisionCallback) -> Callable[[], None]:
        """``callback(Decision)`` for each from now on, on the loop. Returns an unsubscribe. Who asks before
        ``start`` is told of all.
        """
        return self._decisions.subscribe(callback)

    @property
    def line_start(self) -> int:
        """The line's sample at which the clock began: sample n of the line is sample 2(n - start) of it."""
        return self._stream.base if isinstance(self._stream, LineVadStream) else 0

    @property
    def clock(self) -> int:
        """Samples (16 kHz) of the caller's audio examined so far."""
        return self._stream.clock if self._stream is not None else 0

    @property
    def caller_active(self) -> bool:
        """The caller speaks now, or was heard and not yet fetched by ``listen``."""
        return self._parts is not None and (self._parts.aside.speaking or self._parts.turns.active)

    @property
    def aside(self) -> CallerCapture:
        """What is done beside conversing: recording the caller, waiting. Raises SessionEnded."""
        return self._running()[0].aside

    @property
    def recogniser_down(self) -> bool:
        """What callers say is not understood at present; what they press is."""
        return self._parts is not None and self._parts.recogniser.down

    # -- saying

    async def say(
        self,
        source: SaySource,
        *,
        allow_interruptions: bool = True,
        barge_in: BargeIn | None = None,
        options: BargeInOptions | None = None,
    ) -> SayHandle:
        """Say text (or text as it is written, decoded audio files, a list of these) after what is queued.

        Returns at once. ``options`` says when it yields to the caller (the session's own when not given), and
        ``barge_in`` to what; without either ``allow_interruptions`` False means to nothing. A prompt that
        speech may interrupt and that comes up while the caller is speaking is interrupted before it starts.
        Raises SessionEnded.
        """
        parts, _ = self._running()
        chosen = options or self.config.barge_in
        if barge_in is not None or not allow_interruptions:
            chosen = dataclasses.replace(chosen, barge_in=barge_in or "none")
        handle = parts.playlist.add(source, chosen)
        eager = handle.yields_to("speech") and not chosen.by_words and not chosen.protect_ms
        free = not parts.interruptions.dismissed and parts.playlist.suspended is None
        if parts.aside.speaking and eager and free:
            parts.playlist.interrupt("speech")
        return handle

    def expect(self, expected: Expectation) -> None:
        """What the caller is asked for from now on: it decides how long their pauses are waited for and which
        word is an answer. ``Expectation()`` is nothing in particular. Raises SessionEnded.
        """
        parts, _ = self._running()
        self._note("expect", **expected.plain())
        parts.endings.expect(expected)

    def forget(self) -> None:
        """Drop the turns that wait to be fetched: what was said and pressed ahead."""
        self._running()[0].turns.forget()

    def prepare_replies(self, make: Callable[[str], Awaitable[Any]] | None) -> None:
        """Begin a reply when the caller pauses, before it is known that they have finished (preemptive
        generation): ``make`` is given what they said so far. When the turn is over and says the same (or is
        similar enough: ``TurnOptions.similar``), what it makes is the turn's ``reply``; when it says
        something else that is cancelled, and nothing of it is said or logged. None ends it. Needs
        ``TurnOptions.preemptive``.
        """
        parts, _ = self._running()
        parts.endings.prepare = make

    def speak(self, language: str) -> None:
        """Go on in ``language`` (a tag such as ``fr``): which words are backchannels and unfinished, and the
        engines where they can switch. Raises SessionEnded.
        """
        parts, _ = self._running()
        for engine in (self._stt, self._tts):
            if isinstance(engine, SwitchesLanguage):
                engine.set_language(language)
        parts.speak(language)

    # -- hearing

    def process_audio(self, pcm16_bytes: bytes, sample_rate: int = LINE_RATE) -> None:
        """The caller's sound: PCM16 mono at ``sample_rate`` Hz, any length. Ignored once ended."""
        stream = self._stream
        if stream is None:
            raise RuntimeError("process_audio before start()")
        self._pushed.push(stream, pcm16_bytes, sample_rate, self._frame_pushed)

    def _frame_pushed(self, pcm16: bytes, sample_rate: int) -> bool:
        if self.state is SessionState.ENDED or self._parts is None:
            return False
        self._parts.aside.hear(pcm16, sample_rate)
        return True

    def process_dtmf(self, digit: str) -> None:
        """A key (0-9 * # A-D) was pressed. Any thread; a prompt that yields to keys stops at once."""
        if len(digit) != 1 or digit.upper() not in "0123456789*#ABCD":
            raise ValueError(f"not a DTMF key: {digit!r}")
        pressed = time.perf_counter()
        cut = self._parts.playlist.yield_now("dtmf") if self._parts is not None else None
        self._post(self._pressed, digit.upper(), cut, pressed)

    async def listen(self, timeout: float | None = None) -> Turn:  # noqa: ASYNC109  (seconds of sound, not of the loop)
        """The caller's next turn; ``noinput`` after ``timeout`` seconds of nothing.

        The time runs only while nothing is being said, by either side. One task may listen at a time.
        Raises SessionEnded when the session is stopped meanwhile.
        """
        parts, _ = self._running()
        turn = parts.turns.fetch()
        if turn is not None:
            return turn
        if self._listener is not None:
            raise RuntimeError("somebody is already listening on this session")
        self._listener = asyncio.get_running_loop().create_future()
        self._timeout = timeout
        self._note("listen", timeout_s=timeout)
        self._set_alarm()
        self._moved.set()
        try:
            return await self._listener
        finally:
            self._listener = None
            self._timeout = None
            self._set_alarm()

    async def settled(self) -> None:
        """Wait until only more audio can change anything: no engine at work, a prompt playing or somebody
        listening, or the end. For those who feed audio faster than real time.
        """
        while not self._is_settled():
            self._moved.clear()
            # Sound that arrives for a prompt that had run dry moves nothing but the buffer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SETTLE_POLL_S):
                    await self._moved.wait()

    def _is_settled(self) -> bool:
        if self.state is SessionState.ENDED or self._parts is None:
            return True
        playlist = self._parts.playlist
        if playlist.waiting or self._parts.busy:
            return False
        listening = self._listener is not None and not self._listener.done()
        going_on = playlist.playing or playlist.suspended is not None or listening
        return going_on or self._parts.aside.waiting

    # -- events: the first two on whatever thread they happen, the rest on the loop

    def _hear(self, event: VadEvent) -> None:
        parts = self._parts
        if parts is None:
            return
        cut = parts.floor.hear(event)
        # Every window of speech is told; the loop wants to know of few.
        if cut is not None or not isinstance(event, SpeechContinued) or event.audio is not None:
            self._post(self._heard, event, cut)

    def _post(self, function: Callable[..., None], *args: object) -> None:
        if threading.get_ident() == self._loop_thread:
            function(*args)
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args, context=self._context)

    def _heard(self, event: VadEvent, cut: SayHandle | None) -> None:
        if self.state is not SessionState.ENDED and self._parts is not None:
            self._parts.heard(event, cut)
            self._set_alarm()

    def _pressed(self, digit: str, cut: SayHandle | None, pressed: float) -> None:
        if self.state is not SessionState.ENDED and self._parts is not None:
            self._parts.pressed(digit, cut, pressed)

    def _note(self, stage: str, rule: str = "", *, at: int | None = None, **details: Any) -> None:
        self._decisions.note(self.clock if at is None else at, stage, rule, **details)

    def _turn_ready(self) -> None:
        """A turn waits to be fetched, or one that was expected will not come."""
        if self._listener is not None and not self._listener.done() and self._parts is not None:
            turn = self._parts.turns.fetch()
            if turn is not None:
                self._deliver(turn)
        self._set_alarm()
        self._moved.set()

    def _playlist_moved(self) -> None:
        if self._parts is not None:
            self._parts.playlist.clock = self.clock
        self._set_alarm()
        self._moved.set()

    def _deliver(self, turn: Turn) -> None:
        if self._listener is not None and not self._listener.done():
            self._listener.set_result(turn)

    # -- the no-input timer

    def _idle(self) -> bool:
        return self._parts is not None and self._parts.playlist.current is None and not self.caller_active

    def _set_alarm(self) -> None:
        if self._parts is None or self.state is SessionState.ENDED:
            return
        waiting = self._listener is not None and not self._listener.done()
        alarms = self._parts.alarms
        if not waiting or self._timeout is None or not self._idle():
            alarms.clear("noinput")
        elif not alarms.is_set("noinput"):
            alarms.set("noinput", self.clock + ms_to_samples(self._timeout * 1000, VAD_RATE), self._no_input)

    def _no_input(self) -> None:
        self._decisions.note(self.clock, "noinput")
        self._deliver(Turn("", 0.0, 0.0, False, "noinput"))

    def _running(self) -> tuple[TurnTaking, VadStream]:
        if self.state is SessionState.ENDED:
            raise SessionEnded("the session was stopped")
        if self._parts is None or self._stream is None:
            raise RuntimeError("the session was not started: use 'async with session' or await start()")
        return self._parts, self._stream
