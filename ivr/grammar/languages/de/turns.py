"""German words that decide about turns: backchannels, words that cannot end a sentence, yes and no."""

from ivr.grammar.languages.vocabulary import word_set

BACKCHANNELS = word_set("mm mmm mhm hm hmm äh ähm ah oh aha ja jo okay ok genau gut ach so verstehe klar")
OPEN_WORDS = word_set(
    "der die das den dem des ein eine einen einem einer mein meine meinen meiner ihr ihre ihren von"
    " zu zum zur für mit bei in im am auf über zwischen und oder aber weil dass ob wenn äh ähm"
)
YES_NO_ANSWERS = word_set("ja jo doch nein nö nee genau stimmt richtig falsch")

YES_PHRASES = (
    "ja", "ja, bitte", "genau", "das stimmt", "richtig", "ja, das ist richtig", "in Ordnung", "gerne", "klar",
)  # fmt: skip
NO_PHRASES = ("nein", "nein danke", "nö", "das ist falsch", "das stimmt nicht", "nein, das ist nicht richtig")
YES_IDIOMS = (
    "warum nicht", "kein problem", "gar kein problem", "in ordnung", "geht klar", "auf jeden fall",
    "einverstanden", "ja ist es", "machen wir so", "von mir aus", "passt so",
)  # fmt: skip
NO_IDIOMS = (
    "natürlich nicht", "auf keinen fall", "lieber nicht", "ganz und gar nicht", "sicher nicht",
    "ja aber nein", "stimmt nicht", "nicht richtig", "eher nicht",
)  # fmt: skip
