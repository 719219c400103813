"""What people say around a value, how they correct themselves, and how recognisers write what they said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerRules:
    """Rules of one language. Expressions are matched against words in small letters, without apostrophes,
    with single spaces between them, and match whole words.
    """

    before: Sequence[str] = ()
    """Regular expressions for what comes before a value and says nothing: "my number is"."""
    after: Sequence[str] = ()
    """The same for what comes after it: "thanks", "I think"."""
    corrections: Sequence[str] = ()
    """What comes between a value and the one that takes its place: "no", "sorry", "I mean"."""
    clock_joints: Sequence[str] = ()
    """What comes between a date and a time: "at"."""
    weekday_joints: frozenset[str] = frozenset()
    """What comes between a weekday and its month: "the first Monday in January"."""
    next_month: frozenset[str] = frozenset()
    """Words that make "month" the next one."""
    named_days: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Days with names, as ``inputs.tokens`` writes them, to month and day: "new years day"."""
    misheard: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Kind of value to regular expressions and what was said instead: "have past" is "half past"."""
    letter_names: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Words that recognisers write for letters: "are" is R, "any" is NE."""
    as_in: Sequence[tuple[str, ...]] = ()
    """Phrases between a letter and a word that has it, also where the word was misheard; longer ones first.
    """
    as_in_same: Sequence[tuple[str, ...]] = ()
    """The same, only before a word that begins with that letter or one that sounds alike: "B for Bravo"."""
    confusable_letters: Sequence[str] = ()
    """Letters that sound alike. Where the word after "as in" begins with another of them, that one counts."""
