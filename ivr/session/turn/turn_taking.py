"""``TurnTaking``: brings the parts of turn-taking together and gives them the detector's events and the keys.
Everything here belongs to the loop, but for ``on_detector_event`` and ``stop_for_key``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE, samples_to_ms
from ivr.audio.line import Line
from ivr.session.alarms import Alarms
from ivr.session.decisions import Decisions
from ivr.session.options import BargeInOptions, SessionConfig
from ivr.session.privacy import Privacy
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.playlist import Playlist
from ivr.session.state_machine import StateMachine
from ivr.session.states import SessionState
from ivr.session.turn.barge_in import BargeInControl
from ivr.session.turn.caller_capture import CallerCapture
from ivr.session.turn.end_of_turn import EndOfTurn
from ivr.session.turn.interruptions import Interruptions
from ivr.session.turn.listener import Listener
from ivr.session.turn.recogniser import Recogniser, transcript_details
from ivr.session.turn.rules import TurnTakingRules
from ivr.session.turn.turn_queue import SpeechGate, TurnQueue
from ivr.session.turn.waiting import WaitingSound
from ivr.session.types import Player, Turn
from ivr.speech.base import SpeechToText, TextToSpeech, Transcript, TurnDetector
from ivr.tasks import TaskSupervisor
from ivr.vad.base import VadStream
from ivr.vad.events import (
    AlarmRang,
    SpeechContinued,
    SpeechDipped,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    VadEvent,
)

CUT_IN_PROTECT_MS = 2000
"""Protected beginning, in milliseconds, of what is said to a caller who does not stop speaking."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines and the player that a session works with."""

    stt: SpeechToText
    tts: TextToSpeech
    turn_detector: TurnDetector | None
    player: Player


class TurnTaking:
    """The turn-taking of a running session."""

    def __init__(
        self,
        config: SessionConfig,
        engines: Engines,
        stream: VadStream,
        machine: StateMachine,
        decisions: Decisions,
        privacy: Privacy,
        tasks: TaskSupervisor,
        *,
        rules: TurnTakingRules,
        post: Callable[..., None],
        on_turn: Callable[[], None],
        on_prompt_change: Callable[[], None],
        line: Line | None,
        log: Any,
    ) -> None:
        """``post(function, *args)`` brings a call from any thread to the loop. ``on_turn``: a turn can be
        fetched, or one that was expected will not come; ``on_prompt_change``: the queue of prompts has
        changed.
        """
        self._config, self._stream, self._machine = config, stream, machine
        self._decisions, self._privacy, self._tasks, self._log = decisions, privacy, tasks, log
        self._notify_turn, self._notify_prompt_change = on_turn, on_prompt_change
        self.alarms = Alarms(stream)
        self.playlist = Playlist(
            engines.tts,
            engines.player,
            machine,
            tasks,
            post=post,
            clock=lambda: stream.clock,
            on_change=self._on_prompt_change,
            note=self._note,
            log=log,
        )
        self.turns = TurnQueue(config, tasks, is_private=privacy.covers, on_ready=self._on_turn, log=log)
        self.gate = SpeechGate(stream, self.turns)
        self.waiting = WaitingSound(
            config.waiting_after_s,
            self.playlist,
            self.turns,
            self.gate,
            self.alarms,
            engines.tts,
            engines.player.sample_rate,
            clock=lambda: stream.clock,
            language=config.language,
            log=log,
        )
        self.listener = Listener(stream, self.alarms, self.turns, is_silent=self._is_silent, note=self._note)
        self.capture = CallerCapture(stream, self.alarms, line, tasks)
        self.recogniser = Recogniser(engines.stt, config.stt_timeout_s, self._note, privacy, log)
        self.end_of_turn = EndOfTurn(
            config,
            stream,
            self.alarms,
            self.recogniser,
            engines.turn_detector,
            tasks,
            on_words=self._on_words_at_pause,
            note=self._note_at,
            log=log,
            rules=rules.end_of_turn,
        )
        # Noted on the loop: a slow reader of decisions must not delay the detector's thread.
        self.barge_in = BargeInControl(
            lambda: self.playlist.head,
            lambda *what, **details: post(self._note_at, *what, details),
            rules.sound,
        )
        self.interruptions = Interruptions(
            self.playlist,
            self.barge_in,
            stream,
            self.alarms,
            self.recogniser,
            self.end_of_turn,
            tasks,
            rules=rules,
            language=config.language,
            note=self._note_at,
            turn_pending=lambda: self.turns.transcribing,
        )

    def set_language(self, language: str) -> None:
        """Set the caller's language from now on."""
        self.end_of_turn.language = self.interruptions.language = self.waiting.language = language

    def _on_turn(self) -> None:
        self._notify_turn()
        self.waiting.update()

    def _on_prompt_change(self) -> None:
        self._notify_prompt_change()
        self.waiting.update()

    @property
    def busy(self) -> bool:
        """An engine works on what the caller says."""
        return self.turns.transcribing or self.end_of_turn.busy or self.interruptions.busy

    @property
    def caller_active(self) -> bool:
        """The caller speaks now, or has spoken and the turn was not fetched yet."""
        return self.gate.speaking or self.turns.active

    def _is_silent(self) -> bool:
        return self.playlist.current is None and not self.caller_active

    async def aclose(self, error: Exception) -> None:
        """End all prompts and tasks; whoever waits for the caller's sound gets ``error``."""
        self.alarms.close(error)
        self.capture.close(error)
        self.listener.close(error)
        self.playlist.close()
        self.end_of_turn.close()
        await self._tasks.aclose()
        self.turns.discard()

    def on_event(self, event: VadEvent, stopped: SayHandle | None) -> None:
        """An event of the detector, and the prompt that it has stopped."""
        self.gate.on_event(event)
        self.capture.on_event(event)
        match event:
            case SpeechStarted():
                self._on_speech_started(event, stopped)
            case SpeechContinued():
                if stopped is not None:
                    self._on_barge_in(stopped, event.at - event.onset, event.at)
                if event.audio is not None:
                    self.interruptions.on_turn_so_far(event.audio, event.onset, event.at)
            case SpeechDipped():
                if stopped is not None:
                    self._on_barge_in(stopped, event.at - event.onset, event.at)
                if self.gate.accepts(event.onset):
                    self.end_of_turn.on_dip(event, wanted=not self._will_be_dropped)
            case SpeechPaused():
                if self.gate.accepts(event.onset):
                    self.end_of_turn.on_pause(event, wanted=not self._will_be_dropped)
            case SpeechResumed():
                self.end_of_turn.on_resumed(event.at)
            case SpeechEnded():
                self._on_speech_ended(event)
            case AlarmRang():
                self.alarms.on_alarm(self._stream.clock)
        if not isinstance(event, AlarmRang | SpeechContinued):
            self.waiting.update()

    @property
    def _will_be_dropped(self) -> bool:
        return self.turns.over_protected and self.playlist.playing

    def _on_words_at_pause(self, transcript: Transcript) -> None:
        self.interruptions.on_words_at_pause(transcript)

    def _on_speech_started(self, event: SpeechStarted, stopped: SayHandle | None) -> None:
        onset_ms = samples_to_ms(event.onset, VAD_RATE)
        self._log.debug("speech_began", onset_ms=round(onset_ms), probability=round(event.probability, 2))
        self._note_at(event.at, "speech_began", onset=event.onset, probability=event.probability)
        head = self.playlist.head
        if stopped is not None:
            self._on_barge_in(stopped, event.at - event.onset, event.at)
        elif self.playlist.suspended is not None:
            self.turns.on_speech_started(barged_in=True)
        elif head is None:
            # A prompt that has no sound yet ends before it starts, if it yields to speech at all.
            self.playlist.interrupt("speech")
            self.turns.on_speech_started(barged_in=False)
        elif head.options.needs_words and head.yields_to("speech") and not head.protected("speech"):
            self.turns.on_speech_started(barged_in=True)
            self.interruptions.prompt_spoken_over(head, event.at)
        else:
            # The prompt that plays does not yield to speech, or not yet.
            self.turns.on_speech_started(barged_in=True, protected=True)

    def _on_barge_in(self, stopped: SayHandle, speech: int, at: int) -> None:
        latency = samples_to_ms(speech, VAD_RATE)
        self._log.info("barge_in", cause="speech", latency_ms=round(latency))
        self.turns.on_speech_started(barged_in=True)
        self.interruptions.prompt_stopped(stopped, at)

    def _on_speech_ended(self, event: SpeechEnded) -> None:
        self._note_at(event.at, "turn_ended", onset=event.onset, offset=event.offset, reason=event.reason)
        self.turns.speech_open = False
        dismissed = self.interruptions.take_dismissed()
        if not self.gate.accepts(event.onset):
            self.end_of_turn.drop(event.at)
            self.turns.release_keys()
            self._on_turn()
            return
        if self.turns.is_dropped(event, protected_until=self.playlist.protected_until(event.at)):
            self.end_of_turn.drop(event.at)
            self.turns.release_keys()
            return
        if self._machine.allows(SessionState.PROCESSING) and self.playlist.suspended is None:
            self._machine.to(SessionState.PROCESSING)
        if event.reason == "max_turn" and self._config.turn.cut_in:
            self._note_at(event.at, "cut_in", "max_turn")
            self.playlist.add(self._config.turn.cut_in, BargeInOptions(protect_ms=CUT_IN_PROTECT_MS))

        reply = self.end_of_turn.take_reply()
        transcribing, asked = self.end_of_turn.on_ended(event)

        def is_turn(transcript: Transcript) -> bool:
            details = transcript_details(transcript, event.onset, event.offset, asked)
            self._note("transcript", **details, interim=False)
            return self.interruptions.is_turn(transcript, event, dismissed)

        self.turns.on_speech_ended(event, transcribing, is_turn, reply)
        self.waiting.turn_ended(event.offset)

    def on_key(self, digit: str, stopped: SayHandle | None, pressed: float) -> None:
        """A key, and the prompt that it has stopped; ``pressed`` is ``perf_counter`` when it came."""
        self._note("dtmf", digit=digit)
        self.playlist.stop_between()
        if stopped is not None:
            self._note("stop", "dtmf", prompt=stopped.number, cause="dtmf")
        over = stopped or self.playlist.current
        if self.playlist.interrupt("dtmf", stopped):
            latency = (time.perf_counter() - pressed) * 1000
            self._log.info("barge_in", cause="dtmf", latency_ms=round(latency, 1))
        elif (
            over is not None
            and not self._config.keep_speech_over_protected
            and (over.barge_in == "none" or over.protected("dtmf"))
        ):
            self._log.info("dtmf_dropped", reason="prompt is protected")
            return
        if self._machine.allows(SessionState.PROCESSING):
            self._machine.to(SessionState.PROCESSING)
        turn = Turn(
            digit, 1.0, 0.0, over is not None, "dtmf", private=self._privacy.active, at=self._stream.clock
        )
        if self.recogniser.down or not self.end_of_turn.expects_pieces:
            self.turns.add(turn)
        else:
            self.turns.add_key(turn, speech_ends=self._end_speech_for_key())

    def _end_speech_for_key(self) -> bool:
        """End the caller's speech where it has paused: it comes before the key that was pressed. Returns
        whether there was any.
        """
        if not (self.gate.speaking and self.end_of_turn.paused) or self._will_be_dropped:
            return False
        self._note("complete", "key")
        self._stream.flush("complete")
        return True

    def _note(self, stage: str, rule: str = "", **details: Any) -> None:
        self._note_at(self._stream.clock, stage, rule, **details)

    def _note_at(self, at: int, stage: str, rule: str = "", more: Any = None, /, **details: Any) -> None:
        self._decisions.note(at, stage, rule, **(more or {}), **details)
