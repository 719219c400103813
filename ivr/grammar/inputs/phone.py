"""phone: a telephone number, with or without its country code."""

import re
from typing import ClassVar

from ivr.grammar import reading
from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import Base, Typed
from ivr.grammar.inputs.tokens import digits_of, tokens
from ivr.grammar.inputs.words import words_of

SHORTEST, LONGEST = 3, 15
"""Digits of a number; the longest is E.164's."""


class Phone(Base):
    """The value is a text of digits, a + before them where one was said."""

    expects: ClassVar[ExpectedKind] = "digits"

    def heard(self, text: str) -> str | None:
        words = words_of(self.language)
        found = tokens(re.sub(r"(?<=\d)[\s().\-/](?=[\d(])", "", text))
        plus = any(token in ("+", "plus") for token in found)
        rest = [token for token in found if token not in ("+", "plus")]
        digits = digits_of(rest, words, skip=lambda token: token in words.noise)
        return f"+{digits}" if digits is not None and plus else digits

    def parse(self, text: str) -> Typed | None:
        found = self.heard(text)
        return self._typed(found) if found is not None else None

    def press(self, keys: str) -> Typed | None:
        return self._typed(keys) if keys.removeprefix("+").isdecimal() else None

    def may_continue(self, text: str) -> bool:
        found = self.heard(text)
        return found is not None and len(found.lstrip("+")) < self._most

    def more_keys(self, keys: str) -> bool:
        figures = keys.removeprefix("+")
        return (figures.isdecimal() or not keys) and len(figures) < self._most

    @property
    def _most(self) -> int:
        return min(self.asked.max_digits, LONGEST)

    def _typed(self, number: str) -> Typed | None:
        figures = len(number.lstrip("+"))
        fits = max(self.asked.min_digits, SHORTEST) <= figures <= self._most
        return Typed(number, reading.phone(number, self.language)) if fits else None
