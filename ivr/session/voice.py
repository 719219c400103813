"""``VoiceSession``: a conversation with one caller. Says prompts, listens, and takes turns."""

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

from ivr.audio.frames import LINE_RATE
from ivr.audio.line import Line
from ivr.errors import IvrError
from ivr.grammar.expectation import Expectation
from ivr.session.audio_input import AudioInput, AudioWatch
from ivr.session.decisions import DecisionCallback, Decisions
from ivr.session.options import BargeIn, BargeInOptions, SessionConfig
from ivr.session.privacy import Privacy
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.synthesis import SaySource
from ivr.session.state_machine import StateCallback, StateMachine
from ivr.session.states import SessionState
from ivr.session.turn.caller_capture import CapturedAudio
from ivr.session.turn.rules import TurnTakingRules
from ivr.session.turn.turn_taking import Engines, TurnTaking
from ivr.session.types import Player, Turn
from ivr.speech.base import SpeechToText, TextToSpeech, TurnDetector
from ivr.speech.call_engines import SwitchesLanguage
from ivr.tasks import TaskSupervisor
from ivr.vad.base import LineVad, LineVadStream, VadStream, VoiceActivityDetector
from ivr.vad.events import SpeechContinued, VadEvent

_IDLE_POLL_S = 0.005


class SessionEnded(IvrError):
    """The session was stopped (the caller is gone): nothing can be said or heard any more."""


class VoiceSession:
    """A conversation with one caller, made of exchangeable engines; knows neither SIP nor dialplans.

    Audio comes in through ``process_audio``, keys through ``process_dtmf``, sound goes out through
    ``player``. Everything but those two belongs to the asyncio loop in which ``start`` was awaited;
    those two may be called from one other thread (pjmedia's, on a call) when the detector is shared.

    Time inside is the caller's audio, counted in samples: ``listen``'s timeout is that long in sound
    received, whatever the clock on the wall says. So audio must be given all the time, also silence.
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
        rules: TurnTakingRules | None = None,
        warn_without_audio_s: float | None = 5.0,
    ) -> None:
        """``line``: the memory of the caller's sound, in a bank that ``vad`` follows. A call fills it;
        without a call (a detector of ``create_line_vad``) ``process_audio`` does, at 8 kHz, and the echo of
        prompts is recognised. ``turn_detector`` estimates whether the caller has finished; without one
        silence decides. ``rules``: what stops a prompt and what ends a turn. ``warn_without_audio_s``:
        seconds of the clock without any audio, while ``say`` or ``listen`` wait for it, after which a warning
        is logged once; None: never.
        """
        self.config = config or SessionConfig()
        self._log = log if log is not None else structlog.get_logger("ivr.session")
        self._stt, self._tts, self._vad, self._player = stt, tts, vad, player
        self._line = line
        self._turn_detector = turn_detector
        self._rules = rules or TurnTakingRules()
        self.privacy = Privacy(lambda: self.clock)
        self._decisions = Decisions(self._log, self.privacy.hides)
        self._machine = StateMachine(self._log)
        self._machine.subscribe(lambda state: self._note("state", name=str(state)))
        self._stream: VadStream | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._parts: TurnTaking | None = None
        self._tasks = TaskSupervisor(self._log)
        self._audio_input = AudioInput(vad, player, line)
        self._audio_watch = AudioWatch(
            warn_without_audio_s, lambda: self.clock, lambda: self._needs_audio, self._log
        )
        self._warned_min_speech = False
        self._context = contextvars.copy_context()
        """Context of ``start``, in which events of other threads are handled: logs keep what is bound."""
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
            self._decisions,
            self.privacy,
            self._tasks,
            rules=self._rules,
            post=self._post,
            on_turn=self._on_turn,
            on_prompt_change=self._on_change,
            line=self._line,
            log=self._log,
        )
        self._machine.to(SessionState.LISTENING)

    def _open_stream(self) -> VadStream:
        endpointing = dataclasses.replace(self.config.endpointing, details=True)
        if self._line is None:
            return self._vad.open_stream(endpointing, self._on_vad_event)
        if not isinstance(self._vad, LineVad):
            raise TypeError("this detector follows no lines: push the audio with process_audio")
        return self._vad.open_line(self._line, endpointing, self._on_vad_event)

    async def stop(self) -> None:
        """End the session: nothing more is said or transcribed. Idempotent; frees everything."""
        if self.state is SessionState.ENDED:
            return
        if self._stream is not None:
            self._stream.close()
        self._machine.to(SessionState.ENDED)
        self._audio_watch.close()
        if self._parts is not None:
            await self._parts.aclose(SessionEnded("the session was stopped"))
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
        """``callback(Decision)`` for each decision from now on, on the loop; of all when called before
        ``start``. Returns an unsubscribe.
        """
        return self._decisions.subscribe(callback)

    @property
    def line_start(self) -> int:
        """The line's sample at which the clock began: sample n of the line is sample 2(n - start) of it."""
        return self._stream.line_start if isinstance(self._stream, LineVadStream) else 0

    @property
    def clock(self) -> int:
        """Samples (16 kHz) of the caller's audio examined so far."""
        return self._stream.clock if self._stream is not None else 0

    @property
    def caller_active(self) -> bool:
        """The caller speaks now, or has spoken and ``listen`` has not returned it yet."""
        return self._parts is not None and self._parts.caller_active

    @property
    def recogniser_down(self) -> bool:
        """What callers say is not understood at present; what they press is."""
        return self._parts is not None and self._parts.recogniser.down

    # -- prompts

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
        parts = self._running()
        chosen = options or self.config.barge_in
        if options is not None:
            self._check_min_speech(options)
        if barge_in is not None or not allow_interruptions:
            chosen = dataclasses.replace(chosen, barge_in=barge_in or "none")
        handle = parts.playlist.add(source, chosen)
        by_sound = handle.yields_to("speech") and not chosen.needs_words and not chosen.protect_ms
        undecided = parts.interruptions.dismissed or parts.playlist.suspended is not None
        if parts.gate.speaking and by_sound and not undecided:
            parts.playlist.interrupt("speech")
        self._audio_watch.start()
        return handle

    def _check_min_speech(self, options: BargeInOptions) -> None:
        try:
            options.check_min_speech(self.config.endpointing)
        except ValueError as error:
            if not self._warned_min_speech:
                self._warned_min_speech = True
                self._log.warning("min_speech_without_effect", error=str(error))

    def set_expectation(self, expected: Expectation) -> None:
        """Set what the caller is asked for from now on: it decides how long their pauses may be and which
        word is an answer. ``Expectation()`` is nothing in particular. Raises SessionEnded.
        """
        parts = self._running()
        self._note("expect", **expected.plain())
        parts.end_of_turn.set_expectation(expected)

    def discard_turns(self) -> None:
        """Drop the turns that wait for ``listen``: what was said and pressed ahead. Raises SessionEnded."""
        self._running().turns.discard()

    def prepare_replies(self, make: Callable[[str], Awaitable[Any]] | None) -> None:
        """Begin a reply when the caller pauses, before it is known that they have finished (preemptive
        generation): ``make`` is given what they said so far. When the turn is over and says the same (or is
        similar enough: ``TurnOptions.reply_overlap``), what it makes is the turn's ``reply``; when it says
        something else that is cancelled, and nothing of it is said or logged. None ends it. Needs
        ``TurnOptions.preemptive``.
        """
        self._running().end_of_turn.prepare_reply = make

    def set_language(self, language: str) -> None:
        """Continue in ``language`` (a tag such as ``fr``): which words are backchannels and unfinished, and
        the engines where they can switch. Raises SessionEnded.
        """
        parts = self._running()
        for engine in (self._stt, self._tts):
            if isinstance(engine, SwitchesLanguage):
                engine.set_language(language)
        parts.set_language(language)

    # -- the caller

    def process_audio(self, pcm16_bytes: bytes, sample_rate: int = LINE_RATE) -> None:
        """Take the caller's sound: PCM16 mono at ``sample_rate`` Hz, any length. Ignored once ended. Call it
        all the time, with silence too: it is the session's clock.
        """
        stream = self._stream
        if stream is None:
            raise RuntimeError("process_audio before start()")
        self._audio_input.push(stream, pcm16_bytes, sample_rate, self._on_frame)

    def _on_frame(self, pcm16: bytes, sample_rate: int) -> bool:
        if self.state is SessionState.ENDED or self._parts is None:
            return False
        self._parts.capture.add_audio(pcm16, sample_rate)
        return True

    def process_dtmf(self, digit: str) -> None:
        """Take a key (0-9 * # A-D) of the caller. Any thread; a prompt that yields to keys stops at once."""
        if len(digit) != 1 or digit.upper() not in "0123456789*#ABCD":
            raise ValueError(f"not a DTMF key: {digit!r}")
        pressed = time.perf_counter()
        stopped = self._parts.playlist.stop_for_key() if self._parts is not None else None
        self._post(self._on_key, digit.upper(), stopped, pressed)

    async def listen(self, timeout: float | None = None) -> Turn:  # noqa: ASYNC109  (seconds of sound, not of the loop)
        """Wait for the caller's next turn; its reason is ``noinput`` after ``timeout`` seconds of nothing.

        The time runs only while nothing is being said, by either side. One task may listen at a time.
        Raises SessionEnded when the session is stopped meanwhile.
        """
        return await self._running().listener.listen(timeout, self._on_listen)

    def _on_listen(self) -> None:
        self._moved.set()
        self._audio_watch.start()

    async def wait(self, seconds: float) -> None:
        """Wait for ``seconds`` of the caller's sound. Raises SessionEnded."""
        alarms = self._running().alarms
        self._audio_watch.start()
        await alarms.wait(seconds)

    def ignore_speech(self, *, discard_turns: bool = False) -> contextlib.AbstractContextManager[None]:
        """Inside ``with session.ignore_speech()`` what the caller says is no turn and reaches no recogniser;
        keys arrive as always. ``discard_turns``: also drop what was said or pressed before and not yet
        fetched. Raises SessionEnded.
        """
        return self._running().gate.ignore_speech(discard_turns=discard_turns)

    def capture_caller(
        self, silence_s: float, longest_s: float
    ) -> contextlib.AbstractContextManager[CapturedAudio]:
        """Inside ``with session.capture_caller(...) as captured`` the caller's sound is kept.
        ``captured.finished`` resolves once nothing was said for ``silence_s`` seconds, or after
        ``longest_s``; the sound is kept until the end of the block. One capture at a time. Raises
        SessionEnded.
        """
        return self._running().capture.capture(silence_s, longest_s)

    @property
    def waits_for_audio(self) -> bool:
        """``wait`` or ``capture_caller`` is in progress."""
        return self._parts is not None and (self._parts.alarms.waiting or self._parts.capture.active)

    async def wait_until_idle(self) -> None:
        """Wait until only more audio can change anything: no engine works, and a prompt plays or a task
        listens, or the session has ended. For feeding audio faster than real time.
        """
        while not self._is_idle():
            self._moved.clear()
            # Sound that arrives for a prompt that had run dry moves nothing but the buffer.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_IDLE_POLL_S):
                    await self._moved.wait()

    def _is_idle(self) -> bool:
        if self.state is SessionState.ENDED or self._parts is None:
            return True
        playlist = self._parts.playlist
        if playlist.waiting or self._parts.busy:
            return False
        sounds = playlist.playing or playlist.playing_between or playlist.suspended is not None
        return sounds or self._parts.listener.waiting or self.waits_for_audio

    @property
    def _needs_audio(self) -> bool:
        """A task of the session's user waits for the caller's sound."""
        if self._parts is None or self.state is SessionState.ENDED:
            return False
        waiting = self._parts.listener.waiting or self.waits_for_audio
        return waiting or self._parts.playlist.current is not None

    # -- events: the first two on any thread, the rest on the loop

    def _on_vad_event(self, event: VadEvent) -> None:
        parts = self._parts
        if parts is None:
            return
        stopped = parts.barge_in.on_event(event)
        # Every window of speech is an event; the loop needs few of them.
        if stopped is not None or not isinstance(event, SpeechContinued) or event.audio is not None:
            self._post(self._on_event, event, stopped)

    def _post(self, function: Callable[..., None], *args: object) -> None:
        if threading.get_ident() == self._loop_thread:
            function(*args)
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args, context=self._context)

    def _on_event(self, event: VadEvent, stopped: SayHandle | None) -> None:
        if self.state is not SessionState.ENDED and self._parts is not None:
            self._parts.on_event(event, stopped)
            self._set_alarm()

    def _on_key(self, digit: str, stopped: SayHandle | None, pressed: float) -> None:
        if self.state is not SessionState.ENDED and self._parts is not None:
            self._parts.on_key(digit, stopped, pressed)

    def _note(self, stage: str, rule: str = "", **details: Any) -> None:
        self._decisions.note(self.clock, stage, rule, **details)

    def _on_turn(self) -> None:
        if self._parts is not None and self.state is not SessionState.ENDED:
            self._parts.listener.on_turn()
        self._moved.set()

    def _on_change(self) -> None:
        self._set_alarm()
        self._moved.set()

    def _set_alarm(self) -> None:
        if self._parts is not None and self.state is not SessionState.ENDED:
            self._parts.listener.set_alarm()

    def _running(self) -> TurnTaking:
        if self.state is SessionState.ENDED:
            raise SessionEnded("the session was stopped")
        if self._parts is None or self._stream is None:
            raise RuntimeError("the session was not started: use 'async with session' or await start()")
        return self._parts
