"""French: number words, dates, backchannels, built-in prompts, and reading values aloud."""

from ivr.grammar.languages.fr.reading import French
from ivr.grammar.languages.fr.texts import TEXTS
from ivr.grammar.languages.fr.turns import BACKCHANNELS, NO_PHRASES, OPEN_WORDS, YES_NO_ANSWERS, YES_PHRASES
from ivr.grammar.languages.fr.vocabulary import VOCABULARY
from ivr.grammar.languages.language import Language

LANGUAGE = Language(
    code="fr",
    date_orders={"CA": "ymd"},
    vocabulary=VOCABULARY,
    readers={"": French(), "BE": French(seventy=True), "CH": French(seventy=True, eighty=True)},
    yes_no_answers=YES_NO_ANSWERS,
    yes_phrases=YES_PHRASES,
    no_phrases=NO_PHRASES,
    backchannels=BACKCHANNELS,
    open_words=OPEN_WORDS,
    texts=TEXTS,
)
