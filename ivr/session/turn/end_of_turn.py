"""The end of the caller's turn: at each pause the turn detector is asked and the turn is transcribed, and the
rules (``end_of_turn_rules.py``) say how much silence ends it. Everything here belongs to the loop.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.grammar.expectation import Expectation
from ivr.grammar.transcripts import transcript_words, word_overlap
from ivr.session.alarms import Alarms
from ivr.session.options import SessionConfig
from ivr.session.turn.end_of_turn_rules import END_OF_TURN_RULES, EndOfTurnRule, Pause, silence_for
from ivr.session.turn.recogniser import Recogniser
from ivr.speech.base import SpeechError, Transcript, TurnDetector
from ivr.tasks import TaskSupervisor
from ivr.vad.base import VadStream
from ivr.vad.events import SpeechDipped, SpeechEnded, SpeechPaused
from ivr.vad.options import EndpointingOptions

SOUND_RETURNED = "the sound came back"
"""Rule by which a transcript is thrown away before there was a pause."""
_TURN_END = "turn end"
"""Name of the alarm."""


@dataclass(frozen=True, slots=True)
class PreparedReply:
    """A reply to ``text`` that is being made."""

    text: str
    reply: "asyncio.Future[Any]"

    def to(self, text: str, overlap: float) -> "asyncio.Future[Any] | None":
        """The reply, if ``text``, the final transcript, shares ``overlap`` of its words with what the reply
        answers; otherwise the reply is cancelled and None is returned.
        """
        if word_overlap(self.text, text) >= overlap:
            return self.reply
        self.reply.cancel()
        return None


class EndOfTurn:
    """Ends the turns of a session's caller."""

    def __init__(
        self,
        config: SessionConfig,
        stream: VadStream,
        alarms: Alarms,
        recogniser: Recogniser,
        detector: TurnDetector | None,
        tasks: TaskSupervisor,
        *,
        on_words: Callable[[Transcript], None],
        note: Callable[..., None],
        log: Any,
        rules: tuple[EndOfTurnRule, ...] = END_OF_TURN_RULES,
    ) -> None:
        """``on_words`` receives what was said up to a pause that continues; ``note`` records decisions."""
        self._config, self._stream, self._alarms, self._tasks = config, stream, alarms, tasks
        self._recogniser, self._detector, self._rules = recogniser, detector, rules
        self._on_words, self._note, self._log = on_words, note, log
        self.language = config.language
        """The caller's language."""
        self.expected = Expectation()
        self._pause: SpeechPaused | None = None
        self._transcribing: asyncio.Task[Transcript] | None = None
        """Transcribes the turn up to ``_transcribed_at``."""
        self._transcribed_at: SpeechDipped | SpeechPaused | None = None
        self._asking: asyncio.Task[None] | None = None
        """Waits for the turn detector's answer."""
        self._probability: float | None = None
        """Probability that the turn is over, by the turn detector's answer about this pause."""
        self.prepare_reply: Callable[[str], Awaitable[Any]] | None = None
        """Makes a reply to a text, before it is known that the turn is over."""
        self._reply: PreparedReply | None = None
        self._endpointing: EndpointingOptions | None = None
        self.set_expectation(Expectation())

    def set_expectation(self, expected: Expectation) -> None:
        """Set what the caller is asked for from now on."""
        self.expected = self._recogniser.expected = expected
        longest = self._silence_ms
        if self._more_than_silence:
            longest = max(longest, self._config.turn.incomplete_ms)
        endpointing = dataclasses.replace(self._config.endpointing, min_silence_ms=longest)
        if endpointing != self._endpointing:
            self._endpointing = endpointing
            self._stream.set_endpointing(endpointing)

    @property
    def _silence_ms(self) -> float:
        """Silence that ends a turn when nothing better is known."""
        turn, kind = self._config.turn, self.expected.kind
        named = {"yes_no": turn.yes_no_silence_ms, "digits": turn.digits_silence_ms}
        return named.get(kind, self._config.endpointing.min_silence_ms)

    @property
    def _asks_detector(self) -> bool:
        """The turn detector is asked: not about digits, which are said in groups."""
        return self._detector is not None and self.expected.kind != "digits"

    @property
    def _waits_for_words(self) -> bool:
        return self._config.turn.preemptive and self._config.turn.wait_for_words

    @property
    def _more_than_silence(self) -> bool:
        """Something else than silence may end a turn sooner, or later."""
        return self._asks_detector or self._waits_for_words or self.expected.fits is not None

    # -- a turn

    def on_dip(self, event: SpeechDipped, *, wanted: bool = True) -> None:
        """The sound fades: if it becomes a pause, its words are known sooner."""
        self._discard(reply=self._replies_to_same_words)
        if wanted and self._waits_for_words:
            self._transcribe(event)

    def on_pause(self, event: SpeechPaused, *, wanted: bool = True) -> None:
        """The caller pauses. A turn that is not ``wanted`` will be dropped, and no engine works on it."""
        if self._pause is not None or self._transcribed_at is None:
            self._discard(reply=self._replies_to_same_words)
        self._pause = event
        if wanted and self._config.turn.preemptive and self._transcribing is None:
            self._transcribe(event)
        if not wanted:
            self._end_at(event, self._silence_ms, "silence")
            return
        if self._asks_detector:
            self._asking = self._tasks.start(self._ask_detector(event), "turn detector")
        known = self.words_so_far
        if known is None:
            self._decide(event)
        else:
            self._on_transcript(event, known)

    def on_resumed(self, at: int) -> None:
        """It was only a pause, or a dip: what was made of it is thrown away, but for a reply that may serve
        for the whole turn.
        """
        self._note_discarded(at)
        self._discard(reply=self._replies_to_same_words)

    def drop(self, at: int) -> None:
        """The turn is over, and nobody wants it: all that was made of it is thrown away."""
        self._note_discarded(at)
        self._discard()

    def on_ended(self, event: SpeechEnded) -> "tuple[asyncio.Task[Transcript], int]":
        """The transcript of the turn, either the one in progress since its last pause or a new one; and the
        sample at which it was requested.
        """
        task, pause, begun = self._transcribing, self._pause, self._transcribed_at
        if task is not None and begun is not None and pause is not None and pause.onset == event.onset:
            self._transcribing = None
            self._discard()
            return task, begun.at
        self._discard()
        request = self._recogniser.transcribe(event.audio, "turn", event.onset, event.offset, event.at)
        return self._tasks.start(request, "transcript of a turn", awaited=True), event.at

    @property
    def words_so_far(self) -> Transcript | None:
        """What was said up to the current pause; None while that is not known."""
        task = self._transcribing
        known = task is not None and task.done() and not task.cancelled()
        return task.result() if known and task is not None else None

    @property
    def paused(self) -> bool:
        """The caller has paused in their turn."""
        return self._pause is not None

    @property
    def expects_pieces(self) -> bool:
        """The answer may come in pieces, some said and some pressed: digits."""
        return self.expected.kind == "digits" and bool(self.expected.asks)

    @property
    def busy(self) -> bool:
        """An engine works on the current pause."""
        return any(task is not None and not task.done() for task in (self._transcribing, self._asking))

    def take_reply(self) -> PreparedReply | None:
        """The reply that was prepared at the pause with which the turn ends. Call it before ``on_ended``."""
        reply, self._reply = self._reply, None
        return reply

    def close(self) -> None:
        """Abandon what is in progress."""
        self._discard()

    # -- inside

    @property
    def _replies_to_same_words(self) -> bool:
        """A reply serves only for the words that it answers: a turn that continues needs another one."""
        return self._config.turn.reply_overlap >= 1

    def _note_discarded(self, at: int) -> None:
        if self._transcribing is not None and self._transcribed_at is not None:
            rule = "the caller went on" if self._pause is not None else SOUND_RETURNED
            asked, answered = self._transcribed_at.at, self._transcribing.done()
            self._note(at, "discard", rule, asked=asked, answered=answered)

    def _discard(self, *, reply: bool = True) -> None:
        self._pause = self._transcribed_at = None
        for task in (self._transcribing, self._asking):
            if task is not None:
                task.cancel()
        self._transcribing = self._asking = self._probability = None
        if reply:
            self._discard_reply()
        self._alarms.clear(_TURN_END)

    def _discard_reply(self) -> None:
        if self._reply is not None:
            self._reply.reply.cancel()
            self._reply = None

    def _transcribe(self, event: SpeechDipped | SpeechPaused) -> None:
        self._transcribed_at = event
        self._transcribing = self._tasks.start(self._transcript(event), "transcript at a pause")

    async def _transcript(self, event: SpeechDipped | SpeechPaused) -> Transcript:
        offset = event.offset if isinstance(event, SpeechPaused) else event.at
        transcript = await self._recogniser.transcribe(event.audio, "pause", event.onset, offset, event.at)
        if self._transcribed_at is event and self._pause is not None:
            self._on_transcript(self._pause, transcript)
        return transcript

    def _on_transcript(self, pause: SpeechPaused, transcript: Transcript) -> None:
        """What was said up to the pause is known."""
        text, begun = transcript.text, self._reply
        serves = begun is not None and word_overlap(begun.text, text) >= self._config.turn.reply_overlap
        if self.prepare_reply is not None and transcript_words(text) and not serves:
            self._discard_reply()
            made = self._tasks.start(_result_of(self.prepare_reply(text)), "reply", awaited=True)
            self._reply = PreparedReply(text, made)
        self._decide(pause, transcript)
        self._on_words(transcript)

    async def _ask_detector(self, event: SpeechPaused) -> None:
        assert self._detector is not None
        try:
            probability = await self._detector.probability(event.audio.tobytes(), VAD_RATE)
        except SpeechError as error:  # late, busy or broken: silence alone ends the turn
            self._log.info("turn_detector_gave_no_answer", error=str(error))
            return
        except Exception:
            # An engine of a third party may raise anything.
            self._log.exception("turn_detector_failed")
            return
        if self._pause is not event:
            return
        rounded, answered_at = round(probability, 3), self._stream.clock
        details = {"onset": event.onset, "offset": event.offset, "probability": rounded}
        self._note(event.at, "paused", "turn detector", **details, answered_at=answered_at)
        self._probability = probability
        self._decide(event, self.words_so_far)

    def _decide(self, event: SpeechPaused, words: Transcript | None = None) -> None:
        """Set when the turn ends if the pause continues, by what is known of it so far. Otherwise the
        stream's own endpointing is the upper bound.
        """
        if not self._more_than_silence:
            return
        pause = Pause(
            event,
            None if words is None else words.text,
            self._probability,
            self._config.turn,
            self._silence_ms,
            self.expected,
            self._waits_for_words,
            self._asks_detector,
            self.language,
        )
        ends = silence_for(self._rules, pause)
        if ends is None:
            self._alarms.clear(_TURN_END)
        else:
            self._end_at(event, *ends)

    def _end_at(self, event: SpeechPaused, silence_ms: float, rule: str) -> None:
        """End the turn once it has been silent for so long."""
        at = event.offset + ms_to_samples(silence_ms, VAD_RATE)

        def end() -> None:
            if self._pause is event:
                self._note(self._stream.clock, "complete", rule)
                self._stream.flush("complete")

        if at <= self._stream.clock:
            end()
        else:
            self._alarms.set(_TURN_END, at, end)


async def _result_of(reply: Awaitable[Any]) -> Any:
    return await reply
