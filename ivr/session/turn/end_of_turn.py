"""The end of the caller's turn: at each pause it is asked whether that was all, and meanwhile transcribed.

Silence alone is the fallback and the upper bound. A turn detector (a model that hears whether somebody has
finished) may end a turn sooner, or let a pause go on; so may a grammar that knows whole answers (VoiceXML
2.0, appendix D: completetimeout, incompletetimeout), and words that cannot be the last ones. Everything here
belongs to the loop.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.grammar.expectation import Expectation
from ivr.grammar.transcripts import is_unfinished, transcript_words, word_overlap
from ivr.session.alarms import Alarms
from ivr.session.options import SessionConfig
from ivr.session.turn.recogniser import Recogniser
from ivr.speech.base import SpeechError, Transcript, TurnDetector
from ivr.vad.base import EndpointingOptions, SpeechDipped, SpeechEnded, SpeechPaused, VadStream

DIPPED = "the sound came back"
"""Rule by which a transcript is thrown away before there was a pause."""


@dataclass(frozen=True, slots=True)
class PreparedReply:
    """A reply to ``text`` that is being made."""

    text: str
    reply: "asyncio.Future[Any]"

    def to(self, text: str, similar: float) -> "asyncio.Future[Any] | None":
        """The reply, if what was said in the end is ``similar`` enough to what it answers; else it is thrown
        away.
        """
        if word_overlap(self.text, text) >= similar:
            return self.reply
        self.reply.cancel()
        return None


class EndOfTurn:
    """One session's."""

    def __init__(
        self,
        config: SessionConfig,
        stream: VadStream,
        alarms: Alarms,
        recogniser: Recogniser,
        detector: TurnDetector | None,
        note: Callable[..., None],
        log: Any,
    ) -> None:
        self._config, self._stream, self._alarms = config, stream, alarms
        self._recogniser, self._detector = recogniser, detector
        self._note, self._log = note, log
        self.language = config.language
        """Of the caller."""
        self.expected = Expectation()
        self._pause: SpeechPaused | None = None
        self._early: asyncio.Task[Transcript] | None = None
        """Transcribes the turn up to ``_heard``."""
        self._heard: SpeechDipped | SpeechPaused | None = None
        self._asked: asyncio.Task[None] | None = None
        self._probability: float | None = None
        """That the pause is the end, as the turn detector hears it."""
        self.prepare: Callable[[str], Awaitable[Any]] | None = None
        """Makes a reply to a text, before it is known that the turn is over."""
        self.understood: Callable[[Transcript], None] = lambda transcript: None
        """Is told what was said up to a pause that still goes on."""
        self._reply: tuple[str, asyncio.Future[Any]] | None = None
        self._limited: EndpointingOptions | None = None
        self.expect(Expectation())

    def expect(self, expected: Expectation) -> None:
        """What the caller is asked for from now on."""
        self.expected = expected
        longest = self._silence_ms
        if self._more_than_silence:
            longest = max(longest, self._config.turn.incomplete_ms)
        limits = dataclasses.replace(self._config.endpointing, min_silence_ms=longest)
        if limits != self._limited:
            self._limited = limits
            self._stream.limit(limits)

    @property
    def _silence_ms(self) -> float:
        """That ends a turn of which nothing better is known."""
        turn, kind = self._config.turn, self.expected.kind
        named = {"yes_no": turn.yes_no_silence_ms, "digits": turn.digits_silence_ms}
        return named.get(kind, self._config.endpointing.min_silence_ms)

    @property
    def _asks(self) -> bool:
        """The turn detector is asked: not about digits, which are said in groups."""
        return self._detector is not None and self.expected.kind != "digits"

    @property
    def _by_words(self) -> bool:
        return self._config.turn.preemptive and self._config.turn.by_words

    @property
    def _more_than_silence(self) -> bool:
        """Something else may end a turn sooner, or later."""
        return self._asks or self._by_words or self.expected.fits is not None

    # -- a turn

    def dips(self, event: SpeechDipped, *, matters: bool = True) -> None:
        """The sound falls away: if a pause comes of it, its words are known the sooner."""
        self._forget(reply=self._same_words)
        if matters and self._by_words:
            self._listen_to(event)

    def paused(self, event: SpeechPaused, *, matters: bool = True) -> None:
        """The caller pauses. What does not matter (it will be dropped) is not worth an engine's time."""
        if self._pause is not None or self._heard is None:
            self._forget(reply=self._same_words)
        self._pause = event
        if matters and self._config.turn.preemptive and self._early is None:
            self._listen_to(event)
        if not matters:
            # Nobody will tell its words, and nothing is gained by waiting for more.
            self._end_at(event, self._silence_ms, "silence")
            return
        if self._asks:
            self._asked = asyncio.ensure_future(self._ask(event))
        known = self.so_far
        if known is None:
            self._settle(event)
        else:
            self._weigh(event, known)

    def resumed(self, at: int) -> None:
        """It was only a pause, or a dip: what was made of it is thrown away, but for a reply that may serve
        for what is said in the end.
        """
        self._discard(at)
        self._forget(reply=self._same_words)

    def dropped(self, at: int) -> None:
        """The turn is over, and not for anybody: all that was made of it is thrown away."""
        self._discard(at)
        self._forget()

    def _discard(self, at: int) -> None:
        if self._early is not None and self._heard is not None:
            rule = "the caller went on" if self._pause is not None else DIPPED
            self._note(at, "discard", rule, asked=self._heard.at, answered=self._early.done())

    def ended(self, event: SpeechEnded) -> "tuple[asyncio.Task[Transcript], int]":
        """The transcript of the turn: the one under way since its last pause, or a new one; and the sample at
        which it was asked for.
        """
        early, pause, heard = self._early, self._pause, self._heard
        if early is not None and heard is not None and pause is not None and pause.onset == event.onset:
            self._early = None
            self._forget()
            return early, heard.at
        self._forget()
        request = self._recogniser.transcribe(event.audio, "turn", event.onset, event.offset, event.at)
        return asyncio.ensure_future(request), event.at

    @property
    def so_far(self) -> Transcript | None:
        """What was said up to the pause that goes on, once that is known."""
        early = self._early
        known = early is not None and early.done() and not early.cancelled()
        return early.result() if known and early is not None else None

    @property
    def busy(self) -> bool:
        """Something is asked about the pause that goes on."""
        return any(task is not None and not task.done() for task in (self._early, self._asked))

    def take_reply(self) -> "PreparedReply | None":
        """What was prepared at the pause with which the turn ends; before ``ended``."""
        reply, self._reply = self._reply, None
        return None if reply is None else PreparedReply(*reply)

    async def close(self) -> None:
        tasks = [task for task in (self._early, self._asked) if task is not None]
        self._forget()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- inside

    @property
    def _same_words(self) -> bool:
        """A reply serves for the words that it answers, and no others: who goes on needs another one."""
        return self._config.turn.similar >= 1

    def _forget(self, *, reply: bool = True) -> None:
        self._pause = self._heard = None
        for task in (self._early, self._asked):
            if task is not None:
                task.cancel()
        self._early = self._asked = self._probability = None
        if reply:
            self._forget_reply()
        self._alarms.clear("turn end")

    def _forget_reply(self) -> None:
        if self._reply is not None:
            self._reply[1].cancel()
            self._reply = None

    def _listen_to(self, event: SpeechDipped | SpeechPaused) -> None:
        self._heard = event
        self._early = asyncio.ensure_future(self._transcribe(event))

    async def _transcribe(self, event: SpeechDipped | SpeechPaused) -> Transcript:
        offset = event.offset if isinstance(event, SpeechPaused) else event.at
        transcript = await self._recogniser.transcribe(event.audio, "pause", event.onset, offset, event.at)
        if self._heard is event and self._pause is not None:
            self._weigh(self._pause, transcript)
        return transcript

    def _weigh(self, pause: SpeechPaused, transcript: Transcript) -> None:
        """What was said up to a pause is known."""
        text, begun = transcript.text, self._reply
        serves = begun is not None and word_overlap(begun[0], text) >= self._config.turn.similar
        if self.prepare is not None and transcript_words(text) and not serves:
            self._forget_reply()
            self._reply = text, asyncio.ensure_future(self.prepare(text))
        self._settle(pause, transcript)
        self.understood(transcript)

    async def _ask(self, event: SpeechPaused) -> None:
        assert self._detector is not None
        try:
            probability = await self._detector.probability(event.audio.tobytes(), VAD_RATE)
        except SpeechError as error:  # late, busy or broken: silence alone ends the turn
            self._log.info("turn_detector_gave_no_answer", error=str(error))
            return
        except Exception:
            # A third party's may raise anything.
            self._log.exception("turn_detector_failed")
            return
        if self._pause is not event:
            return
        rounded = round(probability, 3)
        self._note(
            event.at,
            "paused",
            "turn detector",
            onset=event.onset,
            offset=event.offset,
            probability=rounded,
            answered_at=self._stream.clock,
        )
        self._probability = probability
        self._settle(event, self.so_far)

    def _settle(self, event: SpeechPaused, said: Transcript | None = None) -> None:
        """When the turn ends if the pause goes on, by what is known of it so far: ``said``, once that is
        known, and the turn detector's answer. Otherwise the stream's own limit is the upper bound.
        """
        if not self._more_than_silence:
            return
        ends = self._unheard(event) if said is None and self._by_words else self._ends(said)
        if ends is None:
            self._alarms.clear("turn end")
        else:
            self._end_at(event, *ends)

    def _unheard(self, event: SpeechPaused) -> tuple[float, str] | None:
        """As ``_ends``, while the words are not known yet."""
        spoken = event.offset - event.onset
        if spoken < ms_to_samples(self._config.turn.clear_ms, VAD_RATE) or self.expected.fits is not None:
            return None
        return (0, "turn detector") if self._probable(self._config.turn.sure) else None

    def _ends(self, said: Transcript | None) -> tuple[float, str] | None:
        """After how much silence, and by which rule."""
        turn, text = self._config.turn, said.text if said is not None else ""
        fits, may_continue = self.expected.fits, self.expected.may_continue
        answers = fits is not None and bool(text) and fits(text)
        if answers:
            # An answer that may go on waits for the silence of its kind.
            if may_continue is None or not may_continue(text):
                return turn.complete_ms, "grammar"
        elif self._by_words and is_unfinished(text, self.language):  # noqa: SIM114  (two rules)
            return None
        elif fits is not None and text and not self._asks:
            return None
        if self._probable(turn.likely if self._by_words and transcript_words(text) else turn.sure):
            return 0, "turn detector"
        # A word alone sounds unfinished to the detector; as an answer it is not held up for that.
        if self._probability is not None and self._probability < turn.doubtful and not answers:
            return None
        return self._silence_ms, "silence"

    def _probable(self, level: float) -> bool:
        """The turn detector has answered, and no less than that."""
        return self._probability is not None and self._probability >= level

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
            self._alarms.set("turn end", at, end)
