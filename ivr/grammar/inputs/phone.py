"""phone: a telephone number, with or without its country code."""

import re
from typing import ClassVar

from ivr.grammar import reading
from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import TypedValue
from ivr.grammar.inputs.digits import corrections
from ivr.grammar.inputs.spoken_forms import corrected
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.tokens import digits_of, tokens
from ivr.grammar.languages import registry

SHORTEST, LONGEST = 3, 15
"""Digits of a number; the longest is that of ITU-T E.164."""


class PhoneInput(SpokenInput):
    """Parses a telephone number. The value is a text of digits, with a + before them where one was said."""

    kind = "phone"

    expected_kind: ClassVar[ExpectedKind] = "digits"

    def digits_in(self, text: str) -> str | None:
        """Return all digits of ``text``, with a + before them where one was said; None for anything else."""
        words = registry.vocabulary(self.language)
        found = tokens(re.sub(r"(?<=\d)[\s().\-/](?=[\d(])", "", text), ordinals=False)
        signs = words.plus | {"+"}
        plus = any(token in signs for token in found)
        rest = [token for token in found if token not in signs]
        digits = digits_of(rest, words, skip=lambda token: token in words.noise)
        return f"+{digits}" if digits is not None and plus else digits

    def parse(self, text: str) -> TypedValue | None:
        change = corrected(text, self.language)
        before, after = (self.digits_in(each) for each in change) if change is not None else (None, None)
        for number in corrections(before or "", after or ""):
            if (found := self._typed(number)) is not None:
                return found
        return super().parse(text)

    def parse_words(self, text: str) -> TypedValue | None:
        found = self.digits_in(text)
        return self._typed(found) if found is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        return self._typed(keys) if keys.removeprefix("+").isdecimal() else None

    def may_continue(self, text: str) -> bool:
        found = self.digits_in(text)
        return found is not None and len(found.lstrip("+")) < self._most

    def accepts_more_keys(self, keys: str) -> bool:
        figures = keys.removeprefix("+")
        return (figures.isdecimal() or not keys) and len(figures) < self._most

    @property
    def _most(self) -> int:
        return min(self.spec.max_digits, LONGEST)

    def _typed(self, number: str) -> TypedValue | None:
        figures = len(number.lstrip("+"))
        fits = max(self.spec.min_digits, SHORTEST) <= figures <= self._most
        return TypedValue(number, reading.phone(number, self.language)) if fits else None
