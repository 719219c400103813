"""What the service knows of one language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ivr.grammar.languages.answer_rules import AnswerRules
from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.reader import Reader
from ivr.grammar.languages.speakable_rules import SpeakableRule
from ivr.grammar.languages.vocabulary import Vocabulary

DateOrder = Literal["dmy", "mdy", "ymd"]
"""Order of day, month and year in a date that is written in figures."""

TextName = Literal[
    "noinput", "nomatch", "give_up", "confirm", "confirm_keys", "yes_or_no", "one_moment", "voice_failed"
]
"""Built-in prompts, used where the plan has no text of its own: those of a question, what is said while an
engine is slow, and instead of what the voice could not say."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Language:
    """One language. Everything but the code is optional; ``registry`` says what is used instead."""

    code: str
    """ISO 639-1, such as "en"."""
    decimal_point: str = ","
    """The character between the units and the decimals of a number in figures: "." or ","."""
    date_order: DateOrder = "dmy"
    date_orders: Mapping[str, DateOrder] = field(default_factory=dict)
    """Region to an order that differs from ``date_order``: {"US": "mdy"}."""
    vocabulary: Vocabulary | None = None
    """The words of which typed values are made: numbers, dates, yes and no."""
    matching: MatchingRules | None = None
    """How the phrases of a menu are found in what was said."""
    readers: Mapping[str, Reader] = field(default_factory=dict)
    """Region to how values are read aloud there; "" is the reader for every other region."""
    speakable: Sequence[SpeakableRule] = ()
    """What is written in one way and said in another, the first that fits (see ``grammar/speakable.py``)."""
    answers: AnswerRules = field(default_factory=AnswerRules)
    """What is said around a value, and how recognisers write it."""
    yes_no_answers: frozenset[str] = frozenset()
    """Words of which whole answers to a yes-or-no question are made, as ``matching.normalize`` writes them.
    """
    yes_phrases: tuple[str, ...] = ()
    """How people say yes, for recognisers that compare phrases with the sound; and how they say no."""
    no_phrases: tuple[str, ...] = ()
    yes_idioms: tuple[str, ...] = ()
    """Other phrases of several words that mean yes, though their words may not ("no problem"), as
    ``inputs.tokens`` writes them; and those that mean no."""
    no_idioms: tuple[str, ...] = ()
    neither_idioms: tuple[str, ...] = ()
    """Phrases that are no answer, though they have words of one: "I don't know"."""
    backchannels: frozenset[str] = frozenset()
    """Words that mean "I am listening" and are no turn of their own."""
    open_words: frozenset[str] = frozenset()
    """Words that cannot be the last of a sentence: articles, prepositions, conjunctions, hesitations."""
    copulas: frozenset[str] = frozenset()
    """Forms of "to be" that end a sentence only after one of ``subject_pronouns``."""
    subject_pronouns: frozenset[str] = frozenset()
    texts: Mapping[TextName, str] = field(default_factory=dict)
    """The built-in prompts; ``{{ heard }}`` stands for the value that was understood."""
