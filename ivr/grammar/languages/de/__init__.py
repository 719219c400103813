"""German: backchannels, words that cannot end a sentence, yes and no. Numbers and dates are understood in
figures.
"""

from ivr.grammar.languages.language import Language
from ivr.grammar.languages.vocabulary import word_set

LANGUAGE = Language(
    code="de",
    yes_no_answers=word_set("ja jo doch nein nö"),
    backchannels=word_set("mm mmm mhm hm hmm äh ähm ah oh aha ja jo okay ok genau gut ach so verstehe klar"),
    open_words=word_set(
        "der die das den dem des ein eine einen einem einer mein meine meinen meiner ihr ihre ihren von"
        " zu zum zur für mit bei in im am auf über zwischen und oder aber weil dass ob wenn äh ähm"
    ),
)
