"""What a recogniser knows of the question (``RecognitionContext``) and what it offers (``Hypothesis``).

A recogniser that knows what may be answered compares the sound with those phrases, as grammar-driven
recognisers do (W3C SRGS 1.0); one that does not is asked for text alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_PHRASES = 96
"""Phrases of one question that are compared with the sound. A question with more is answered by its text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognitionContext:
    """The question that an utterance answers."""

    language: str = "en"
    """A tag (RFC 5646)."""
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What may be said, by meaning: the name of a choice to its phrases. Empty: anything may be said."""
    typed: Mapping[str, Any] = field(default_factory=dict)
    """The typed value asked for, as ``InputSpec.plain`` writes it; empty when there is none."""

    def plain(self) -> dict[str, Any]:
        """Return the context as JSON can hold it."""
        return {
            "language": self.language,
            "phrases": {name: list(each) for name, each in self.phrases.items()},
            "typed": dict(self.typed),
        }

    @property
    def closed(self) -> bool:
        """The answers are few enough to be compared with the sound one by one."""
        return 0 < sum(len(each) for each in self.phrases.values()) <= MAX_PHRASES


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One answer that may have been given."""

    meaning: str
    """The name of the choice; empty for a text that says a typed value."""
    phrase: str
    """The phrase of the choice that fits the sound best, or that text."""
    confidence: float
    """Probability, 0 to 1, that this was the answer: calibrated, so that of those at 0.8 80 % are right."""

    def plain(self) -> list[Any]:
        """Return the fields as JSON can hold them."""
        return [self.meaning, self.phrase, round(self.confidence, 3)]


def hypotheses_of(plain: object) -> tuple[Hypothesis, ...]:
    """Return the hypotheses that ``Hypothesis.plain`` wrote; those that are none are left out."""
    found = []
    for each in plain if isinstance(plain, list) else ():
        match each:
            case [str(meaning), str(phrase), int() | float() as confidence]:
                found.append(Hypothesis(meaning, phrase, float(confidence)))
    return tuple(found)
