"""digits: a row of digits, such as an account number: "four seven one nine", "double oh seven".

What is written as another thing is none: a fraction ("1/2", "½"), a decimal ("3.5"), a time ("1:30"), a
percentage, an amount of money, an ordinal ("5th", "fifth"), a signed number ("-5"), two numbers ("2, 3").
"""

import re
from typing import ClassVar

from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import BaseInput, TypedValue
from ivr.grammar.inputs.tokens import digits_of, is_ordinal, names_alternatives, tokens
from ivr.grammar.languages import registry

_SIGNED = re.compile(r"(?<!\S)[-\u2212]\d")


class DigitsInput(BaseInput):
    """Parses digits. The value is a text, so that leading zeros count."""

    expected_kind: ClassVar[ExpectedKind] = "digits"

    def digits_in(self, text: str) -> str | None:
        """Return all digits of ``text``, however many, or None where something else was said."""
        words = registry.vocabulary(self.language)
        found = tokens(text, ordinals=False)
        if _SIGNED.search(text) or names_alternatives(text) or any(is_ordinal(each, words) for each in found):
            return None
        groups = "." if registry.decimal_point(self.language) == "," else ","
        return digits_of(found, words, skip=lambda token: token in words.noise, groups=groups)

    def parse(self, text: str) -> TypedValue | None:
        digits = self.digits_in(text)
        return self._typed(digits) if digits is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        return self._typed(keys) if keys.isdecimal() else None

    def may_continue(self, text: str) -> bool:
        digits = self.digits_in(text)
        return digits is not None and len(digits) < self.spec.max_digits

    def _typed(self, digits: str) -> TypedValue | None:
        return TypedValue(digits, self.spelled(digits)) if self.has_asked_length(digits) else None
