"""Italian: number words, dates, matching, backchannels, built-in prompts, and reading values aloud."""

from ivr.grammar.languages.it.matching import MATCHING
from ivr.grammar.languages.it.reading import Italian
from ivr.grammar.languages.it.texts import TEXTS
from ivr.grammar.languages.it.turns import (
    BACKCHANNELS,
    NO_IDIOMS,
    NO_PHRASES,
    OPEN_WORDS,
    YES_IDIOMS,
    YES_NO_ANSWERS,
    YES_PHRASES,
)
from ivr.grammar.languages.it.vocabulary import VOCABULARY
from ivr.grammar.languages.language import Language

LANGUAGE = Language(
    code="it",
    vocabulary=VOCABULARY,
    matching=MATCHING,
    readers={"": Italian()},
    yes_no_answers=YES_NO_ANSWERS,
    yes_phrases=YES_PHRASES,
    no_phrases=NO_PHRASES,
    yes_idioms=YES_IDIOMS,
    no_idioms=NO_IDIOMS,
    backchannels=BACKCHANNELS,
    open_words=OPEN_WORDS,
    texts=TEXTS,
)
