"""French words that decide about turns: backchannels, and words that cannot end a sentence."""

from ivr.grammar.languages.vocabulary import word_set

BACKCHANNELS = word_set(
    "mm mmm mhm hum hmm euh ah oh oui ouais ok okay d'accord bien très sûr bon voilà je vois entendu"
)
"""The usual ones of spoken corpora."""
OPEN_WORDS = word_set(
    "le la les l un une des du de d mon ma mes ton ta tes sa ses notre votre nos vos leur leurs ce"
    " cet cette ces à au aux dans sur pour par avec sans chez entre vers et ou mais donc car parce que"
    " qu quand je j voudrais aimerais c'est c'était est euh heu"
)
"""Closed classes of the grammar (articles, possessives, prepositions, conjunctions), forms of "to be", and
the sounds of hesitation. Rather too few than too many: one too many makes callers wait."""
YES_NO_ANSWERS = word_set("oui ouais si non")

YES_PHRASES = (
    "oui", "ouais", "oui, s'il vous plaît", "oui, c'est ça", "c'est exact", "exactement", "c'est correct",
    "d'accord", "tout à fait", "parfait",
)  # fmt: skip
NO_PHRASES = ("non", "non merci", "non, ce n'est pas ça", "pas du tout", "c'est faux", "ce n'est pas correct")
