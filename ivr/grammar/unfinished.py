"""Whether a sentence cannot have ended with the words it has, by language: after an article or a preposition
something follows. A model of sound does not know: who thinks about a number says "my number is" with a
falling voice.

The words are the closed classes of the language's grammar (articles, possessives, prepositions,
conjunctions), forms of "to be", and the sounds of hesitation. Rather too few than too many: one too many
makes callers wait.
"""

from ivr.grammar.backchannels import words_of

_OPEN = {
    "en": "a an the my your his our their every of to from for with at by in on into onto about between "
    "than and or "
    "but because if whether unless while i'm you're he's she's it's we're they're i'd i'll i've um uh er erm",
    "fr": "le la les l un une des du de d mon ma mes ton ta tes sa ses notre votre nos vos leur leurs ce "
    "cet cette "
    "ces à au aux dans sur pour par avec sans chez entre vers et ou mais donc car parce que qu quand je j "
    "voudrais aimerais c'est c'était est euh heu",
    "de": "der die das den dem des ein eine einen einem einer mein meine meinen meiner ihr ihre ihren von "
    "zu zum zur "
    "für mit bei in im am auf über zwischen und oder aber weil dass ob wenn äh ähm",
    "es": "el la los las un una unos unas mi mis tu tus su sus de del a al con por para en entre desde y o "
    "pero "
    "porque que cuando es era eh",
}
OPEN = {language: frozenset(words.split()) for language, words in _OPEN.items()}
"""What cannot be the last word of a sentence."""

BE = frozenset(["is", "are", "am", "was", "were"])
_PRONOUNS = frozenset(
    ["i", "you", "he", "she", "it", "we", "they", "there", "this", "that", "these", "those", "what"]
)
"""Before the English "is": "it is" may be a whole answer, "my name is" is not."""


def unfinished(text: str, language: str) -> bool:
    """More must follow on these words of ``language`` ("en", "en-GB"); False where that is not known."""
    words = words_of(text)
    code = language.partition("-")[0].lower()
    if not words or code not in OPEN:
        return False
    if code == "en" and words[-1] in BE:
        return len(words) > 1 and words[-2] not in _PRONOUNS
    return words[-1].rpartition("-")[2] in OPEN[code]
