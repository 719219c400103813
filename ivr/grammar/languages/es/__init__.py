"""Spanish: backchannels, words that cannot end a sentence, yes and no. Numbers and dates are understood in
figures.
"""

from ivr.grammar.languages.language import Language
from ivr.grammar.languages.vocabulary import word_set

LANGUAGE = Language(
    code="es",
    yes_no_answers=word_set("sí si no"),
    backchannels=word_set("mm mmm mhm hm eh ah oh ajá sí si vale ok okay claro bien bueno ya entiendo"),
    open_words=word_set(
        "el la los las un una unos unas mi mis tu tus su sus de del a al con por para en entre desde y o"
        " pero porque que cuando es era eh"
    ),
)
