"""Who speaks when: what becomes of what the detector hears and of keys. Everything here belongs to the loop;
what must be done within the window that decides is done on the detector's thread (``floor.py``).
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
from ivr.session.turn.recogniser import Recogniser, heard
from ivr.session.turn.turn_queue import TurnQueue
from ivr.session.types import Player, Turn
from ivr.speech.base import SpeechToText, TextToSpeech, Transcript, TurnDetector
from ivr.vad.base import (
    AlarmRang,
    SpeechContinued,
    SpeechDipped,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    VadEvent,
    VadStream,
)

CUT_IN_PROTECT_MS = 2000
"""Of what is said to a caller who never stops: so long they cannot stop it."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What a session works with."""

    stt: SpeechToText
    tts: TextToSpeech
    turn_detector: TurnDetector | None
    player: Player


class TurnTaking:
    """One running session's."""

    def __init__(
        self,
        config: SessionConfig,
        engines: Engines,
        stream: VadStream,
        machine: StateMachine,
        post: Callable[..., None],
        decisions: Decisions,
        privacy: Privacy,
        log: Any,
        *,
        on_turn: Callable[[], None],
        on_moved: Callable[[], None],
        line: Line | None = None,
    ) -> None:
        """``post(function, *args)`` brings a call from any thread to the loop. ``on_turn``: a turn can be
        fetched, or one that was expected will not come; ``on_moved``: what is said has changed.
        """
        self._config, self._stream, self._machine = config, stream, machine
        self._decisions, self._log = decisions, log
        self._on_turn = on_turn
        self.playlist = Playlist(engines.tts, engines.player, post, machine, on_moved, self._note, log)
        self.turns = TurnQueue(config, on_turn, log)
        self.turns.private = privacy.covers
        self._privacy = privacy
        self.alarms = Alarms(stream)
        self.aside = CallerCapture(stream, self.alarms, self.turns, line)
        recogniser = Recogniser(engines.stt, config.stt_timeout_s, self._note, privacy, log)
        self.recogniser = recogniser
        self.endings = EndOfTurn(
            config, stream, self.alarms, recogniser, engines.turn_detector, self._note_at, log
        )
        # Noted on the loop: whoever reads the log must not hold up the detector's thread.
        self.floor = BargeInControl(
            self.playlist, lambda *what, **details: post(self._note_at, *what, details)
        )
        self.interruptions = Interruptions(
            self.playlist,
            self.floor,
            stream,
            self.alarms,
            recogniser,
            self.endings,
            self._note_at,
            config.language,
            lambda: self.turns.transcribing,
        )
        self.endings.understood = self.interruptions.paused

    def speak(self, language: str) -> None:
        """The caller's language from now on."""
        self.endings.language = self.interruptions.language = language

    @property
    def busy(self) -> bool:
        """An engine is at work for the caller."""
        return self.turns.transcribing or self.endings.busy or self.interruptions.busy

    async def close(self) -> None:
        await self.playlist.close()
        await self.interruptions.close()
        await self.endings.close()
        await self.turns.close()

    def heard(self, event: VadEvent, cut: SayHandle | None) -> None:
        """An event of the detector, and the prompt that it has stopped."""
        self.aside.heard(event)
        match event:
            case SpeechStarted():
                self._speech_began(event, cut)
            case SpeechContinued():
                if cut is not None:
                    self._barge_in(cut, event.at - event.onset, event.at)
                if event.audio is not None:
                    self.interruptions.so_far(event.audio, event.onset, event.at)
            case SpeechDipped():
                if cut is not None:
                    self._barge_in(cut, event.at - event.onset, event.at)
                if self.aside.heeds(event.onset):
                    self.endings.dips(event, matters=not self._will_be_dropped)
            case SpeechPaused():
                if self.aside.heeds(event.onset):
                    self.endings.paused(event, matters=not self._will_be_dropped)
            case SpeechResumed():
                self.endings.resumed(event.at)
            case SpeechEnded():
                self._speech_ended(event)
            case AlarmRang():
                self.alarms.rang(self._stream.clock)

    @property
    def _will_be_dropped(self) -> bool:
        return self.turns.over_protected and self.playlist.playing

    def _speech_began(self, event: SpeechStarted, cut: SayHandle | None) -> None:
        onset_ms = samples_to_ms(event.onset, VAD_RATE)
        self._log.debug("speech_began", onset_ms=round(onset_ms), probability=round(event.probability, 2))
        self._note_at(event.at, "speech_began", onset=event.onset, probability=event.probability)
        head = self.playlist.head
        if cut is not None:
            self._barge_in(cut, event.at - event.onset, event.at)
        elif self.playlist.suspended is not None:
            self.turns.speech_began(barged_in=True)
        elif head is None:
            # What has no sound yet is over before it starts, if it yields to speech at all.
            self.playlist.interrupt("speech")
            self.turns.speech_began(barged_in=False)
        elif head.options.by_words and head.yields_to("speech") and not head.protected("speech"):
            self.turns.speech_began(barged_in=True)
            self.interruptions.spoken_over(head, event.at)
        else:
            # What plays does not yield to speech, or not yet.
            self.turns.speech_began(barged_in=True, protected=True)

    def _barge_in(self, cut: SayHandle, speech: int, at: int) -> None:
        latency = samples_to_ms(speech, VAD_RATE)
        self._log.info("barge_in", cause="speech", latency_ms=round(latency))
        self.turns.speech_began(barged_in=True)
        self.interruptions.stopped(cut, at)

    def _speech_ended(self, event: SpeechEnded) -> None:
        self._note_at(event.at, "turn_ended", onset=event.onset, offset=event.offset, reason=event.reason)
        dismissed = self.interruptions.speech_over()
        if not self.aside.heeds(event.onset):
            self.endings.dropped(event.at)
            self._on_turn()
            return
        if self.turns.dropped(event, protected_until=self.playlist.protected_until(event.at)):
            self.endings.dropped(event.at)
            return
        if self._machine.allows(SessionState.PROCESSING) and self.playlist.suspended is None:
            self._machine.to(SessionState.PROCESSING)
        if event.reason == "max_turn" and self._config.turn.cut_in:
            self._note_at(event.at, "cut_in", "max_turn")
            self.playlist.add(self._config.turn.cut_in, BargeInOptions(protect_ms=CUT_IN_PROTECT_MS))

        reply = self.endings.take_reply()
        transcribing, asked = self.endings.ended(event)

        def judge(transcript: Transcript) -> bool:
            self._note("transcript", **heard(transcript, event.onset, event.offset, asked), interim=False)
            return self.interruptions.judge(transcript, event, dismissed)

        self.turns.speech_ended(event, transcribing, judge, reply)

    def pressed(self, digit: str, cut: SayHandle | None, pressed: float) -> None:
        """A key, and the prompt that it has stopped; ``pressed`` is ``perf_counter`` when it came."""
        self._note("dtmf", digit=digit)
        if cut is not None:
            self._note("stop", "dtmf", prompt=cut.number, cause="dtmf")
        over = cut or self.playlist.current
        if self.playlist.interrupt("dtmf", cut):
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
        self.turns.add(Turn(digit, 1.0, 0.0, over is not None, "dtmf", self._privacy.active))

    def _note(self, stage: str, rule: str = "", **details: Any) -> None:
        self._note_at(self._stream.clock, stage, rule, **details)

    def _note_at(self, at: int, stage: str, rule: str = "", more: Any = None, /, **details: Any) -> None:
        self._decisions.note(at, stage, rule, **(more or {}), **details)
