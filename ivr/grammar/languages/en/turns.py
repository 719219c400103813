"""English words that decide about turns: backchannels, and words that cannot end a sentence."""

from ivr.grammar.languages.vocabulary import word_set

BACKCHANNELS = word_set(
    "uh-huh uh huh uhhuh mm mmm mhm mm-hmm hmm hm um ah oh aha okay ok right yes yeah yep yup sure i"
    " see got it alright all good great"
)
"""After Yngve, "On getting a word in edgewise" (1970), and the Switchboard dialogue-act tag ``b``
(acknowledge)."""
OPEN_WORDS = word_set(
    "a an the my your his our their every of to from for with at by in on into onto about between"
    " than and or but because if whether unless while i'm you're he's she's it's we're they're i'd"
    " i'll i've um uh er erm"
)
"""Closed classes of the grammar (articles, possessives, prepositions, conjunctions), forms of "to be", and
the sounds of hesitation. Rather too few than too many: one too many makes callers wait."""
COPULAS = word_set("is are am was were")
SUBJECT_PRONOUNS = word_set("i you he she it we they there this that these those what")
"""Pronouns before a form of "to be": "it is" may be a whole answer, "my name is" is not."""
YES_NO_ANSWERS = word_set(
    "yes yeah yep yup yea sure ok okay right correct thats it is no nope nah not now wrong"
)

YES_PHRASES = ("yes", "yeah", "yep", "yes please", "that's right", "correct", "sure", "of course")
NO_PHRASES = ("no", "nope", "no thanks", "that's wrong", "not really")
