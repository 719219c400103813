"""Which choice did the caller mean? From a recogniser's text to a choice, or to none.

1. Text becomes words: small letters, no punctuation, numbers as digits ("twenty-one" is 21), noise
   words ("uh", "please", "the", "my") left out on both sides.
2. A phrase is looked for as consecutive words anywhere in what was said (one small word may come in
   between, at a cost). Its score is the sum over its words of their closeness (see
   ``words.closeness``), so more words beat fewer and closer beats farther. A word alone that
   recognisers write for a number ("to", "for") is tried as that number too, for less.
3. The more else was said, the closer a word must be: a merely near word (0.75) counts only when
   nothing else was said; a number only when nothing else was said; a word of up to three letters only
   at the beginning or the end. "not sales" is not sales.
4. The best score wins. If another choice is within ``TIE`` of it, nobody does: asking again is better
   than a wrong turn.
5. A confidence under ``MIN_CONFIDENCE`` matches nothing, one under ``SURE_CONFIDENCE`` only words as
   written. 0.0 means that the engine gave none.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ivr.grammar.similarity import DIFFERENT, INFLECTED, NEAR, SAME, SOUNDS_SAME, closeness, distance

TIE = 0.05
MIN_CONFIDENCE = 0.1
SURE_CONFIDENCE = 0.3
MAX_WORDS = 200
"""Of one turn that are looked at."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NOISE = _set("uh um uhm er erm ah eh hm hmm mm mhm please pls the a an my your")
"""Left out everywhere, in phrases too."""

_CARRIERS = _set(
    "i id im ill we wed would like want wanna need can could may lets let me us you to for with about of"
    " it is thats talk speak connect put get give go take through say press option number key choose"
    " choice just some so"
    " well ok okay hi hello yes yeah yep sure thanks thank help ask question department"
)
"""What people wrap around an answer: ignored when asking whether anything else was said."""

_AROUND_A_KEY = _set(
    "i id im ill would like want need press pressed option number key choice choose say yes ok okay"
    " thanks well so"
)
"""The same for a number, which means less by itself: "the two of us" is no answer."""

_NEGATORS = _set("no not dont never without except")
_AFTER_A_NEGATOR = _set("want wanna need like talk speak to about any in for with")
"""What may stand between a negator and what it refuses: "don't want to talk to sales"."""

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
"""What recognisers write for a number that was said alone, on a line that cuts off above 3.4 kHz."""
ALONE_FACTOR = 0.8
GAP = 0.15
"""Off the score for one small word too many inside a phrase ("place in order")."""


@dataclass(frozen=True, slots=True)
class Match:
    """A choice, the phrase of it that was found, and how well (see the module)."""

    choice: str
    phrase: str
    score: float


@dataclass(frozen=True, slots=True)
class _Phrase:
    choice: str
    text: str
    words: tuple[str, ...]


def words(text: str) -> list[str]:
    """Small letters, no punctuation, numbers as digits, contractions run together ("I'd" is id)."""
    flat = unicodedata.normalize("NFKC", text).casefold()
    flat = re.sub(r"[’'`´]", "", flat)
    found: list[str] = []
    tens = False
    for word in re.findall(r"[^\W_]+", flat):
        if word in _TENS:
            found.append(str(_TENS[word]))
        elif tens and 1 <= _SMALL.get(word, 0) <= 9:
            found[-1] = str(int(found[-1]) + _SMALL[word])
        else:
            found.append(str(_SMALL[word]) if word in _SMALL else word)
        tens = word in _TENS
    return found


def spoken(text: str) -> tuple[str, ...]:
    """``words`` without the noise, unless they are all noise."""
    every = words(text)
    return tuple(word for word in every if word not in _NOISE) or tuple(every)


class Matcher:
    """A gather's choices, made ready once. ``choices``: name to (phrases, keys).

    The keys are matched when they are spoken too ("two", "press two"), if that is all that is said.
    """

    def __init__(self, choices: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> None:
        self._phrases: list[_Phrase] = []
        taken: set[tuple[str, ...]] = set()
        for name, (phrases, _) in choices.items():
            for phrase in phrases:
                self._phrases.append(_Phrase(name, phrase, spoken(phrase)))
                taken.add(spoken(phrase))
        for name, (_, keys) in choices.items():
            for key in keys:
                if key.isdigit() and (key,) not in taken:
                    self._phrases.append(_Phrase(name, key, (key,)))

    def match(self, text: str, confidence: float = 1.0) -> Match | None:
        """The choice meant by ``text``, or None. Never raises; empty text never matches."""
        if 0.0 < confidence < MIN_CONFIDENCE:
            return None
        least = SAME if 0.0 < confidence < SURE_CONFIDENCE else NEAR
        best: dict[str, Match] = {}
        for heard, factor in _readings(text):
            for phrase in self._phrases:
                score = factor * _score(phrase, heard, least)
                if score > (best[phrase.choice].score if phrase.choice in best else DIFFERENT):
                    best[phrase.choice] = Match(phrase.choice, phrase.text, score)
        ranked = sorted(best.values(), key=lambda found: -found.score)
        if not ranked or (len(ranked) > 1 and ranked[0].score - ranked[1].score < TIE):
            return None
        return ranked[0]

    def fits(self, text: str) -> bool:
        """Whether one of the choices is meant by ``text``."""
        return self.match(text) is not None

    def may_continue(self, text: str) -> bool:
        """Whether ``text`` ends with the beginning of a phrase: who means that one has more to say."""
        heard = spoken(text)[-MAX_WORDS:]
        return any(_begins(phrase.words, heard[at:]) for phrase in self._phrases for at in range(len(heard)))


def _begins(phrase: Sequence[str], heard: Sequence[str]) -> bool:
    """``heard`` is the beginning of ``phrase``, and not all of it."""
    if all(word.isdigit() for word in (*phrase, *heard)):
        one, other = "".join(phrase), "".join(heard)
        return one.startswith(other) and len(one) > len(other)
    return len(phrase) > len(heard) and all(
        closeness(wanted, word) >= SOUNDS_SAME for wanted, word in zip(phrase, heard, strict=False)
    )


def _readings(text: str) -> Iterable[tuple[tuple[str, ...], float]]:
    """What may have been said, and how much it counts: the words; the number that a word alone may be."""
    every = words(text)[:MAX_WORDS]
    if not every:
        return
    heard = tuple(word for word in every if word not in _NOISE) or tuple(every)
    yield heard, 1.0
    if heard != tuple(every):
        yield tuple(every), 1.0
    rest = [word for word in heard if word not in ("press", "option", "number")]
    if len(rest) == 1 and rest[0] in _ALONE:
        yield (_ALONE[rest[0]],), ALONE_FACTOR


def _score(phrase: _Phrase, heard: Sequence[str], least: float) -> float:
    """The best place of ``phrase`` in ``heard``; 0.0 when it is not there."""
    if not phrase.words:
        return DIFFERENT
    best = DIFFERENT
    least_size, most_size = max(1, len(phrase.words) - 1), len(phrase.words) + 1
    if all(word.isdigit() for word in phrase.words):
        # "123" may be written in one, two or three pieces.
        least_size, most_size = 1, len("".join(phrase.words))
    for size in range(least_size, most_size + 1):
        for start in range(len(heard) - size + 1):
            near = _window(phrase.words, heard[start : start + size])
            if near and _counts(phrase, heard, start, start + size, near, least):
                best = max(best, sum(near))
    if len(phrase.words) > 1:
        for start, gap in _gaps(heard, len(phrase.words)):
            end = start + len(phrase.words) + 1
            near = _window(phrase.words, (*heard[start:gap], *heard[gap + 1 : end]))
            if near and _counts(phrase, heard, start, end, near, least):
                best = max(best, sum(near) - GAP)
    return best


def _gaps(heard: Sequence[str], wanted: int) -> Iterable[tuple[int, int]]:
    """Where ``wanted`` words could stand with one small word between them: (start, that word's place)."""
    for start in range(len(heard) - wanted):
        for gap in range(start + 1, start + wanted):
            word = heard[gap]
            if len(word) <= 3 and word.isalpha() and word not in _NEGATORS:
                yield start, gap


def _window(wanted: Sequence[str], heard: Sequence[str]) -> list[float]:
    """Each wanted word's closeness, or nothing when one of them is another word."""
    if len(wanted) == len(heard):
        near = [closeness(a, b) for a, b in zip(wanted, heard, strict=True)]
        if DIFFERENT not in near:
            return near
    # Words run together or torn apart: "voice mail", "1 2 3" and "123", "open in hours".
    one, other = "".join(wanted), "".join(heard)
    if one == other:
        return [INFLECTED if len(wanted) != len(heard) else SAME] * len(wanted)
    apart = len(wanted) != len(heard) and one.isalpha() and other.isalpha()
    if apart and len(one) >= 8 and one[0] == other[0] and distance(one, other) <= len(one) // 8:
        return [NEAR] * len(wanted)
    return []


def _counts(
    phrase: _Phrase, heard: Sequence[str], start: int, end: int, near: list[float], least: float
) -> bool:
    """Is it close enough, given what else was said?"""
    back = start
    while back and heard[back - 1] in _AFTER_A_NEGATOR:
        back -= 1
    # "no" before a word may be an answer to an earlier misunderstanding: "no, billing".
    if back and heard[back - 1] in _NEGATORS - {"no"}:
        return False
    number = len(phrase.words) == 1 and phrase.words[0].isdigit()
    around = _AROUND_A_KEY if number else _CARRIERS
    alone = all(word in around for word in (*heard[:start], *heard[end:]))
    if number and not alone:
        return False
    short = len(phrase.words) == 1 and len(phrase.words[0]) < 4
    if short and not alone and start > 0 and end < len(heard):
        return False
    return min(near) >= (least if alone else max(least, SOUNDS_SAME))
