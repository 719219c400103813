"""The part of reading aloud that languages share: digits, decimals, groups, money. A language adds its
numbers, dates and times."""

from collections.abc import Mapping
from typing import ClassVar

from ivr.grammar.languages.reader import in_threes

Named = tuple[str, str, str, str]
"""One unit of a currency, several, one hundredth, several."""


class WordReader:
    """Reads values by the words of its attributes."""

    units: tuple[str, ...]
    """0 to 19, or more."""
    signs: ClassVar[Mapping[str, str]]
    currencies: ClassVar[Mapping[str, Named]]
    point = ""
    minus_word = ""
    plus_word = ""
    and_word = ""
    """Between a whole amount and its hundredths."""

    def cardinal(self, number: int) -> str:
        """Return a whole number in words."""
        raise NotImplementedError

    def counted(self, number: int, noun: str) -> str:
        """Return a number in words before a noun: "ein Euro", not "eins Euro"."""
        return self.cardinal(number)

    def decimal(self, whole: str, fraction: str) -> str:
        return f"{whole} {self.point} {' '.join(self.units[int(digit)] for digit in fraction)}"

    def minus(self, words: str) -> str:
        return f"{self.minus_word} {words}"

    def character(self, character: str) -> str:
        return self.units[int(character)] if character.isdecimal() else self.signs.get(character, character)

    def phone_groups(self, digits: str) -> list[str]:
        return [" ".join(self.units[int(digit)] for digit in group) for group in in_threes(digits)]

    def plus(self) -> str:
        return self.plus_word

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        one, many, part, parts = self.currencies.get(currency) or (*(" ".join(currency),) * 2, "cent", "cent")
        pieces = []
        if whole or not hundredths:
            noun = one if whole == 1 else many
            joint = " de " if self.takes_de(whole) else " "
            pieces.append(f"{self.counted(whole, noun)}{joint}{noun}")
        if hundredths:
            noun = part if hundredths == 1 else parts
            pieces.append(f"{self.counted(hundredths, noun)} {noun}")
        return f" {self.and_word} ".join(pieces)

    def takes_de(self, whole: int) -> bool:
        """Return whether a noun follows a number with a preposition: "un millón de euros"."""
        return False
