"""How values are read aloud in a language: the protocol, and a reader for languages that have none."""

import re
from datetime import date, time
from typing import Protocol


class Reader(Protocol):
    """Makes the words of values in one language. The caller checks the bounds; no method raises."""

    def cardinal(self, number: int) -> str:
        """Return a whole number from 0 to 10**18 - 1 in words."""

    def ordinal(self, number: int) -> str:
        """Return such a number as an ordinal: "third"."""

    def decimal(self, whole: str, fraction: str) -> str:
        """Return a number with decimals: ``whole`` in words, ``fraction`` the digits after the point."""

    def minus(self, words: str) -> str:
        """Return a negative number; ``words`` is the number without its sign."""

    def character(self, character: str) -> str:
        """One letter, digit or sign, to be distinguished from all others."""

    def phone_groups(self, digits: str) -> list[str]:
        """Return a telephone number in words, in the groups between which a person pauses."""

    def plus(self) -> str:
        """Return the word for the sign before a country code."""

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        """Return a date, with its weekday and year where asked for."""

    def time(self, at: time) -> str:
        """Return a time of day."""

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        """Return an amount; ``currency`` is a code of ISO 4217."""


class PlainReader:
    """Leaves digits to the voice, which reads them in its own language."""

    def cardinal(self, number: int) -> str:
        return str(number)

    def ordinal(self, number: int) -> str:
        return f"{number}."

    def decimal(self, whole: str, fraction: str) -> str:
        return f"{whole},{fraction}"

    def minus(self, words: str) -> str:
        return f"-{words}"

    def character(self, character: str) -> str:
        return character

    def phone_groups(self, digits: str) -> list[str]:
        return [" ".join(group) for group in in_threes(digits)]

    def plus(self) -> str:
        return "+"

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        return f"{day.day}.{day.month}.{day.year if year else ''}"

    def time(self, at: time) -> str:
        return f"{at:%H:%M}"

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        return f"{whole},{hundredths:02} {currency}" if hundredths else f"{whole} {currency}"


_TWO_DIGITS = re.compile(r"2[07]|3[0-46-9]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]")


def country_code(digits: str) -> int:
    """Return the number of digits of the country code (ITU-T E.164) at the beginning of a number."""
    if digits[:1] in ("1", "7"):
        return 1
    return 2 if _TWO_DIGITS.match(digits) else 3


def in_threes(digits: str) -> list[str]:
    """Return ``digits`` in groups of three; the last one has two to four."""
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups
