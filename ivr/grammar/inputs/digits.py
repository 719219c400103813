"""digits: a row of digits, such as an account's: "four seven one nine", "double oh seven", "forty-two"."""

from typing import ClassVar

from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import BaseInput, TypedValue
from ivr.grammar.inputs.tokens import digits_of, tokens
from ivr.grammar.languages import registry


class DigitsInput(BaseInput):
    """The value is a text: zeros at its beginning count."""

    expects: ClassVar[ExpectedKind] = "digits"

    def heard(self, text: str) -> str | None:
        """The digits of ``text``, however many."""
        words = registry.vocabulary(self.language)
        return digits_of(tokens(text), words, skip=lambda token: token in words.noise)

    def parse(self, text: str) -> TypedValue | None:
        digits = self.heard(text)
        return self._typed(digits) if digits is not None else None

    def press(self, keys: str) -> TypedValue | None:
        return self._typed(keys) if keys.isdecimal() else None

    def may_continue(self, text: str) -> bool:
        digits = self.heard(text)
        return digits is not None and len(digits) < self.asked.max_digits

    def _typed(self, digits: str) -> TypedValue | None:
        return TypedValue(digits, self.spelled(digits)) if self.enough(digits) else None
