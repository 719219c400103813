"""How close two words are: as written, by inflection, by sound, by spelling.

The sound key is a small English one of our own in the spirit of Metaphone (L. Philips, 1990): silent
letters dropped, consonants by sound, vowels by four classes. It is coarse on purpose in vowels and
strict in consonants, because that is how recognisers err on telephone speech.
"""

import re
from functools import lru_cache

SAME = 1.0
INFLECTED = 0.95
SOUNDS_SAME = 0.9
NEAR = 0.75
DIFFERENT = 0.0

_MIN_FUZZY = 4
"""Letters a word needs to be matched otherwise than as written."""

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
"""Sounds that a telephone's band makes hard to tell apart: sales and sells, billing and billin."""
_VOWELS = re.compile(r"a[uw]|o[aeiouyw]*|u[aeiouyw]*|e[aeiouyw]*|i[aeiou]*|a[aeiouy]*|(?<!^)y")


@lru_cache(maxsize=4096)
def sound(word: str) -> str:
    """Consonants by sound, vowels as A (day), E (bee, bit), O (low) or U (too): ``sails`` is ``sAls``."""
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
    """Without a plural's or possessive's ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def distance(a: str, b: str) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


@lru_cache(maxsize=65536)
def closeness(wanted: str, heard: str) -> float:
    """1.0 the same word, 0.95 its plural, 0.9 the same sound, 0.75 nearly, 0.0 another word.

    Numbers and words under four letters are the same or they are not.
    """
    if wanted == heard:
        return SAME
    if not (wanted.isalpha() and heard.isalpha()) or len(wanted) < _MIN_FUZZY:
        return DIFFERENT
    if stem(wanted) == stem(heard):
        return INFLECTED
    if len(heard) < _MIN_FUZZY - 1:
        return DIFFERENT
    wanted_sound, heard_sound = sound(wanted), sound(heard)
    if wanted_sound == heard_sound or sound(stem(wanted)) == sound(stem(heard)):
        return SOUNDS_SAME
    if len(heard) < _MIN_FUZZY or wanted_sound[:1] != heard_sound[:1]:
        return DIFFERENT
    if wanted_sound.translate(_LOOSE) == heard_sound.translate(_LOOSE):
        return NEAR
    length = min(len(wanted), len(heard))
    allowed = 2 if length >= 9 else 1 if length >= 6 else 0
    if allowed and abs(len(wanted) - len(heard)) <= allowed and distance(wanted, heard) <= allowed:
        return NEAR
    return DIFFERENT
