"""Spanish words that decide about turns: backchannels, words that cannot end a sentence, yes and no."""

from ivr.grammar.languages.vocabulary import word_set

BACKCHANNELS = word_set("mm mmm mhm hm eh ah oh ajá sí si vale ok okay claro bien bueno ya entiendo")
OPEN_WORDS = word_set(
    "el la los las un una unos unas mi mis tu tus su sus de del a al con por para en entre desde y o"
    " pero porque que cuando es era eh"
)
YES_NO_ANSWERS = word_set("sí si no claro correcto exacto vale")

YES_PHRASES = (
    "sí", "sí, por favor", "claro", "sí, claro", "correcto", "exacto", "así es", "de acuerdo", "vale",
)  # fmt: skip
NO_PHRASES = ("no", "no, gracias", "no es correcto", "eso no es", "para nada", "claro que no")
YES_IDIOMS = (
    "por qué no", "cómo no", "claro que sí", "por supuesto", "por supuesto que sí", "desde luego",
    "sin problema", "no hay problema", "ningún problema", "está bien", "me parece bien", "creo que sí",
    "adelante",
)  # fmt: skip
NO_IDIOMS = (
    "por supuesto que no",
    "creo que no",
    "de ninguna manera",
    "en absoluto",
    "mejor no",
    "así no es",
)
