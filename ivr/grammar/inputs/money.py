"""money: "twelve euros fifty", "£12.50", "fifty cents", "a hundred and twenty"."""

import re
from collections.abc import Sequence
from decimal import Decimal

from ivr.grammar import reading
from ivr.grammar.inputs.base import TypedValue
from ivr.grammar.inputs.number import MAX_FIGURES, amount, is_no_quantity
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.tokens import each_number, tokens, without
from ivr.grammar.languages import registry
from ivr.grammar.languages.vocabulary import Vocabulary


class MoneyInput(SpokenInput):
    """Parses an amount of money. The value is a float with two decimals, or an int where there are none, in
    the currency that is asked for; an amount in another currency is not accepted.
    """

    kind = "money"

    def parse_words(self, text: str) -> TypedValue | None:
        words = registry.vocabulary(self.language)
        found = without(tokens(text, ordinals=False), words.noise - words.joints - words.cents)
        if is_no_quantity(text, found, words) and _pair(found, words) is None:
            return None
        named = {words.currencies[token] for token in found if token in words.currencies}
        if named - {self.spec.currency}:
            return None
        value = _amount(
            [token for token in found if token not in words.joints or len(found) > 2], words, self
        )
        return self._typed(value) if value is not None else None

    def parse_keys(self, keys: str) -> TypedValue | None:
        """Return the amount; * is the decimal point: 12*50."""
        if re.fullmatch(r"\d{1,12}(\*\d{1,2})?", keys) is None:
            return None
        whole, _, part = keys.partition("*")
        return self._typed(Decimal(f"{whole}.{part.ljust(2, '0')}"))

    def accepts_more_keys(self, keys: str) -> bool:
        fits = re.fullmatch(r"(\d{1,12}(\*\d?)?)?", keys) is not None
        return fits and len(keys) < self.spec.max_digits

    def _typed(self, value: Decimal) -> TypedValue | None:
        if len(str(int(value))) > min(self.spec.max_digits, MAX_FIGURES) or value != round(value, 2):
            return None
        plain = int(value) if value == value.to_integral_value() else float(value)
        return TypedValue(plain, reading.money(plain, self.language, self.spec.currency))


def _amount(found: Sequence[str], words: Vocabulary, kind: MoneyInput) -> Decimal | None:
    language = kind.language
    sign = next((at for at, token in enumerate(found) if token in words.currencies), None)
    cents = bool(found) and found[-1] in words.cents
    if cents:
        found = found[:-1]
    if sign is None and cents:
        value = amount(found, words, language)
        return value / 100 if value is not None and value < 1000 else None
    if sign is None:
        value = amount(found, words, language)
        return value if value is not None else _pair(found, words)
    before, after = found[:sign], found[sign + 1 :]
    if not before:
        before, after = after, []
    after = [token for token in after if token not in words.joints]
    whole = amount(
        [token for at, token in enumerate(before) if at < len(before) - 1 or token not in words.joints],
        words,
        language,
    )
    if whole is None or not after:
        return whole
    part = amount(after, words, language)
    fits = part is not None and part == part.to_integral_value() and part < 100
    return whole + part / 100 if part is not None and fits and whole == whole.to_integral_value() else None


def _pair(found: Sequence[str], words: Vocabulary) -> Decimal | None:
    """ "Twelve fifty"."""
    numbers = list(each_number(found, words))
    if (
        len(numbers) == 2
        and isinstance(numbers[0], int)
        and isinstance(numbers[1], int)
        and 10 <= numbers[1] < 100
    ):
        return Decimal(numbers[0]) + Decimal(numbers[1]) / 100
    return None
