"""Words that say "I am listening" and are no turn of their own (backchannels), by language; and whether a
transcript holds anything else.

The lists follow Yngve, "On getting a word in edgewise" (1970), and the Switchboard dialogue-act tag ``b``
(acknowledge) for English; for the other languages the usual ones of spoken corpora.
"""

import re
from collections import Counter

_BY_LANGUAGE = {
    "en": "uh-huh uh huh uhhuh mm mmm mhm mm-hmm hmm hm um ah oh aha okay ok right yes yeah yep yup sure i "
    "see "
    "got it alright all good great",
    "fr": "mm mmm mhm hum hmm euh ah oh oui ouais ok okay d'accord bien très sûr bon voilà je vois entendu",
    "de": "mm mmm mhm hm hmm äh ähm ah oh aha ja jo okay ok genau gut ach so verstehe klar",
    "es": "mm mmm mhm hm eh ah oh ajá sí si vale ok okay claro bien bueno ya entiendo",
}
BACKCHANNELS = {language: frozenset(words.split()) for language, words in _BY_LANGUAGE.items()}

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+", re.UNICODE)
_NOTE = re.compile(r"\[[^\]]*\]|\([^)]*\)|\*[^*]*\*|♪[^♪]*♪?")
"""What recognisers write for sounds that are no words: [music], (coughs), *sighs*."""


def words_of(text: str) -> list[str]:
    """The words of a transcript in lower case, notes about noises left out."""
    return _WORD.findall(_NOTE.sub(" ", text).lower().replace("’", "'"))


def only_backchannel(text: str, language: str) -> bool:
    """Nothing but backchannels of ``language`` ("en", "en-GB"), or no word at all."""
    known = BACKCHANNELS.get(language.partition("-")[0].lower(), BACKCHANNELS["en"])
    return all(word in known or set(word.split("-")) <= known for word in words_of(text))


def similarity(one: str, other: str) -> float:
    """Share of the words that two texts have in common, 0.0 to 1.0; 1 for the same words in any order."""
    a, b = Counter(words_of(one)), Counter(words_of(other))
    most = max(a.total(), b.total())
    return (a & b).total() / most if most else 1.0
