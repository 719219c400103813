"""French: number words, dates, backchannels, built-in prompts, and reading values aloud."""

from ivr.grammar.languages.fr.answers import ANSWERS
from ivr.grammar.languages.fr.idioms import NEITHER_IDIOMS, NO_IDIOMS, YES_IDIOMS
from ivr.grammar.languages.fr.matching import MATCHING
from ivr.grammar.languages.fr.reading import French
from ivr.grammar.languages.fr.speakable import SPEAKABLE
from ivr.grammar.languages.fr.texts import TEXTS
from ivr.grammar.languages.fr.turns import BACKCHANNELS, NO_PHRASES, OPEN_WORDS, YES_NO_ANSWERS, YES_PHRASES
from ivr.grammar.languages.fr.vocabulary import VOCABULARY
from ivr.grammar.languages.language import Language

LANGUAGE = Language(
    code="fr",
    date_orders={"CA": "ymd"},
    vocabulary=VOCABULARY,
    answers=ANSWERS,
    matching=MATCHING,
    speakable=SPEAKABLE,
    readers={"": French(), "BE": French(seventy=True), "CH": French(seventy=True, eighty=True)},
    yes_no_answers=YES_NO_ANSWERS,
    yes_phrases=YES_PHRASES,
    no_phrases=NO_PHRASES,
    yes_idioms=YES_IDIOMS,
    no_idioms=NO_IDIOMS,
    neither_idioms=NEITHER_IDIOMS,
    backchannels=BACKCHANNELS,
    open_words=OPEN_WORDS,
    texts=TEXTS,
)
