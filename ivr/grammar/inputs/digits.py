"""digits: a row of digits, such as an account number: "four seven one nine", "double oh seven"."""

from typing import ClassVar

from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.inputs.base import BaseInput, TypedValue
from ivr.grammar.inputs.tokens import digits_of, tokens
from ivr.grammar.languages import registry


class DigitsInput(BaseInput):
    """Parses digits. The value is a text, so that leading zeros count."""

    expected_kind: ClassVar[ExpectedKind] = "digits"

    def digits_in(self, text: str) -> str | None:
        """Return all digits of ``text``, however many, or None where something else was said."""
        words = registry.vocabulary(self.language)
        return digits_of(tokens(text), words, skip=lambda token: token in words.noise)

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
