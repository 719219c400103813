"""A transcript as words and figures, and the numbers in it."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from ivr.grammar.inputs.base import MAX_SAID
from ivr.grammar.inputs.words import Words

_HALVES_OF_DAY = re.compile(r"\b([ap])\.?\s?m\b\.?")
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+|[€$£¥+]")
_SUFFIX = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|ère|e|ème|eme)\b")
_LIMIT = 10**15


def tokens(text: str) -> list[str]:
    """Small letters; words, figures ("12.50", "3:30") and signs of money; an ordinal's ending is gone."""
    flat = unicodedata.normalize("NFKC", text[:MAX_SAID]).casefold()
    flat = re.sub(r"aujourd[’'`´ ]hui", "aujourdhui", re.sub(r"apr[eè]s[- ]midi", "aprèsmidi", flat))
    flat = re.sub(r"(?<=\b[ldnsjcm])[’'`´](?=[a-zà-ÿ]{2,})", " ", flat)  # l'an, d'euros; but not it's
    flat = re.sub(r"[’'`´]", "", flat)
    flat = _SUFFIX.sub("", _HALVES_OF_DAY.sub(r" \1m ", flat))
    return _TOKEN.findall(flat)


def number_at(found: Sequence[str], at: int, words: Words) -> tuple[int, int] | None:
    """The whole number that begins at token ``at`` and the place after it: as many words as make one."""
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


def _grows(token: str, words: Words) -> bool:
    return token in words.hundred or token in words.scales


def _goes_on(found: Sequence[str], at: int, words: Words, part: int) -> bool:
    """After "and": a hundred and one, two thousand and five; vingt et un, soixante et onze."""
    if at >= len(found):
        return False
    value = words.small.get(found[at], words.tens.get(found[at], words.ordinals.get(found[at], -1)))
    if value < 0:
        return False
    if "et" in words.joints:
        return value in (1, 11) and part % 100 in (20, 30, 40, 50, 60, 70, 80, 90)
    return part < 0 or part % 100 == 0


def _joined(part: int, token: str, words: Words) -> int | None:
    """``part``, a number below a thousand in the making (-1: none), with another word; None: it is a new
    number's."""
    small = words.small.get(token, words.ordinals.get(token))
    value = small if small is not None else words.tens[token]
    if part < 0:
        return value
    if part == 0 or value == 0:
        return None
    last = part % 100
    french = "et" in words.joints
    if french and value == 20 and last == 4:
        return part + 76  # quatre-vingts
    if value < 10:
        fits = value >= 7 if french and last == 10 else last % 10 == 0 and last != 10
    elif value < 20:
        fits = last == 0 or (french and last in (60, 80) and value <= 16)
    else:
        fits = last == 0
    return part + value if fits else None


def digits_of(found: Sequence[str], words: Words, *, skip: Callable[[str], bool]) -> str | None:
    """All digits that were said, one by one, in pairs or in larger numbers; None for anything else."""
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
        elif token in words.alike and (digits or len(found) == 1):
            said, at = str(words.alike[token]), at + 1
        elif set(token) <= set("0123456789.,:") and not token.isdecimal():
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
    return [token for token in found if token not in noise]


def each_number(found: Sequence[str], words: Words) -> Iterator[int | str]:
    """Numbers as int, other words as they are."""
    at = 0
    while at < len(found):
        number = number_at(found, at, words)
        if number is None:
            yield found[at]
            at += 1
        else:
            yield number[0]
            at = number[1]
