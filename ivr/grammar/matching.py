"""Finds the choice of a menu that a caller meant: from a recogniser's text to a choice, or to none.

1. Text becomes words: small letters, no punctuation, numbers as digits ("twenty-one" is 21), noise
   words ("uh", "please", "the", "my") left out on both sides.
2. A phrase is looked for as consecutive words anywhere in what was said (one small word may come in
   between, at a cost). Its score is the sum over its words of their closeness (see
   ``word_similarity.closeness``), so more words beat fewer and closer beats farther. A word alone that
   recognisers write for a number ("to", "for") is tried as that number too, for less.
3. The more else was said, the closer a word must be: a merely near word (0.75) counts only when
   nothing else was said; a number only when nothing else was said; a word of up to three letters only
   at the beginning or the end. "not sales" is not sales.
4. The best score wins. If another choice is within ``TIE`` of it, none wins: asking again is better
   than a wrong choice.
   A choice ``behind`` the others (a plan's universals) counts where no other does and no more words were
   said beside it than it has: "somebody stole my card" asks for nobody.
5. A confidence under ``MIN_CONFIDENCE`` matches nothing, one under ``SURE_CONFIDENCE`` only words as
   written. 0.0 means that the engine gave none.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ivr.grammar.inputs.tokens import plain_text
from ivr.grammar.languages import registry
from ivr.grammar.word_similarity import DIFFERENT, INFLECTED, NEAR, SAME, SOUNDS_SAME, closeness, distance

TIE = 0.05
MIN_CONFIDENCE = 0.1
SURE_CONFIDENCE = 0.3
MAX_WORDS = 200
"""Words of one turn that are looked at."""
HOMOPHONE_FACTOR = 0.8
"""Factor of the score of a word that only sounds like a digit."""
GAP = 0.15
"""Taken off the score for one small word too many inside a phrase ("place in order")."""
_NO_KEY = re.compile(r"(?:\d+\s+)?\d+/\d+|\d+(?:[.,]\d+)?\s*[%‰€$£¥]|[€$£¥]\s*\d+(?:[.,]\d+)?|\d+\^")
"""Figures that name no key: "1/2" is not 12."""


@dataclass(frozen=True, slots=True)
class Match:
    """A choice, the phrase of it that was found, and its score (see the module)."""

    choice: str
    phrase: str
    score: float


@dataclass(frozen=True, slots=True)
class _Phrase:
    choice: str
    text: str
    words: tuple[str, ...]


def normalize(text: str, language: str = "en") -> list[str]:
    """Return the words of ``text`` in small letters, without punctuation, with numbers as digits and
    contractions run together ("I'd" is id).
    """
    rules = registry.matching_rules(language)
    small, tens = rules.small_numbers, rules.tens
    flat = plain_text(text)
    flat = re.sub(r"[’'`´]", "", flat)
    found: list[str] = []
    after_tens = False
    for word in re.findall(r"[^\W_]+", flat):
        if word in tens:
            found.append(str(tens[word]))
        elif after_tens and 1 <= small.get(word, 0) <= 9:
            found[-1] = str(int(found[-1]) + small[word])
        else:
            found.append(str(small[word]) if word in small else word)
        after_tens = word in tens
    return found


def content_words(text: str, language: str = "en") -> tuple[str, ...]:
    """Return the words of ``normalize`` without noise words, or all of them where they are all noise."""
    every = normalize(text, language)
    noise = registry.matching_rules(language).noise
    return tuple(word for word in every if word not in noise) or tuple(every)


class Matcher:
    """The choices of a menu, prepared once for all turns. ``choices``: name to (phrases, keys).

    Keys match when they are spoken too ("two", "press two"), if nothing else is said. ``language`` is that of
    the phrases; its ``MatchingRules`` are used.
    """

    def __init__(
        self,
        choices: Mapping[str, tuple[Sequence[str], Sequence[str]]],
        language: str = "en",
        behind: Collection[str] = (),
    ) -> None:
        """``behind``: names of choices that do not count where another does, or where much else was said."""
        self._choices = {name: (tuple(say), tuple(press)) for name, (say, press) in choices.items()}
        self._language, self._behind = language, frozenset(behind)
        self._rules = registry.matching_rules(language)
        self._phrases: list[_Phrase] = []
        taken: set[tuple[str, ...]] = set()
        for name, (phrases, _) in choices.items():
            for phrase in phrases:
                self._phrases.append(_Phrase(name, phrase, content_words(phrase, language)))
                taken.add(content_words(phrase, language))
        for name, (_, keys) in choices.items():
            for key in keys:
                if key.isdigit() and (key,) not in taken:
                    self._phrases.append(_Phrase(name, key, (key,)))

    def __reduce__(self) -> tuple[type["Matcher"], tuple[object, ...]]:
        # Another process has rules of its own: words that were compared are remembered by their rules.
        return Matcher, (self._choices, self._language, self._behind)

    def match(self, text: str, confidence: float = 1.0) -> Match | None:
        """Return the choice meant by ``text``, or None. Never raises; an empty text never matches."""
        if 0.0 < confidence < MIN_CONFIDENCE or _NO_KEY.fullmatch(plain_text(text).strip(" .!?")):
            return None
        least = SAME if 0.0 < confidence < SURE_CONFIDENCE else NEAR
        best: dict[str, Match] = {}
        for heard, factor in self._readings(text):
            for phrase in self._phrases:
                score = factor * self._score(phrase, heard, least)
                if score > (best[phrase.choice].score if phrase.choice in best else DIFFERENT):
                    best[phrase.choice] = Match(phrase.choice, phrase.text, score)
        ranked = sorted(self._in_front(best.values(), text), key=lambda found: -found.score)
        if not ranked or (len(ranked) > 1 and ranked[0].score - ranked[1].score < TIE):
            return None
        return ranked[0]

    def _in_front(self, found: Iterable[Match], text: str) -> list[Match]:
        """Return the matches without those of choices behind others: they count where nothing else is meant
        and no more words were said than theirs, or where they alone are all that was said.
        """
        front: list[Match] = []
        back: list[Match] = []
        for match in found:
            (back if match.choice in self._behind else front).append(match)
        if not back:
            return front
        best = max((match.score for match in front), default=DIFFERENT)
        most = 0 if front else MAX_WORDS
        back = [match for match in back if match.score > best + TIE]
        return front + [
            match
            for match in back
            if self._words_besides(match, text) <= min(most, len(content_words(match.phrase, self._language)))
        ]

    def _words_besides(self, match: Match, text: str) -> int:
        """Return how many words were said that are neither of the phrase nor around an answer."""
        said, own = (
            sum(word not in self._rules.carriers for word in content_words(each, self._language))
            for each in (text, match.phrase)
        )
        return said - own

    def meaning(self, text: str) -> str | None:
        """Return the name of the choice meant by ``text``, or None."""
        found = self.match(text)
        return found.choice if found is not None else None

    def fits(self, text: str) -> bool:
        """Return whether one of the choices is meant by ``text``."""
        return self.match(text) is not None

    def may_continue(self, text: str) -> bool:
        """Return whether ``text`` ends with the beginning of a phrase: the caller may have more to say."""
        heard = content_words(text, self._language)[-MAX_WORDS:]
        return any(
            self._begins(phrase.words, heard[at:]) for phrase in self._phrases for at in range(len(heard))
        )

    def _begins(self, phrase: Sequence[str], heard: Sequence[str]) -> bool:
        """Return whether ``heard`` is the beginning of ``phrase``, and not all of it."""
        if all(word.isdigit() for word in (*phrase, *heard)):
            one, other = "".join(phrase), "".join(heard)
            return one.startswith(other) and len(one) > len(other)
        return len(phrase) > len(heard) and all(
            closeness(wanted, word, self._rules) >= SOUNDS_SAME
            for wanted, word in zip(phrase, heard, strict=False)
        )

    def _readings(self, text: str) -> Iterable[tuple[tuple[str, ...], float]]:
        """Return what may have been said, with the factor of its score: the words, and the digit that a word
        alone may be.
        """
        every = normalize(text, self._language)[:MAX_WORDS]
        if not every:
            return
        heard = tuple(word for word in every if word not in self._rules.noise) or tuple(every)
        yield heard, 1.0
        if heard != tuple(every):
            yield tuple(every), 1.0
        rest = [word for word in heard if word not in self._rules.key_nouns]
        if len(rest) == 1 and rest[0] in self._rules.digit_homophones:
            yield (self._rules.digit_homophones[rest[0]],), HOMOPHONE_FACTOR

    def _score(self, phrase: _Phrase, heard: Sequence[str], least: float) -> float:
        """Return the score of ``phrase`` at its best place in ``heard``; 0.0 when it is not there."""
        if not phrase.words:
            return DIFFERENT
        best = DIFFERENT
        least_size, most_size = max(1, len(phrase.words) - 1), len(phrase.words) + 1
        if all(word.isdigit() for word in phrase.words):
            # "123" may be written in one, two or three pieces.
            least_size, most_size = 1, len("".join(phrase.words))
        for size in range(least_size, most_size + 1):
            for start in range(len(heard) - size + 1):
                near = self._window(phrase.words, heard[start : start + size])
                if near and self._counts(phrase, heard, start, start + size, near, least):
                    best = max(best, sum(near))
        if len(phrase.words) > 1:
            for start, gap in self._gaps(heard, len(phrase.words)):
                end = start + len(phrase.words) + 1
                near = self._window(phrase.words, (*heard[start:gap], *heard[gap + 1 : end]))
                if near and self._counts(phrase, heard, start, end, near, least):
                    best = max(best, sum(near) - GAP)
        return best

    def _gaps(self, heard: Sequence[str], wanted: int) -> Iterable[tuple[int, int]]:
        """Return where ``wanted`` words may be with a small word between them: (start, index of that)."""
        for start in range(len(heard) - wanted):
            for gap in range(start + 1, start + wanted):
                word = heard[gap]
                if len(word) <= 3 and word.isalpha() and word not in self._rules.negators:
                    yield start, gap

    def _window(self, wanted: Sequence[str], heard: Sequence[str]) -> list[float]:
        """Return the closeness of each wanted word, or [] when one of them is another word."""
        if len(wanted) == len(heard):
            near = [closeness(a, b, self._rules) for a, b in zip(wanted, heard, strict=True)]
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
        self, phrase: _Phrase, heard: Sequence[str], start: int, end: int, near: list[float], least: float
    ) -> bool:
        """Return whether the words are close enough, given what else was said."""
        back = start
        while back and heard[back - 1] in self._rules.between_negator_and_phrase:
            back -= 1
        # "no" before a word may be an answer to an earlier misunderstanding: "no, billing".
        if back and heard[back - 1] in self._rules.negators - self._rules.soft_negators:
            return False
        number = len(phrase.words) == 1 and phrase.words[0].isdigit()
        around = self._rules.key_carriers if number else self._rules.carriers
        alone = all(word in around for word in (*heard[:start], *heard[end:]))
        if number and not alone:
            return False
        short = len(phrase.words) == 1 and len(phrase.words[0]) < 4
        if short and not alone and start > 0 and end < len(heard):
            return False
        return min(near) >= (least if alone else max(least, SOUNDS_SAME))
