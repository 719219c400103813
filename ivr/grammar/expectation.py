"""What a session knows of the question that the caller is answering."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ivr.grammar.fusion import THRESHOLDS, Recognition, Thresholds, fuse
from ivr.grammar.recognition import Hypothesis, RecognitionContext

ExpectedKind = Literal["free", "menu", "yes_no", "digits"]
"""Kind of question: anything may be said, one of some choices, yes or no, digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the caller is expected to say. It decides how much silence ends a turn, and which words answer."""

    kind: ExpectedKind = "free"
    fits: Callable[[str], bool] | None = None
    """Returns whether a text is in-grammar: an answer to the question. None when that is not known."""
    may_continue: Callable[[str], bool] | None = None
    """Returns whether a text, answer or not, may be the beginning of a longer answer ("one" where "one two"
    is an answer too)."""
    choices: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)
    """The choices of a menu: name to phrases and keys. A recording keeps them, so that a replay can build the
    same expectation."""
    asks: Mapping[str, Any] = field(default_factory=dict)
    """The typed value asked for, as ``InputSpec.plain`` writes it, for recordings too; empty when there is
    none."""

    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What may be said, by meaning, for a recogniser that compares phrases with the sound; empty where
    anything may be said."""
    meaning: Callable[[str], str | None] | None = None
    """Returns which of ``phrases`` a text means, by name, or None."""
    is_typed: Callable[[str], bool] | None = None
    """Returns whether a text is a typed value that was asked for."""
    rejected: frozenset[str] = frozenset()
    """Meanings that the caller has denied; they are not offered again."""
    thresholds: Thresholds = THRESHOLDS["balanced"]
    """How sure an answer must be."""
    language: str = "en"
    """A tag (RFC 5646)."""

    @property
    def context(self) -> RecognitionContext:
        """What a recogniser knows of the question."""
        typed = self.asks if self.is_typed is not None else {}
        return RecognitionContext(language=self.language, phrases=self.phrases, typed=typed)

    def understand(self, text: str, confidence: float, hypotheses: Sequence[Hypothesis]) -> Recognition:
        """Return what was understood of an answer (see ``fusion``). Hypotheses of anybody's recogniser pass
        here: those that are no answer to the question are left out."""
        is_typed = self.is_typed or _never
        known = [
            each
            for each in hypotheses
            if 0 <= each.confidence <= 1
            and (each.meaning in self.phrases or (not each.meaning and is_typed(each.phrase)))
        ]
        return fuse(
            text,
            confidence,
            sorted(known, key=lambda each: -each.confidence),
            meaning=self.meaning or _nothing,
            is_typed=is_typed,
            rejected=self.rejected,
            thresholds=self.thresholds,
        )

    def plain(self) -> dict[str, Any]:
        """Return what a recording keeps of the expectation, as JSON can hold it."""
        choices = {name: [list(phrases), list(keys)] for name, (phrases, keys) in self.choices.items()}
        return {"kind": self.kind, "choices": choices, **({"asks": dict(self.asks)} if self.asks else {})}


def _nothing(text: str) -> str | None:
    return None


def _never(text: str) -> bool:
    return False
