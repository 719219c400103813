"""Find the times of words from phonemes and their durations. Pure.

espeak-ng gives the phonemes of a whole sentence. Its spaces are no guide to the words of the text: "of the"
is one stretch, "25" is two. So every word is also phonemised alone, and the two strings of phonemes are laid
side by side with the fewest changes (R. Wagner and M. Fischer, "The String-to-String Correction Problem",
1974).
"""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SPACE = " "
LONGEST = 2000
"""Phonemes of a sentence; in a longer one no words are looked for."""
_STRESS = "ˈˌ"
_VOWELS = frozenset("aeiouyæøœɐɑɒɔəɘɚɛɜɝɞɤɨɪɯɵɶʉʊʌʏᵻ")
_GAP, _OTHER_VOWEL, _OTHER_CONSONANT, _OTHER_KIND = 4, 2, 5, 7
"""Costs: left out or added; a vowel for a vowel ("the" alone and in a sentence), a consonant for a consonant;
anything else, which is no better than to leave out the one and add the other."""


class Phoneme(NamedTuple):
    symbol: str
    """One phoneme with its length and tone marks left off, or SPACE."""
    start: int
    end: int


def phonemes_of(symbols: Sequence[str], lengths: Sequence[int], start: int = 0) -> list[Phoneme]:
    """The phonemes and spaces among ``symbols``, which lie end to end from ``start`` on, ``lengths`` samples
    each. Stress marks go with the phoneme that follows them, other marks with the one before;
    punctuation is part of no phoneme.
    """
    found: list[Phoneme] = []
    begun: int | None = None
    at = start
    for symbol, length in zip(symbols, lengths, strict=True):
        before, at = at, at + length
        if symbol in _STRESS:
            begun = before if begun is None else begun
        elif symbol == SPACE:
            found.append(Phoneme(SPACE, before, at))
        elif unicodedata.category(symbol[0]) in ("Ll", "Lu", "Lo", "Nd"):
            found.append(Phoneme(symbol, before if begun is None else begun, at))
            begun = None
        elif unicodedata.category(symbol[0]) in ("Lm", "Mn", "Sk") and found and found[-1].symbol != SPACE:
            found[-1] = found[-1]._replace(end=at)
    return found


def word_spans(spoken: Sequence[Phoneme], words: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Return start and end of each word; ``words`` has each word's phonemes when spoken alone (maybe none).

    A word that was not found has no length and is at the end of the one before. The list is empty for more
    than LONGEST phonemes.
    """
    alone: list[tuple[str, int]] = []
    for number, symbols in enumerate(words):
        if number:
            alone.append((SPACE, number))
        alone += [(item.symbol, number) for item in phonemes_of(symbols, [0] * len(symbols))]
    if max(len(spoken), len(alone)) > LONGEST:
        return []
    spans: list[tuple[int, int] | None] = [None] * len(words)
    for here, there in _matches([item.symbol for item in spoken], [symbol for symbol, _ in alone]):
        number = alone[there][1]
        if alone[there][0] != SPACE and spoken[here].symbol != SPACE:
            begun = spans[number]
            spans[number] = (spoken[here].start if begun is None else begun[0], spoken[here].end)
    found: list[tuple[int, int]] = []
    last = 0
    for span in spans:
        start, end = span or (last, last)
        found.append((max(start, last), max(end, last)))
        last = found[-1][1]
    return found


def _matches(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of positions in ``a`` and ``b`` that match, in order, with the least cost."""
    if not a or not b:
        return []
    instead = _costs(a, b)
    steps = np.arange(len(b) + 1) * _GAP
    rows = np.empty((len(a) + 1, len(b) + 1), np.int32)
    rows[0] = steps
    for i in range(len(a)):
        row = rows[i] + _GAP
        np.minimum(row[1:], rows[i, :-1] + instead[i], out=row[1:])
        # What is added costs the same each: the best of all cells to the left, as one running minimum.
        rows[i + 1] = np.minimum.accumulate(row - steps) + steps
    pairs: list[tuple[int, int]] = []
    i, j = len(a), len(b)
    while i and j:
        if rows[i, j] == rows[i - 1, j - 1] + instead[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif rows[i, j] == rows[i - 1, j] + _GAP:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _costs(a: Sequence[str], b: Sequence[str]) -> npt.NDArray[np.int32]:
    """Return the cost of each of ``a`` in place of each of ``b``."""

    def kind(symbol: str) -> int:
        return 0 if symbol == SPACE else 1 if symbol[0] in _VOWELS else 2

    kinds = np.array([kind(s) for s in a])[:, None] * 3 + np.array([kind(s) for s in b])
    by_kind = np.full(9, _OTHER_KIND, np.int32)
    by_kind[4], by_kind[8] = _OTHER_VOWEL, _OTHER_CONSONANT
    names = {symbol: number for number, symbol in enumerate({*a, *b})}
    same = np.array([names[s] for s in a])[:, None] == np.array([names[s] for s in b])
    costs: npt.NDArray[np.int32] = np.where(same, 0, by_kind[kinds]).astype(np.int32)
    return costs
