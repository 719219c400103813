"""What it takes to read values in a language, and how it is done where we know nothing of it."""

import re
from datetime import date, time
from typing import Protocol


class Reader(Protocol):
    """One language's way. Everything is given in bounds; nothing here raises."""

    def cardinal(self, number: int) -> str:
        """A whole number, not negative, below 10**18."""

    def ordinal(self, number: int) -> str:
        """The same, as a place in an order."""

    def decimal(self, whole: str, fraction: str) -> str:
        """``whole`` is a number in words, ``fraction`` the digits after the point."""

    def minus(self, words: str) -> str: ...

    def character(self, character: str) -> str:
        """One letter, digit or sign, to be distinguished from all others."""

    def phone_groups(self, digits: str) -> list[str]:
        """A telephone number in the groups of which a person makes a breath each, in words."""

    def plus(self) -> str:
        """The sign before a country code."""

    def date(self, day: date, *, weekday: bool, year: bool) -> str: ...

    def time(self, at: time) -> str: ...

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        """``currency`` is a code of ISO 4217."""


class PlainReader:
    """Digits are left to the voice, which reads them in its own language."""

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
    """How many digits the country code has (ITU-T E.164) that an international number begins with."""
    if digits[:1] in ("1", "7"):
        return 1
    return 2 if _TWO_DIGITS.match(digits) else 3


def in_threes(digits: str) -> list[str]:
    """``digits`` in groups of three, the last of two to four."""
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups
