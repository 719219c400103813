"""The words of one language of which typed values are made: numbers, dates, times, money, yes and no."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


def numbered(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    """Return words to ``start``, ``start + step``, and so on."""
    return {word: start + step * place for place, word in enumerate(words.split())}


def named(**values: str) -> dict[str, str]:
    """Return each word of each value to the value's name."""
    return {word: name for name, words in values.items() for word in words.split()}


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text, separated by spaces."""
    return frozenset(words.split())


def add_smaller(part: int, value: int) -> int | None:
    """Return ``part`` with a smaller number word after it: 20 and 1 are 21, 100 and 40 are 140; None when the
    word begins a new number (20 and 30). The rule of English and of most languages that say tens before
    units.
    """
    last = part % 100
    fits = last % 10 == 0 and last != 10 if value < 10 else last == 0
    return part + value if fits else None


def after_hundreds(part: int, value: int) -> bool:
    """Return whether "and" joins ``value`` to ``part``: only after hundreds and thousands. ``part`` is -1
    where nothing was said since the last thousand.
    """
    return part < 0 or part % 100 == 0


def no_clock_phrase(parts: Sequence[int | str]) -> tuple[int, int] | None:
    """Return None: the language has no way of its own to say a time."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """One language's words, in small letters, without apostrophes."""

    # Numbers
    small: Mapping[str, int]
    """0 to 19."""
    tens: Mapping[str, int]
    """20, 30 … 90."""
    ordinals: Mapping[str, int] = field(default_factory=dict)
    hundred: frozenset[str] = frozenset()
    scales: Mapping[str, int] = field(default_factory=dict)
    """thousand, million."""
    joints: frozenset[str] = frozenset()
    """Words inside a number: "a hundred and one"."""
    joins: Callable[[int, int], bool] = after_hundreds
    """Returns whether a joint may come between a number so far and the next number word."""
    combine: Callable[[int, int], int | None] = add_smaller
    """Returns the number made of a number below 1000 and the number word after it, both above 0; None when
    they are two numbers."""
    number_noise: frozenset[str] = frozenset()
    """Words left out before a number is read: "a hundred"."""
    oh: frozenset[str] = frozenset()
    """Zero, in a row of digits."""
    digit_homophones: Mapping[str, int] = field(default_factory=dict)
    """Words that recognisers write for a digit."""
    times: Mapping[str, int] = field(default_factory=dict)
    """double, triple."""
    point: frozenset[str] = frozenset()
    minus: frozenset[str] = frozenset()
    plus: frozenset[str] = frozenset()
    half: frozenset[str] = frozenset()

    # Yes and no
    yes_word: str = "yes"
    """How yes is read back, and how no is."""
    no_word: str = "no"
    yes: frozenset[str] = frozenset()
    assent: frozenset[str] = frozenset()
    """Words of agreement where nothing denies it: "that is right"."""
    no: frozenset[str] = frozenset()
    denials: frozenset[str] = frozenset()
    """Words that deny the words that follow."""

    # Dates
    months: Mapping[str, int] = field(default_factory=dict)
    not_months: Mapping[str, str] = field(default_factory=dict)
    """Month to the next word with which it is none: "may" before "i"."""
    weekdays: Mapping[str, int] = field(default_factory=dict)
    """0 is Monday."""
    days: Mapping[str, int] = field(default_factory=dict)
    """today, tomorrow: days from now."""
    day_phrases: Mapping[str, int] = field(default_factory=dict)
    """The same in several words."""
    units: Mapping[str, int] = field(default_factory=dict)
    """Days in a day and in a week; a month is -1."""
    ago: Sequence[frozenset[str]] = ()
    """Sets of words: a count is of the past where all words of one of them were said."""
    ahead: frozenset[str] = frozenset()
    """Words of a count of the future: "in two weeks"."""
    last: frozenset[str] = frozenset()
    this: frozenset[str] = frozenset()
    next_week: frozenset[str] = frozenset()
    """Words that put a weekday into the next week."""
    week_later: Sequence[str] = ()
    """Phrases that put a weekday seven days later: "Tuesday week"."""
    definite: frozenset[str] = frozenset()
    """Articles of a day of the month: "the third"."""

    # Times
    parts: Mapping[str, str] = field(default_factory=dict)
    """Parts of a day to am or pm."""
    night: frozenset[str] = frozenset()
    """Part of a day that is pm and goes on after midnight."""
    noon: frozenset[str] = frozenset()
    midnight: frozenset[str] = frozenset()
    hour_words: frozenset[str] = frozenset()
    """Words left out of a time: "o'clock"."""
    clock_words: frozenset[str] = frozenset()
    """Words of a time that are noise elsewhere."""
    clock_phrase: Callable[[Sequence[int | str]], tuple[int, int] | None] = no_clock_phrase
    """Returns the hour and the minutes after it (negative: before it) of the numbers and words of a time,
    such as [15, "to", 3]; None when they are no time."""

    # Money
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Words and signs to ISO 4217 codes."""
    cents: frozenset[str] = frozenset()

    # Spelling and names
    letters: Mapping[str, str] = field(default_factory=dict)
    """Words that stand for a letter."""
    as_in: Sequence[tuple[str, ...]] = ()
    """Phrases between a letter and a word that begins with it; the longer ones first."""
    name_prefix: str = ""
    """A regular expression for what is said before a name: "my name is "."""

    noise: frozenset[str] = frozenset()
    """Words that say nothing in any typed value."""

    # Writing
    contractions: Sequence[tuple[str, str]] = ()
    """Regular expressions and what replaces them, before apostrophes are removed from a text."""
    rewrites: Sequence[tuple[str, str]] = ()
    """The same afterwards. Both apply to texts of every language."""
    ordinal_endings: frozenset[str] = frozenset()
    """Endings of an ordinal in figures: "3rd"."""
