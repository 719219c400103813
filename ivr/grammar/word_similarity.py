"""How close two words are: as written, by inflection, by sound, by spelling."""

from functools import lru_cache

from ivr.grammar.languages.matching_rules import MatchingRules

SAME = 1.0
INFLECTED = 0.95
SOUNDS_SAME = 0.9
SYNONYM = 0.9
NEAR = 0.75
DIFFERENT = 0.0

_MIN_FUZZY = 4
"""Letters that a word needs to be matched otherwise than as written."""


def distance(a: str, b: str) -> int:
    """Return the number of insertions, deletions, substitutions and swaps of neighbours between two words
    (optimal string alignment).
    """
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
def closeness(wanted: str, heard: str, rules: MatchingRules) -> float:
    """Return 1.0 for the same word, 0.95 for its plural, 0.9 for the same sound or a synonym, 0.75
    for nearly the same, 0.0 for another word.

    Numbers and words under four letters are the same or they are not.
    """
    if wanted == heard:
        return SAME
    if any(wanted in group and heard in group for group in rules.synonyms):
        return SYNONYM
    if not (wanted.isalpha() and heard.isalpha()) or len(wanted) < _MIN_FUZZY:
        return DIFFERENT
    stem, sound = rules.stem, rules.sound
    if stem(wanted) == stem(heard):
        return INFLECTED
    if len(heard) < _MIN_FUZZY - 1:
        return DIFFERENT
    wanted_sound, heard_sound = sound(wanted), sound(heard)
    if wanted_sound == heard_sound or sound(stem(wanted)) == sound(stem(heard)):
        return SOUNDS_SAME
    if len(heard) < _MIN_FUZZY or wanted_sound[:1] != heard_sound[:1]:
        return DIFFERENT
    confusable = rules.confusable_sounds
    if wanted_sound.translate(confusable) == heard_sound.translate(confusable):
        return NEAR
    length = min(len(wanted), len(heard))
    allowed = 2 if length >= 9 else 1 if length >= 6 else 0
    if allowed and abs(len(wanted) - len(heard)) <= allowed and distance(wanted, heard) <= allowed:
        return NEAR
    return DIFFERENT
