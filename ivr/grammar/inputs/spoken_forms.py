"""The ways to take an answer: without what people say around a value ("my number is …, thanks"), with what
they corrected ("seven, no, nine"), and with what a recogniser wrote for another word ("have past three").
The rules are those of the language (``AnswerRules``).
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ivr.grammar.inputs.base import MAX_SAID
from ivr.grammar.languages import registry

_WORD = re.compile(r"[^\W_]+(?:['’`´][^\W_]+)*")
_MARKS = " ,;:!?…"
_MOST = 12
"""Phrases that are removed at either end."""


@dataclass(frozen=True, slots=True)
class _Expressions:
    before: re.Pattern[str]
    after: re.Pattern[str]
    corrections: re.Pattern[str]
    clock_joints: re.Pattern[str]


_NEVER = r"(?!)"


@functools.lru_cache(maxsize=64)
def _expressions(language: str) -> _Expressions:
    rules = registry.answer_rules(language)
    corrections = "|".join(rules.corrections) or _NEVER
    return _Expressions(
        re.compile(rf"(?:{'|'.join((*rules.corrections, *rules.before)) or _NEVER})(?= |$)"),
        re.compile(rf"(?:^| )(?:{'|'.join(rules.after) or _NEVER})$"),
        re.compile(rf"(?<= )(?:{corrections})(?= )"),
        re.compile(rf"(?<= )(?:{'|'.join(rules.clock_joints) or _NEVER})(?= )"),
    )


class _Words:
    """The words of a text, and their places in it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans = [found.span() for found in _WORD.finditer(text)]
        words = [re.sub(r"['’`´]", "", text[start:end]).casefold() for start, end in self._spans]
        self.joined = " ".join(words)

    def between(self, begin: int, end: int) -> str:
        """Return the part of the text that characters ``begin`` to ``end`` of ``joined`` stand for, with the
        signs around it.
        """
        first, last = self.joined.count(" ", 0, begin), self.joined.count(" ", 0, end)
        start = self._spans[first - 1][1] if begin and first else 0
        stop = self._spans[last + 1][0] if last + 1 < len(self._spans) else len(self._text)
        return self._text[start:stop].strip(_MARKS).rstrip(".")


def without_fillers(text: str, language: str) -> str:
    """Return ``text`` without the phrases before and after a value; it may be empty."""
    expressions, words = _expressions(language), _Words(text[:MAX_SAID])
    begin, end = 0, len(words.joined)
    for _ in range(_MOST):
        found = expressions.before.match(words.joined, begin, end)
        if found is None or not found[0]:
            break
        begin = min(found.end() + 1, end)
    for _ in range(_MOST):
        found = expressions.after.search(words.joined[begin:end])
        if found is None:
            break
        end = begin + found.start()
    if begin == 0 and end == len(words.joined):
        return text
    return words.between(begin, end) if begin < end else ""


def corrected(text: str, language: str) -> tuple[str, str] | None:
    """Return what was said before the last correction, and the value that takes its place; None where
    nothing was corrected.
    """
    words = _Words(text[:MAX_SAID])
    found = list(_expressions(language).corrections.finditer(words.joined))
    if not found:
        return None
    last = found[-1]
    before, after = words.between(0, last.start() - 1), words.between(last.end() + 1, len(words.joined))
    return without_fillers(before, language), without_fillers(after, language)


def has_correction(text: str, language: str) -> bool:
    """Return whether the caller takes something back in ``text``."""
    joined = f" {_Words(text[:MAX_SAID]).joined} "
    return _expressions(language).corrections.search(joined) is not None


def date_and_time(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Return the ways to cut ``text`` at a word between a date and a time: "next Tuesday", "half past
    three"."""
    words = _Words(text[:MAX_SAID])
    for found in _expressions(language).clock_joints.finditer(words.joined):
        yield (
            words.between(0, found.start() - 1),
            words.between(found.end() + 1, len(words.joined)),
        )


def misheard(text: str, kind: str, language: str) -> str | None:
    """Return ``text`` with what a recogniser wrote for other words put right; None where there is nothing to
    put right."""
    plain = re.sub(r"['’`´]", "", " ".join(text[:MAX_SAID].casefold().split()))
    plain = re.sub(r"(?<=[^\W\d_])[,.;:!?]+", "", plain)
    fixed = plain
    for pattern, instead in registry.answer_rules(language).misheard.get(kind, ()):
        fixed = re.sub(pattern, instead, fixed)
    return fixed if fixed != plain else None


def readings(text: str, kind: str, language: str) -> Iterator[str]:
    """Return the ways to read an answer, the likeliest first: as it is, without fillers, the value that was
    said last, and each with misheard words put right."""
    plain = without_fillers(text, language)
    change = corrected(plain, language)
    ways = dict.fromkeys((text, plain, *((change[1],) if change is not None else ())))
    yield from (way for way in ways if way.strip())
    right = (misheard(way, kind, language) for way in ways if way)
    yield from dict.fromkeys(each for each in right if each)
