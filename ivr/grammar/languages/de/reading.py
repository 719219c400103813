"""Reads values aloud in German."""

from collections.abc import Mapping
from datetime import date, time
from typing import ClassVar

from ivr.grammar.languages.word_reader import Named, WordReader

_UNITS = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn"
)
UNITS = tuple(_UNITS.split())
_TENS = "null zehn zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
TENS = tuple(_TENS.split())
SCALES = (
    (10**15, "Billiarde", "Billiarden"),
    (10**12, "Billion", "Billionen"),
    (10**9, "Milliarde", "Milliarden"),
    (10**6, "Million", "Millionen"),
)
_MONTHS = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
MONTHS = tuple(_MONTHS.split())
_WEEKDAYS = "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"
WEEKDAYS = tuple(_WEEKDAYS.split())


class German(WordReader):
    """Reads values aloud in German."""

    units = UNITS
    point, minus_word, plus_word, and_word = "Komma", "minus", "plus", "und"
    signs: ClassVar[Mapping[str, str]] = {
        "*": "Stern", "#": "Raute", "-": "Strich", "_": "Unterstrich", ".": "Punkt", "@": "at",
        "/": "Schrägstrich", "+": "plus", "&": "und",
    }  # fmt: skip
    currencies: ClassVar[Mapping[str, Named]] = {
        "EUR": ("Euro", "Euro", "Cent", "Cent"),
        "USD": ("Dollar", "Dollar", "Cent", "Cent"),
        "CAD": ("kanadischer Dollar", "kanadische Dollar", "Cent", "Cent"),
        "AUD": ("australischer Dollar", "australische Dollar", "Cent", "Cent"),
        "GBP": ("Pfund", "Pfund", "Penny", "Pence"),
        "CHF": ("Franken", "Franken", "Rappen", "Rappen"),
        "JPY": ("Yen", "Yen", "Sen", "Sen"),
    }

    def cardinal(self, number: int) -> str:
        for size, one, many in SCALES:
            if number >= size:
                count, rest = divmod(number, size)
                head = f"eine {one}" if count == 1 else f"{self.cardinal(count)} {many}"
                return f"{head} {self.cardinal(rest)}" if rest else head
        return self._below_million(number)

    def _below_million(self, number: int) -> str:
        if number >= 1000:
            count, rest = divmod(number, 1000)
            return f"{self._before_noun(count)}tausend{self._below_million(rest) if rest else ''}"
        if number >= 100:
            count, rest = divmod(number, 100)
            return f"{self._before_noun(count)}hundert{self._below_million(rest) if rest else ''}"
        if number < 20:
            return UNITS[number]
        ten, unit = divmod(number, 10)
        return f"{self._before_noun(unit)}und{TENS[ten]}" if unit else TENS[ten]

    def _before_noun(self, number: int) -> str:
        words = self.cardinal(number)
        return words[:-1] if words.endswith("eins") else words

    def counted(self, number: int, noun: str) -> str:
        return self._before_noun(number)

    def ordinal(self, number: int) -> str:
        special = {1: "erste", 3: "dritte", 7: "siebte", 8: "achte"}
        last = number % 100
        if last in special:
            head = self.cardinal(number - last) if number > last else ""
            return f"{head}{special[last]}"
        return f"{self.cardinal(number)}{'te' if 0 < last < 20 else 'ste'}"

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        name = f"{WEEKDAYS[day.weekday()]}, " if weekday else ""
        said = f"{name}der {self.ordinal(day.day)} {MONTHS[day.month - 1]}"
        return f"{said} {self.year(day.year)}" if year else said

    def year(self, year: int) -> str:
        """Return a year: neunzehnhundertneunundneunzig, zweitausendsieben."""
        if not 1100 <= year <= 1999:
            return self.cardinal(year)
        rest = year % 100
        return f"{self.cardinal(year // 100)}hundert{self.cardinal(rest) if rest else ''}"

    def time(self, at: time) -> str:
        minutes = f" {self.cardinal(at.minute)}" if at.minute else ""
        return f"{self._before_noun(at.hour)} Uhr{minutes}"
