"""What a session knows of the question that the caller is answering."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

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

    def plain(self) -> dict[str, Any]:
        """Return what a recording keeps of the expectation, as JSON can hold it."""
        choices = {name: [list(phrases), list(keys)] for name, (phrases, keys) in self.choices.items()}
        return {"kind": self.kind, "choices": choices, **({"asks": dict(self.asks)} if self.asks else {})}
