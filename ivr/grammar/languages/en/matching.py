"""English rules for finding the phrases of a menu in what was said.

The sound key is a small English one in the spirit of Metaphone (L. Philips, 1990): silent letters dropped,
consonants by sound, vowels by four classes. It is coarse in vowels and strict in consonants, because that is
how recognisers err on telephone speech.
"""

import re
from functools import lru_cache

from ivr.grammar.languages.matching_rules import MatchingRules
from ivr.grammar.languages.vocabulary import word_set

_NOISE = word_set("uh um uhm er erm ah eh hm hmm mm mhm please pls the a an my your")
_CARRIERS = word_set(
    "i id im ill we wed would like want wanna need can could may lets let me us you to for with about of"
    " it is thats talk speak connect put get give go take through say press option number key choose"
    " choice just some so"
    " well ok okay hi hello yes yeah yep sure thanks thank help ask question department"
)
_AROUND_A_KEY = word_set(
    "i id im ill would like want need press pressed option number key choice choose say yes ok okay"
    " thanks well so"
)
_NEGATORS = word_set("no not dont never without except")
_AFTER_A_NEGATOR = word_set("want wanna need like talk speak to about any in for with")
_SMALL_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_SMALL = {word: n for n, word in enumerate(_SMALL_NUMBERS.split())}
_TENS_NAMES = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: n * 10 for n, word in enumerate(_TENS_NAMES.split(), 2)}
_ALONE = {
    word: digit
    for digit, alike in (
        ("1", "won"),
        ("2", "to too"),
        ("3", "free tree"),
        ("4", "for fourth forth"),
        ("8", "ate"),
    )
    for word in alike.split()
}
_SYNONYMS = (
    word_set("change move reschedule rearrange postpone shift rebook"),
    word_set("book schedule arrange"),
    word_set("buy purchase"),
    word_set("steal stole stolen robbed"),
    word_set("lose lost losing missing mislaid"),
    word_set("broken broke breaks"),
)
_RULES = [
    (re.compile(pattern), to)
    for pattern, to in (
        (r"^kn", "n"), (r"^wr", "r"), (r"^gn", "n"), (r"^ps", "s"), (r"^wh", "w"), (r"^x", "s"),
        (r"^h(?=our|onest|eir)", ""), (r"mb$", "m"), (r"[ts]ion", "$n"), (r"sch", "sk"), (r"tch|ch", "%"),
        (r"sh", "$"), (r"ph", "f"), (r"th", "0"), (r"dge?(?=[a-z]?$)", "d"), (r"gh", ""), (r"ck", "k"),
        (r"c(?=[eiy])", "s"), (r"[cq]", "k"), (r"x", "ks"), (r"z", "s"), (r"ng$", "N"),
        (r"(.)\1+", r"\1"), (r"(?<=[^aeiou])e(?=s?$)", ""),
    )
]  # fmt: skip
_LOOSE = str.maketrans({"A": "E", "N": "n"})
_VOWELS = re.compile(r"a[uw]|o[aeiouyw]*|u[aeiouyw]*|e[aeiouyw]*|i[aeiou]*|a[aeiouy]*|(?<!^)y")


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """Return a key: consonants by sound, vowels as A (day), E (bee, bit), O (low) or U (too): ``sails`` is
    ``sAls``.
    """
    for pattern, to in _RULES:
        word = pattern.sub(to, word)
    return _VOWELS.sub(_vowel_class, word)


def _vowel_class(found: re.Match[str]) -> str:
    vowels = found[0]
    if vowels[0] == "u" or vowels in ("oo", "ew", "eu"):
        return "U"
    if vowels[0] == "o" or vowels in ("au", "aw"):
        return "O"
    return "A" if vowels[0] == "a" else "E"


def stem(word: str) -> str:
    """Return a word without the ending of a plural or a possessive."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


MATCHING = MatchingRules(
    small_numbers=_SMALL,
    tens=_TENS,
    noise=_NOISE,
    carriers=_CARRIERS,
    key_carriers=_AROUND_A_KEY,
    key_nouns=word_set("press option number"),
    negators=_NEGATORS,
    soft_negators=word_set("no"),
    between_negator_and_phrase=_AFTER_A_NEGATOR,
    digit_homophones=_ALONE,
    stem=stem,
    sound=sound,
    confusable_sounds=_LOOSE,
    synonyms=_SYNONYMS,
)
