"""number: a quantity: "minus three point five", "twelve hundred", "a hundred and one", "2 1/2".

A percentage, an amount of money, an ordinal, a time, a range ("1-2") and two numbers ("2, 3") are none.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from ivr.grammar import reading
from ivr.grammar.inputs.base import TypedValue
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.tokens import (
    digits_of,
    is_ordinal,
    names_alternatives,
    names_range,
    number_at,
    tokens,
    without,
)
from ivr.grammar.languages import registry
from ivr.grammar.languages.vocabulary import Vocabulary

MAX_FIGURES = 15


class NumberInput(SpokenInput):
    """Parses a number. The value is an int, or a float where it has decimals."""

    kind = "number"

    def parse_words(self, text: str) -> TypedValue | None:
        words = registry.vocabulary(self.language)
        found = _signed(text, tokens(text, ordinals=False))
        kept = without(found, words.noise - words.joints - words.minus)
        negative = bool(kept) and (kept[0] in words.minus or kept[0] == "-")
        signed = negative or kept[:1] == ["+"] or (bool(kept) and kept[0] in words.plus)
        value = None if is_no_quantity(text, kept, words) else amount(kept[signed:], words, self.language)
        return self._typed(-value if negative else value) if value is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        """Return the number; * is the decimal point."""
        if re.fullmatch(r"\d{1,15}(\*\d{1,6})?", keys) is None:
            return None
        return self._typed(Decimal(keys.replace("*", ".")))

    def accepts_more_keys(self, keys: str) -> bool:
        fits = re.fullmatch(r"(\d{1,15}(\*\d{0,6})?)?", keys) is not None
        return fits and len(keys) < self.spec.max_digits

    def _typed(self, value: Decimal) -> TypedValue | None:
        figures = len(str(int(abs(value))))
        if not self.spec.min_digits <= figures <= min(self.spec.max_digits, MAX_FIGURES):
            return None
        plain = int(value) if value == value.to_integral_value() else float(value)
        return TypedValue(plain, reading.number(plain, self.language))


def is_no_quantity(text: str, found: Sequence[str], words: Vocabulary) -> bool:
    """Return whether a text with figures is something else than one quantity; ``found`` are its tokens."""
    return names_alternatives(text) or names_range(text) or any(is_ordinal(token, words) for token in found)


def amount(found: Sequence[str], words: Vocabulary, language: str) -> Decimal | None:
    """Return the number that all tokens make together, or None."""
    if not found:
        return None
    if "/" in found[-1]:
        return _with_fraction(found, words)
    if len(found) == 1 and (figures := figures_of(found[0], language)) is not None:
        return figures
    split = next((at for at, token in enumerate(found) if token in words.point and at), len(found))
    head, tail = found[:split], found[split + 1 :]
    halves = len(head) > 2 and head[-1] in words.half
    if halves:
        head = head[:-1] if head[-2] not in words.joints else head[:-2]
    whole = _whole(without(head, words.number_noise), words)
    if whole is None or (split < len(found) and not tail):
        return None
    if not tail:
        return whole + Decimal("0.5") if halves else whole
    fraction = digits_of(tail, words, skip=lambda token: False)
    if fraction is None or len(fraction) > 6:
        return None
    return whole + Decimal(int(fraction)).scaleb(-len(fraction))


def _with_fraction(found: Sequence[str], words: Vocabulary) -> Decimal | None:
    """Return the value of "3/4" and "2 1/2". A fraction without an exact decimal is none."""
    above, _, below = found[-1].partition("/")
    if not below.isdecimal():
        return None
    rest = [token for token in found[:-1] if token not in words.joints]
    whole = _whole(rest, words) if rest else Decimal(0)
    if int(below) not in (2, 4, 5, 8, 10, 100) or len(above) > 3 or whole is None:
        return None
    part = Decimal(int(above)) / int(below)
    return whole + part if part < 1 or not rest else None


def figures_of(token: str, language: str) -> Decimal | None:
    """Return the number of figures with a decimal point or comma and groups of three: "1,234.50" in English,
    "1.234,50" where the comma comes before decimals.
    """
    if not re.fullmatch(r"\d+(?:[.,]\d+)*", token) or len(token) > 20:
        return None
    point = registry.decimal_point(language)
    groups = "." if point == "," else ","
    whole, _, fraction = token.partition(point)
    if re.fullmatch(rf"\d{{1,3}}(?:{re.escape(groups)}\d{{3}})+", whole):
        whole = whole.replace(groups, "")
    elif not whole.isdecimal():
        # A figure like 3,5 in English: what else could it be?
        whole, _, fraction = token.partition(groups) if not fraction else ("", "", "")
    return Decimal(f"{whole}.{fraction or 0}") if whole.isdecimal() and f"{fraction}0".isdecimal() else None


def _whole(found: Sequence[str], words: Vocabulary) -> Decimal | None:
    number = number_at(found, 0, words) if found else None
    if number is not None and number[1] == len(found):
        return Decimal(number[0])
    if all(len(token) == 1 or token in words.small for token in found):
        digits = digits_of(found, words, skip=lambda token: False)  # "one five zero"
        return Decimal(digits) if digits is not None and len(digits) == len(found) <= MAX_FIGURES else None
    return None


def _signed(text: str, found: list[str]) -> list[str]:
    return ["-", *found] if re.match(r"\s*[-−]\s*\d", text) else found
