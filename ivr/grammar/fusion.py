"""Decides what an answer was, from what a recogniser transcribed and from how well the expected phrases fit
the sound (``Hypothesis``). Pure.

The rules, in order:

| rule | when | result |
|---|---|---|
| ``text`` | no phrase was compared with the sound | the text as it is |
| ``typed`` | the likeliest is a typed value that was asked for, and probable | its text |
| ``typed`` | the text is such a value, and no hypothesis is | the text |
| ``agree`` | the text means the likeliest phrase's choice | the phrase, with the higher confidence |
| ``sound`` | the likeliest phrase is probable (``Thresholds.accept``) | the phrase |
| ``text`` | the text means a choice | the text |
| ``unsure`` | the likeliest of them is possible (``Thresholds.confirm``) | the text, to be confirmed |
| ``rejected`` | otherwise | the text |

A phrase does not stand for a long sentence that was understood well: where the text has ``LONG_WORDS`` words
more than the phrase, and a confidence of ``CLEAR``, the sound alone decides nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ivr.grammar.recognition import Hypothesis
from ivr.grammar.transcripts import transcript_words

FusionRule = Literal["text", "typed", "agree", "sound", "unsure", "rejected"]
UnderstandingLevel = Literal["strict", "balanced", "lenient"]
LEVELS: tuple[UnderstandingLevel, ...] = get_args(UnderstandingLevel)

UNDERSTANDING = (
    "how sure an answer must be: strict (rather asks than is wrong), balanced, or lenient (rather takes it)"
)
"""The levels, for whoever writes a plan."""
LONG_WORDS = 3
CLEAR = 0.6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Confidences, 0 to 1, from which an answer is taken, and from which it is confirmed."""

    accept: float
    confirm: float


THRESHOLDS: dict[UnderstandingLevel, Thresholds] = {
    "strict": Thresholds(0.95, 0.5),
    "balanced": Thresholds(0.85, 0.3),
    "lenient": Thresholds(0.7, 0.15),
}
"""Chosen on the *choose* split of ``tests/bench/understanding``."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """The result: ``text`` is a phrase of the question, or what was transcribed."""

    text: str
    confidence: float
    rule: FusionRule
    hypotheses: tuple[Hypothesis, ...] = ()


def fuse(
    text: str,
    confidence: float,
    hypotheses: Sequence[Hypothesis],
    *,
    meaning: Callable[[str], str | None],
    is_typed: Callable[[str], bool],
    rejected: frozenset[str] = frozenset(),
    thresholds: Thresholds = THRESHOLDS["balanced"],
) -> Recognition:
    """Return what was understood (see the module). ``confidence`` is that of ``text``, 0 to 1.

    ``meaning`` returns the name of the choice that a text means; ``is_typed`` says whether it is a typed
    value that was asked for. Choices and texts in ``rejected`` are not offered: the caller has denied them.
    """
    left = tuple(each for each in hypotheses if (each.meaning or each.phrase) not in rejected)
    if not left:
        return Recognition(text, confidence, "text")
    best = left[0]
    if not best.meaning and best.confidence >= thresholds.accept:
        return Recognition(best.phrase, best.confidence, "typed", left)
    values = [each for each in left if not each.meaning]
    if text and is_typed(text) and not values:
        return Recognition(text, confidence, "typed", left)
    meant = meaning(text) if text else None
    if meant is not None and meant == best.meaning:
        return Recognition(best.phrase, max(confidence, best.confidence), "agree", left)
    if (
        best.meaning
        and best.confidence >= thresholds.accept
        and not _says_more(text, confidence, best.phrase)
    ):
        return Recognition(best.phrase, best.confidence, "sound", left)
    if meant is not None and meant not in rejected:
        return Recognition(text, confidence, "text", left)
    rule: FusionRule = "unsure" if best.confidence >= thresholds.confirm else "rejected"
    return Recognition(text, confidence, rule, left)


def _says_more(text: str, confidence: float, phrase: str) -> bool:
    words = len(transcript_words(text))
    return confidence >= CLEAR and words > len(transcript_words(phrase)) + LONG_WORDS
