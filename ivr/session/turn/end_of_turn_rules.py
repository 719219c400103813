"""The rules of the end of a turn: how much silence at a pause ends it. They are asked in order whenever
something new is known about the pause, and the first that decides is the ``rule`` of the decision that is
logged.

Silence alone is the fallback and the upper bound. A turn detector (a model of how people sound when they have
finished) may end a turn sooner, or let a pause continue; so may a grammar that knows whole answers (VoiceXML
2.0, appendix D: completetimeout, incompletetimeout), and words that cannot be the last ones. A further rule
is one class and one entry of ``TurnTakingRules``.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from ivr.audio.frames import VAD_RATE, samples_to_ms
from ivr.grammar.expectation import Expectation
from ivr.grammar.transcripts import is_unfinished, transcript_words
from ivr.session.options import TurnOptions
from ivr.vad.events import SpeechPaused


class _Continue:
    """The type of ``CONTINUE``."""


CONTINUE: Final = _Continue()
"""The pause may go on until the upper bound of silence (``incomplete_ms``)."""


@dataclass(frozen=True)
class Pause:
    """What is known of a pause in the caller's turn."""

    event: SpeechPaused
    text: str | None
    """What was said up to it; None while that is not known."""
    probability: float | None
    """Probability that the turn is over, by the turn detector; None while that is not known."""
    turn: TurnOptions
    silence_ms: float
    """Silence that ends a turn of this kind of question when nothing better is known."""
    expected: Expectation
    waits_for_words: bool
    """The turn does not end before its words are known (``TurnOptions.wait_for_words``)."""
    asks_detector: bool
    language: str

    @cached_property
    def answers(self) -> bool:
        """The words are an answer of the grammar."""
        return self.expected.fits is not None and bool(self.text) and self.expected.fits(self.text or "")

    @cached_property
    def has_words(self) -> bool:
        return bool(transcript_words(self.text or ""))

    @property
    def spoken_ms(self) -> float:
        """Length of the turn up to the pause."""
        return samples_to_ms(self.event.offset - self.event.onset, VAD_RATE)

    def probably_over(self, level: float) -> bool:
        """The turn detector has answered with at least ``level``."""
        return self.probability is not None and self.probability >= level


Silence = float | _Continue
"""Milliseconds of silence that end the turn, or CONTINUE."""


class EndOfTurnRule(Protocol):
    """Decides how much silence ends the turn."""

    name: str

    def silence(self, pause: Pause) -> Silence | None:
        """The silence after which the turn ends; None: the next rule decides."""


class WordsUnknown:
    """While the words are not known, only a turn that was long and is surely over ends (``long_turn_ms``,
    ``end_above``); never one that answers a question of known answers: people who stop to think do so after
    a few words.
    """

    name = "turn detector"

    def silence(self, pause: Pause) -> Silence | None:
        if pause.text is not None or not pause.waits_for_words:
            return None
        if pause.spoken_ms < pause.turn.long_turn_ms or pause.expected.fits is not None:
            return CONTINUE
        return 0.0 if pause.probably_over(pause.turn.end_above) else CONTINUE


class WholeAnswer:
    """A whole answer of the grammar, with which no longer answer begins, ends after ``complete_ms``."""

    name = "grammar"

    def silence(self, pause: Pause) -> Silence | None:
        may_continue = pause.expected.may_continue
        whole = pause.answers and (may_continue is None or not may_continue(pause.text or ""))
        return pause.turn.complete_ms if whole else None


class UnfinishedSentence:
    """Words that cannot be the last of a sentence ("my number is") do not end a turn."""

    name = "unfinished"

    def silence(self, pause: Pause) -> Silence | None:
        waits = pause.waits_for_words and not pause.answers
        return CONTINUE if waits and is_unfinished(pause.text or "", pause.language) else None


class NotAnAnswer:
    """Words that are no answer of the grammar do not end a turn, where no turn detector is asked."""

    name = "no answer"

    def silence(self, pause: Pause) -> Silence | None:
        other = pause.expected.fits is not None and bool(pause.text) and not pause.answers
        return CONTINUE if other and not pause.asks_detector else None


class TurnDetectorSaysOver:
    """A turn that the detector takes for finished ends at once: from ``end_with_words_above`` on with
    words, else from ``end_above``.
    """

    name = "turn detector"

    def silence(self, pause: Pause) -> Silence | None:
        words_known = pause.waits_for_words and pause.has_words
        level = pause.turn.end_with_words_above if words_known else pause.turn.end_above
        return 0.0 if pause.probably_over(level) else None


class TurnDetectorDoubts:
    """A pause that the detector takes for one within a turn continues, unless the words are an answer: a
    single word sounds unfinished to it.
    """

    name = "doubtful"

    def silence(self, pause: Pause) -> Silence | None:
        doubts = pause.probability is not None and pause.probability < pause.turn.continue_below
        return CONTINUE if doubts and not pause.answers else None


class SilenceOfQuestion:
    """When nothing better is known, the silence of the kind of question ends the turn."""

    name = "silence"

    def silence(self, pause: Pause) -> Silence | None:
        return pause.silence_ms


END_OF_TURN_RULES: tuple[EndOfTurnRule, ...] = (
    WordsUnknown(),
    WholeAnswer(),
    UnfinishedSentence(),
    NotAnAnswer(),
    TurnDetectorSaysOver(),
    TurnDetectorDoubts(),
    SilenceOfQuestion(),
)


def silence_for(rules: tuple[EndOfTurnRule, ...], pause: Pause) -> tuple[float, str] | None:
    """Milliseconds of silence that end the turn and the rule that says so; None for the upper bound."""
    for rule in rules:
        found = rule.silence(pause)
        if found is not None:
            return None if isinstance(found, _Continue) else (found, rule.name)
    return None
