"""What the matching of a menu needs to know of a language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


def _same(word: str) -> str:
    return word


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatchingRules:
    """Words and rules of one language. Words are in small letters, without apostrophes."""

    small_numbers: Mapping[str, int] = field(default_factory=dict)
    """Words for the numbers 0 to 19."""
    tens: Mapping[str, int] = field(default_factory=dict)
    """Words for 20, 30 … 90."""
    noise: frozenset[str] = frozenset()
    """Words that are left out everywhere, in phrases too."""
    carriers: frozenset[str] = frozenset()
    """Words that people wrap around an answer ("I would like … please"). They do not count as something else
    that was said."""
    key_carriers: frozenset[str] = frozenset()
    """The same around the number of a key, which means less by itself: "the two of us" is no answer."""
    key_nouns: frozenset[str] = frozenset()
    """Words that announce a key: "press", "option"."""
    negators: frozenset[str] = frozenset()
    """Words that refuse the phrase after them."""
    soft_negators: frozenset[str] = frozenset()
    """Negators that may answer an earlier misunderstanding instead: "no, billing"."""
    between_negator_and_phrase: frozenset[str] = frozenset()
    """Words that may come between a negator and what it refuses: "don't want to talk to sales"."""
    digit_homophones: Mapping[str, str] = field(default_factory=dict)
    """Words that recognisers write for a digit that was said alone ("to", "for"), to that digit."""
    stem: Callable[[str], str] = _same
    """Returns a word without the endings of inflection."""
    sound: Callable[[str], str] = _same
    """Returns a key that is the same for words that sound the same."""
    confusable_sounds: Mapping[int, int | str | None] = field(default_factory=dict)
    """A ``str.translate`` table: sounds in such keys that a telephone line makes hard to distinguish."""
    synonyms: Sequence[frozenset[str]] = ()
    """Words of one meaning: "move my appointment" is "change an appointment"."""
