"""digits: a row of digits, such as an account number: "four seven one nine", "double oh seven".

What is written as another thing is none: a fraction ("1/2", "½"), a decimal ("3.5"), a time ("1:30"), a
percentage, an amount of money, an ordinal ("5th", "fifth"), a signed number ("-5"), two numbers ("2, 3").
"""

import re
from collections.abc import Iterator
from typing import ClassVar

from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import TypedValue
from ivr.grammar.inputs.spoken_forms import corrected
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.tokens import digits_of, is_ordinal, names_alternatives, tokens
from ivr.grammar.languages import registry

_SIGNED = re.compile(r"(?<!\S)[-\u2212]\d")


class DigitsInput(SpokenInput):
    """Parses digits. The value is a text, so that leading zeros count."""

    kind = "digits"

    expected_kind: ClassVar[ExpectedKind] = "digits"

    def digits_in(self, text: str) -> str | None:
        """Return all digits of ``text``, however many, or None where something else was said. A word for a
        digit at the beginning counts where there may be so many: "for 719" is 4719.
        """
        words = registry.vocabulary(self.language)
        found = tokens(text, ordinals=False)
        if _SIGNED.search(text) or names_alternatives(text) or any(is_ordinal(each, words) for each in found):
            return None
        groups = "." if registry.decimal_point(self.language) == "," else ","

        def digits(row: list[str]) -> str | None:
            return digits_of(row, words, skip=lambda token: token in words.noise, groups=groups)

        plain = digits(found)
        if plain and found[0] in words.digit_homophones and len(found) > 1:
            more = digits([str(words.digit_homophones[found[0]]), *found[1:]])
            if more is not None and len(plain) < len(more) <= self.spec.max_digits:
                return more
        return plain

    def parse(self, text: str) -> TypedValue | None:
        change = corrected(text, self.language)
        before, after = (self.digits_in(each) for each in change) if change is not None else (None, None)
        for row in corrections(before or "", after or ""):
            if self.has_asked_length(row):
                return self._typed(row)
        return super().parse(text)

    def parse_words(self, text: str) -> TypedValue | None:
        digits = self.digits_in(text)
        return self._typed(digits) if digits is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        return self._typed(keys) if keys.isdecimal() else None

    def may_continue(self, text: str) -> bool:
        digits = self.digits_in(text)
        return digits is not None and len(digits) < self.spec.max_digits

    def _typed(self, digits: str) -> TypedValue | None:
        return TypedValue(digits, self.spelled(digits)) if self.has_asked_length(digits) else None


def corrections(before: str, after: str) -> Iterator[str]:
    """Return the digits that may be meant by ``before``, a correction, and ``after``: all of them said again,
    or the last ones.
    """
    if before and after:
        if len(after) >= len(before):
            yield after
        yield before[: -len(after)] + after
        yield before[:-1] + after
        yield after
