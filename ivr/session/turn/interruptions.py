"""What becomes of a prompt that speech has stopped: the speech was words, and the prompt is over; or it was
nothing, and the prompt goes on where the word began that was cut. And of a prompt that only words may stop.
Everything here belongs to the loop.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from ivr.audio.frames import VAD_RATE, ms_to_samples, samples_to_ms
from ivr.grammar.transcripts import is_backchannel, transcript_words
from ivr.session.alarms import Alarms
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.playlist import Playlist
from ivr.session.turn.barge_in import BargeInControl
from ivr.session.turn.end_of_turn import EndOfTurn
from ivr.session.turn.recogniser import Recogniser
from ivr.speech.base import Transcript
from ivr.vad.base import Pcm16, SpeechEnded, VadStream

INTERIM_MS = 400
"""Speech between two looks at the words of who speaks over a prompt that only words may stop."""


class Interruptions:
    """One session's."""

    def __init__(
        self,
        playlist: Playlist,
        floor: BargeInControl,
        stream: VadStream,
        alarms: Alarms,
        recogniser: Recogniser,
        endings: EndOfTurn,
        note: Callable[..., None],
        language: str,
        pending: Callable[[], bool],
    ) -> None:
        """``pending``: a turn is being transcribed."""
        self._playlist, self._floor, self._stream, self._alarms = playlist, floor, stream, alarms
        self._recogniser, self._endings, self._note = recogniser, endings, note
        self.language, self._pending = language, pending
        self._over: SayHandle | None = None
        """The prompt that only words may stop, and that is spoken over."""
        self._due = False
        """The suspended prompt goes on as soon as what was said is known to be nothing."""
        self._found = ""
        """The rule by which what was said over the suspended prompt so far is nothing."""
        self._left_ms = 0.0
        """Of the suspended prompt, when it was stopped."""
        self._dismissed: SayHandle | None = None
        """The prompt that went on while somebody speaks: what they had said was nothing."""
        self._interim: asyncio.Task[None] | None = None

    # -- speech

    def stopped(self, handle: SayHandle, at: int) -> None:
        """Speech has stopped the prompt."""
        timeout = handle.options.false_interruption_timeout_ms
        self._left_ms = handle.left_ms if handle.complete else float("inf")
        self._due, self._found = False, ""
        self._dismissed = None
        if not timeout:
            self._playlist.interrupt("speech", handle)
        elif self._playlist.suspend(handle):
            self._alarms.set("false interruption", at + ms_to_samples(timeout, VAD_RATE), self._late)

    def spoken_over(self, handle: SayHandle, at: int) -> None:
        """Somebody speaks over a prompt that only words may stop."""
        self._over = handle
        self._look_again(at)

    def so_far(self, audio: Pcm16, onset: int, at: int) -> None:
        """The turn so far, as it was asked for."""
        if self._interim is None or self._interim.done():
            self._interim = asyncio.ensure_future(self._look(audio, onset, at))

    def paused(self, transcript: Transcript) -> None:
        """What was said up to a pause that still goes on."""
        if self._due and self._playlist.suspended is not None:
            self._weigh(transcript, self._playlist.suspended)

    def judge(self, transcript: Transcript, event: SpeechEnded, dismissed: SayHandle | None) -> bool:
        """Whether what was said is a turn of the caller; what it means for the prompt is done.

        ``dismissed`` is what ``speech_over`` gave.
        """
        suspended, over = self._playlist.suspended, self._over
        if suspended is not None:
            rule = self._nothing(transcript, suspended)
            if rule is None:
                self._confirm(suspended, transcript, event.onset)
                return True
            self._found = rule
            self._ignored(rule, transcript, suspended, event.onset)
            if self._due and not self._stream.speaking:
                self._resume(rule)
            return False
        if over is not None and over is self._playlist.head:
            rule = self._too_little(transcript, over)
            if not self._stream.speaking:
                self._over = None
            if rule is None:
                self._stop(over, transcript, event.onset)
                return True
            self._ignored(rule, transcript, over, event.onset)
            return False
        if dismissed is not None:
            rule = self._nothing(transcript, dismissed)
            if rule is not None:
                self._ignored(rule, transcript, dismissed, event.onset)
                return False
            if dismissed is self._playlist.head:
                self._stop(dismissed, transcript, event.onset)  # words after all
        return True

    def speech_over(self) -> SayHandle | None:
        """Speech has ended: the prompt that had gone on over it, as it had been found to be nothing."""
        dismissed, self._dismissed = self._dismissed, None
        return dismissed

    @property
    def dismissed(self) -> bool:
        """The speech that goes on was found to be nothing."""
        return self._dismissed is not None

    @property
    def busy(self) -> bool:
        """The words of somebody who is still speaking are being looked at."""
        return self._interim is not None and not self._interim.done()

    async def close(self) -> None:
        if self._interim is not None:
            self._interim.cancel()
            await asyncio.gather(self._interim, return_exceptions=True)

    # -- inside

    def _late(self) -> None:
        """The time is over in which words should have come."""
        handle = self._playlist.suspended
        if handle is None:
            return
        self._due = True
        said = self._endings.so_far
        if said is not None:
            self._weigh(said, handle)
        elif self._stream.speaking:
            self._stream.ask()
            self._alarms.set("false interruption", self._stream.clock + VAD_RATE // 2, self._late)
        elif not self._pending():
            self._resume(self._found or "no words")

    def _weigh(self, transcript: Transcript, handle: SayHandle) -> None:
        """The suspended prompt is over, or goes on, by the words of a turn that may not have ended."""
        rule = self._nothing(transcript, handle)
        if rule is None:
            self._confirm(handle, transcript)
        else:
            self._dismissed = handle
            self._ignored(rule, transcript, handle)
            self._resume(rule)

    def _look_again(self, at: int) -> None:
        self._alarms.set("words", at + ms_to_samples(INTERIM_MS, VAD_RATE), self._stream.ask)

    async def _look(self, audio: Pcm16, onset: int, at: int) -> None:
        """The words of somebody who is still speaking."""
        transcript = await self._recogniser.transcribe(audio, "interim", onset, at, at)
        suspended, over = self._playlist.suspended, self._over
        if suspended is not None and self._due and self._stream.speaking:
            self._weigh(transcript, suspended)
            # It goes on without a word: music, or a voice elsewhere. After a pause it would be something new.
            self._floor.dismissed = self.dismissed
        elif over is not None and over is self._playlist.head and self._stream.speaking:
            if self._too_little(transcript, over) is None:
                self._stop(over, transcript, onset)
            else:
                self._look_again(self._stream.clock)

    def _nothing(self, transcript: Transcript, handle: SayHandle) -> str | None:
        """The rule by which what was said over the prompt is no interruption."""
        if not transcript_words(transcript.text):
            return "no words"
        fits = self._endings.expected.fits
        if fits is not None and fits(transcript.text):
            return None
        options = handle.options
        if (
            options.backchannels
            and self._left_ms > options.answer_window_ms
            and is_backchannel(transcript.text, self.language)
        ):
            return "backchannel"
        return None

    def _too_little(self, transcript: Transcript, handle: SayHandle) -> str | None:
        """The same for a prompt that only words may stop."""
        words, options = transcript_words(transcript.text), handle.options
        fits = self._endings.expected.fits
        answer = bool(words) and fits is not None and fits(transcript.text)
        if options.hotword or (options.hotword_answers and fits is not None):
            said = f" {' '.join(words)} "
            named = any(f" {' '.join(transcript_words(phrase))} " in said for phrase in options.hotword)
            return None if named or (answer and options.hotword_answers) else "hotword"
        if not words:
            return "no words"
        if options.backchannels and not answer and is_backchannel(transcript.text, self.language):
            return "backchannel"
        return None if len(words) >= options.min_words else "min_words"

    def _confirm(self, handle: SayHandle, transcript: Transcript, onset: int | None = None) -> None:
        self._alarms.clear("false interruption")
        self._due = False
        self._decided("confirm", "words", transcript, handle, onset)
        self._playlist.interrupt("speech", handle)

    def _stop(self, handle: SayHandle, transcript: Transcript, onset: int) -> None:
        self._over = None
        self._alarms.clear("words")
        handle.yielding = True
        handle.buffer.stop()
        latency = round(samples_to_ms(self._stream.clock - onset, VAD_RATE))
        self._decided("stop", "words", transcript, handle, onset, latency_ms=latency, cause="speech")
        self._playlist.interrupt("speech", handle)

    def _resume(self, rule: str) -> None:
        self._alarms.clear("false interruption")
        self._due = False
        self._playlist.resume(rule)

    def _ignored(
        self, rule: str, transcript: Transcript, handle: SayHandle, onset: int | None = None
    ) -> None:
        self._decided("ignore", rule, transcript, handle, onset)

    def _decided(
        self, stage: str, rule: str, transcript: Transcript, handle: SayHandle, onset: int | None, **more: Any
    ) -> None:
        """Decided by words; ``onset`` of their speech, None for that which goes on."""
        why = self._floor.evidence(onset)
        words = {"words": transcript.text, "confidence": round(transcript.confidence, 2)}
        self._note(self._stream.clock, stage, rule, prompt=handle.number, **words, **why, **more)
