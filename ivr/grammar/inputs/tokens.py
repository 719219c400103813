"""Splits a transcript into words and figures, and finds the numbers in it."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from ivr.grammar.inputs.base import MAX_SAID
from ivr.grammar.languages import registry
from ivr.grammar.languages.vocabulary import Vocabulary

_TOKEN = re.compile(r"\d+(?:/\d+)+|\d+(?:[.,:]\d+)*(?:\s?[%‰])?|[^\W\d_]+|[€$£¥+^%‰]")
_LIMIT = 10**15
_FRACTIONS = re.compile("([\u00bc-\u00be\u2150-\u215e\u2189])")
_RAISED = re.compile("[\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089]+")
_TWO_FIGURES = re.compile(r"(?<![\d.,])\d{1,2}\s*[,;]\s+\d{1,2}(?![\d.,]*\d)")
_FIGURE = re.compile(r"\d+")
_RANGE = re.compile(r"(?<![\d-])\d+\s*[-\u2010-\u2015]\s*\d+(?![\d-]*\d)")


def plain_text(text: str) -> str:
    """Return a text in small letters, each digit of any script as 0 to 9, a fraction such as ½ as 1/2. A
    raised digit is no digit of a number: a ^ takes its place.
    """
    spaced = _RAISED.sub("^", _FRACTIONS.sub(r" \1", text))
    flat = unicodedata.normalize("NFKC", spaced).casefold().replace("\u2044", "/").replace("\u066a", "%")
    flat = re.sub(r"(?<=\d)\s*/\s*(?=\d)", "/", flat)
    if flat.isascii():
        return flat
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in flat)


def names_alternatives(text: str) -> bool:
    """Return whether figures are two numbers beside each other, not one: "2, 3". Three and more are one, said
    digit by digit.
    """
    flat = plain_text(text[:MAX_SAID])
    return len(_FIGURE.findall(flat)) == 2 and _TWO_FIGURES.search(flat) is not None


def names_range(text: str) -> bool:
    """Return whether figures are a range of numbers: "1-2"."""
    return _RANGE.search(plain_text(text[:MAX_SAID])) is not None


def tokens(text: str, *, ordinals: bool = True) -> list[str]:
    """Return the words, figures ("12.50", "3:30", "1/2", "10%") and signs of a text, in small letters.

    The endings of ordinals in figures are removed, unless not ``ordinals``, when "5th" is two tokens and no
    number. The rewrites of every language apply.
    """
    flat = plain_text(text[:MAX_SAID])
    vocabularies = [language.vocabulary for language in registry.languages() if language.vocabulary]
    for words in vocabularies:
        for pattern, replacement in words.contractions:
            flat = re.sub(pattern, replacement, flat)
    flat = re.sub(r"[’'`´]", "", flat)
    for words in vocabularies:
        for pattern, replacement in words.rewrites:
            flat = re.sub(pattern, replacement, flat)
    if ordinals:
        endings = "|".join(ending for words in vocabularies for ending in words.ordinal_endings)
        flat = re.sub(rf"(?<=\d)(?:{endings})\b", "", flat)
    return _TOKEN.findall(flat)


def is_ordinal(token: str, words: Vocabulary) -> bool:
    """Return whether a word is an ordinal and no cardinal: "fifth"."""
    return token in words.ordinals and token not in words.small and token not in words.tens


def number_at(found: Sequence[str], at: int, words: Vocabulary) -> tuple[int, int] | None:
    """Return the whole number that begins at token ``at``, of as many words as make one, and the place after
    it; None where none begins.
    """
    start, total, part, scale = at, 0, -1, _LIMIT
    while at < len(found):
        token = found[at]
        if token.isdecimal():
            # "2 million", "3 hundred"; after words only a new number: "twenty 7" is none.
            if part >= 0 or total or len(token) > 15:
                break
            part = int(token)
            if at + 1 >= len(found) or not _grows(found[at + 1], words):
                return part, at + 1
        elif token in words.small or token in words.tens or token in words.ordinals:
            joined = _joined(part, token, words)
            if joined is None:
                break
            part = joined
            if token in words.ordinals and token not in words.small:
                return total + part, at + 1
        elif token in words.hundred and (part < 0 or 1 <= part <= 99):
            part = (part if part > 0 else 1) * 100
        elif token in words.scales and words.scales[token] < scale:
            scale = words.scales[token]
            total, part = total + (part if part > 0 else 1) * scale, -1
        elif not (token in words.joints and at > start and _goes_on(found, at + 1, words, part)):
            break
        at += 1
    if at == start or (part < 0 and not total):
        return None
    return (total + max(part, 0), at) if total + max(part, 0) < _LIMIT else None


def _grows(token: str, words: Vocabulary) -> bool:
    return token in words.hundred or token in words.scales


def _goes_on(found: Sequence[str], at: int, words: Vocabulary, part: int) -> bool:
    """Return whether a number goes on after a joint: "a hundred and one", "vingt et un"."""
    if at >= len(found):
        return False
    value = words.small.get(found[at], words.tens.get(found[at], words.ordinals.get(found[at], -1)))
    if value < 0:
        return False
    return words.joins(part, value)


def _joined(part: int, token: str, words: Vocabulary) -> int | None:
    """Return ``part``, a number below 1000 so far (-1: none), with one more word; None where the word begins
    a new number.
    """
    small = words.small.get(token, words.ordinals.get(token))
    value = small if small is not None else words.tens[token]
    if part < 0:
        return value
    if part == 0 or value == 0:
        return None
    return words.combine(part, value)


def digits_of(
    found: Sequence[str], words: Vocabulary, *, skip: Callable[[str], bool], groups: str = ","
) -> str | None:
    """Return all digits that were said, one by one, in pairs or in larger numbers; None for anything else.
    ``groups`` is the sign between groups of three digits: "1,234".
    """
    digits: list[str] = []
    at, times = 0, 1
    while at < len(found):
        token = found[at]
        number = number_at(found, at, words)
        if token in words.times:
            times, at = words.times[token], at + 1
            continue
        if number is not None:
            value, after = number
            # Figures keep their zeros.
            said, at = (token, after) if token.isdecimal() and after == at + 1 else (str(value), after)
        elif token in words.oh:
            said, at = "0", at + 1
        elif token in words.digit_homophones and (digits or len(found) == 1):
            said, at = str(words.digit_homophones[token]), at + 1
        elif re.fullmatch(rf"\d{{1,3}}(?:{re.escape(groups)}\d{{3}})+|\d(?:[.,]\d){{2,}}", token):
            said, at = re.sub(r"\D", "", token), at + 1
        elif skip(token):
            at += 1
            continue
        else:
            return None
        digits.append(said[0] * (times - 1) + said)
        times = 1
    return "".join(digits) or None


def without(found: Sequence[str], noise: frozenset[str]) -> list[str]:
    """Return the tokens that are not in ``noise``."""
    return [token for token in found if token not in noise]


def each_number(found: Sequence[str], words: Vocabulary) -> Iterator[int | str]:
    """Return numbers as int, and other words as they are."""
    at = 0
    while at < len(found):
        number = number_at(found, at, words)
        if number is None:
            yield found[at]
            at += 1
        else:
            yield number[0]
            at = number[1]
