"""English: number words, dates, matching, backchannels, built-in prompts, and reading values aloud."""

from ivr.grammar.languages.en.answers import ANSWERS
from ivr.grammar.languages.en.idioms import NEITHER_IDIOMS, NO_IDIOMS, YES_IDIOMS
from ivr.grammar.languages.en.matching import MATCHING
from ivr.grammar.languages.en.reading import English
from ivr.grammar.languages.en.speakable import SPEAKABLE
from ivr.grammar.languages.en.texts import TEXTS
from ivr.grammar.languages.en.turns import (
    BACKCHANNELS,
    COPULAS,
    NO_PHRASES,
    OPEN_WORDS,
    SUBJECT_PRONOUNS,
    YES_NO_ANSWERS,
    YES_PHRASES,
)
from ivr.grammar.languages.en.vocabulary import VOCABULARY
from ivr.grammar.languages.language import Language

LANGUAGE = Language(
    code="en",
    decimal_point=".",
    date_orders={"US": "mdy"},
    vocabulary=VOCABULARY,
    answers=ANSWERS,
    speakable=SPEAKABLE,
    matching=MATCHING,
    readers={"": English(), "US": English(american=True)},
    yes_no_answers=YES_NO_ANSWERS,
    yes_phrases=YES_PHRASES,
    no_phrases=NO_PHRASES,
    yes_idioms=YES_IDIOMS,
    no_idioms=NO_IDIOMS,
    neither_idioms=NEITHER_IDIOMS,
    backchannels=BACKCHANNELS,
    open_words=OPEN_WORDS,
    copulas=COPULAS,
    subject_pronouns=SUBJECT_PRONOUNS,
    texts=TEXTS,
)
