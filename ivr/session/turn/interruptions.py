"""What happens to a prompt once the caller's words are known: a prompt that speech stopped ends or resumes,
and a prompt that only words may stop is stopped. Everything here belongs to the loop.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from ivr.audio.frames import VAD_RATE, ms_to_samples, samples_to_ms
from ivr.session.alarms import Alarms
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.playlist import Playlist
from ivr.session.turn.barge_in import BargeInControl, DismissedSpeech
from ivr.session.turn.barge_in_rules import SpokenOver, WordRule, rule_against
from ivr.session.turn.end_of_turn import EndOfTurn
from ivr.session.turn.recogniser import Recogniser
from ivr.session.turn.rules import TurnTakingRules
from ivr.speech.base import Transcript
from ivr.tasks import TaskSupervisor
from ivr.vad.base import VadStream
from ivr.vad.events import Pcm16, SpeechEnded

INTERIM_MS = 400
"""Speech between two interim transcripts of a caller who speaks over a prompt that only words may stop."""
_FALSE_INTERRUPTION, _NEXT_INTERIM = "false interruption", "words"
"""Names of alarms."""


class Interruptions:
    """The interruptions of a session, confirmed or taken back."""

    def __init__(
        self,
        playlist: Playlist,
        barge_in: BargeInControl,
        stream: VadStream,
        alarms: Alarms,
        recogniser: Recogniser,
        end_of_turn: EndOfTurn,
        tasks: TaskSupervisor,
        *,
        rules: TurnTakingRules,
        language: str,
        note: Callable[..., None],
        turn_pending: Callable[[], bool],
    ) -> None:
        """``turn_pending``: a turn is being transcribed. ``note`` records decisions."""
        self._playlist, self._barge_in, self._stream, self._alarms = playlist, barge_in, stream, alarms
        self._recogniser, self._end_of_turn, self._tasks = recogniser, end_of_turn, tasks
        self._rules, self.language, self._note, self._turn_pending = rules, language, note, turn_pending
        self._spoken_over: SayHandle | None = None
        """The prompt that only words may stop, while the caller speaks over it."""
        self._overdue = False
        """``false_interruption_timeout_ms`` have passed: the suspended prompt resumes as soon as it is known
        that nothing was said."""
        self._rule_against = ""
        """The rule by which nothing was said over the suspended prompt so far."""
        self._left_ms = 0.0
        """What of the suspended prompt was not played when it was stopped."""
        self._interim: asyncio.Task[None] | None = None

    # -- speech

    def prompt_stopped(self, handle: SayHandle, at: int) -> None:
        """Speech has stopped the prompt."""
        timeout = handle.options.false_interruption_timeout_ms
        self._left_ms = handle.left_ms if handle.complete else float("inf")
        self._overdue, self._rule_against = False, ""
        self._barge_in.dismissed = None
        if not timeout:
            self._playlist.interrupt("speech", handle)
        elif self._playlist.suspend(handle):
            self._alarms.set(_FALSE_INTERRUPTION, at + ms_to_samples(timeout, VAD_RATE), self._on_timeout)

    def prompt_spoken_over(self, handle: SayHandle, at: int) -> None:
        """The caller speaks over a prompt that only words may stop."""
        self._spoken_over = handle
        self._ask_for_interim(at)

    def on_turn_so_far(self, audio: Pcm16, onset: int, at: int) -> None:
        """The audio of the turn so far, as it was requested."""
        if self._interim is None or self._interim.done():
            self._interim = self._tasks.start(self._transcribe(audio, onset, at), "interim transcript")

    def on_words_at_pause(self, transcript: Transcript) -> None:
        """What was said up to a pause that still continues."""
        if self._overdue and self._playlist.suspended is not None:
            self._decide_suspended(transcript, self._playlist.suspended, onset=None)

    def is_turn(self, transcript: Transcript, event: SpeechEnded, dismissed: SayHandle | None) -> bool:
        """Whether what was said is a turn of the caller; the prompt has resumed or ended accordingly.

        ``dismissed`` is what ``take_dismissed`` returned.
        """
        suspended, over = self._playlist.suspended, self._spoken_over
        if suspended is not None:
            rule = self._rule(self._rules.stopped, transcript, suspended)
            if rule is None:
                self._confirm(suspended, transcript, event.onset)
                return True
            self._rule_against = rule
            self._ignore(rule, transcript, suspended, event.onset)
            if self._overdue and not self._stream.speaking:
                self._resume(rule)
            return False
        if over is not None and over is self._playlist.head:
            rule = self._rule(self._rules.words_only, transcript, over)
            if not self._stream.speaking:
                self._spoken_over = None
            if rule is None:
                self._stop(over, transcript, event.onset)
                return True
            self._ignore(rule, transcript, over, event.onset)
            return False
        if dismissed is not None:
            rule = self._rule(self._rules.stopped, transcript, dismissed)
            if rule is not None:
                self._ignore(rule, transcript, dismissed, event.onset)
                return False
            if dismissed is self._playlist.head:
                self._stop(dismissed, transcript, event.onset)  # words after all
        return True

    def take_dismissed(self) -> SayHandle | None:
        """Speech has ended: the prompt that had resumed over it, if the speech was dismissed."""
        dismissed, self._barge_in.dismissed = self._barge_in.dismissed, None
        return dismissed.prompt if dismissed is not None else None

    @property
    def dismissed(self) -> bool:
        """The words so far of the current speech were nothing, and the prompt has resumed over it."""
        return self._barge_in.dismissed is not None

    @property
    def busy(self) -> bool:
        """An interim transcript is being made."""
        return self._interim is not None and not self._interim.done()

    # -- inside

    def _on_timeout(self) -> None:
        """``false_interruption_timeout_ms`` have passed since the stop."""
        handle = self._playlist.suspended
        if handle is None:
            return
        self._overdue = True
        known = self._end_of_turn.words_so_far
        if known is not None:
            self._decide_suspended(known, handle, onset=None)
        elif self._stream.speaking:
            self._stream.request_audio()
            self._alarms.set(_FALSE_INTERRUPTION, self._stream.clock + VAD_RATE // 2, self._on_timeout)
        elif not self._turn_pending():
            self._resume(self._rule_against or "no words")

    def _decide_suspended(self, transcript: Transcript, handle: SayHandle, onset: int | None) -> None:
        """End or resume the suspended prompt by the words of a turn that may not have ended; ``onset`` as in
        ``DismissedSpeech``.
        """
        rule = self._rule(self._rules.stopped, transcript, handle)
        if rule is None:
            self._confirm(handle, transcript)
        else:
            self._barge_in.dismissed = DismissedSpeech(handle, onset)
            self._ignore(rule, transcript, handle)
            self._resume(rule)

    def _ask_for_interim(self, at: int) -> None:
        self._alarms.set(_NEXT_INTERIM, at + ms_to_samples(INTERIM_MS, VAD_RATE), self._stream.request_audio)

    async def _transcribe(self, audio: Pcm16, onset: int, at: int) -> None:
        """Act on the words of a caller who is still speaking."""
        transcript = await self._recogniser.transcribe(audio, "interim", onset, at, at)
        suspended, over = self._playlist.suspended, self._spoken_over
        if suspended is not None and self._overdue and self._stream.speaking:
            # Without a word it is music, or a voice elsewhere, and stops the prompt no more.
            self._decide_suspended(transcript, suspended, onset)
        elif over is not None and over is self._playlist.head and self._stream.speaking:
            if self._rule(self._rules.words_only, transcript, over) is None:
                self._stop(over, transcript, onset)
            else:
                self._ask_for_interim(self._stream.clock)

    def _rule(self, rules: tuple[WordRule, ...], transcript: Transcript, handle: SayHandle) -> str | None:
        """The rule by which what was said over the prompt is no interruption."""
        fits = self._end_of_turn.expected.fits
        return rule_against(rules, SpokenOver(transcript.text, handle, self._left_ms, self.language, fits))

    def _confirm(self, handle: SayHandle, transcript: Transcript, onset: int | None = None) -> None:
        self._alarms.clear(_FALSE_INTERRUPTION)
        self._overdue = False
        self._note_words("confirm", "words", transcript, handle, onset)
        self._playlist.interrupt("speech", handle)

    def _stop(self, handle: SayHandle, transcript: Transcript, onset: int) -> None:
        self._spoken_over = None
        self._alarms.clear(_NEXT_INTERIM)
        handle.stop("speech")
        latency = round(samples_to_ms(self._stream.clock - onset, VAD_RATE))
        self._note_words("stop", "words", transcript, handle, onset, latency_ms=latency, cause="speech")
        self._playlist.interrupt("speech", handle)

    def _resume(self, rule: str) -> None:
        self._alarms.clear(_FALSE_INTERRUPTION)
        self._overdue = False
        self._playlist.resume(rule)

    def _ignore(self, rule: str, transcript: Transcript, handle: SayHandle, onset: int | None = None) -> None:
        self._note_words("ignore", rule, transcript, handle, onset)

    def _note_words(
        self, stage: str, rule: str, transcript: Transcript, handle: SayHandle, onset: int | None, **more: Any
    ) -> None:
        """Record a decision by words; ``onset`` of their speech, None for the speech that continues."""
        evidence = self._barge_in.evidence(onset)
        words = {"words": transcript.text, "confidence": round(transcript.confidence, 2)}
        self._note(self._stream.clock, stage, rule, prompt=handle.number, **words, **evidence, **more)
