"""How a language writes what a voice is to say: the rules that ``grammar/speakable.py`` applies."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Say = Callable[[re.Match[str], str], str | None]
"""Returns what is said instead of a match, given the language tag; None where the match means something else.
"""


@dataclass(frozen=True, slots=True, eq=False)
class SpeakableRule:
    """What is written in one way and said in another."""

    pattern: re.Pattern[str]
    say: Say
    group: str | int = 0
    """The group of the pattern that is replaced; the rest of the match is its context."""


def rule(pattern: str, say: Say | str, group: str | int = 0, flags: int = 0) -> SpeakableRule:
    """Return a rule; ``say`` may be a fixed text."""
    if isinstance(say, str):
        fixed = say
        return SpeakableRule(re.compile(pattern, flags), lambda found, tag: fixed, group)
    return SpeakableRule(re.compile(pattern, flags), say, group)


def word_rules(words: dict[str, str], after: str = "", before: str = "") -> Sequence[SpeakableRule]:
    """Return a rule for each abbreviation, which is a whole word between ``before`` and ``after``, both
    regular expressions for its context.
    """
    return [
        rule(rf"{before}(?<![\w.]){re.escape(short)}(?!\w){after}", said) for short, said in words.items()
    ]
