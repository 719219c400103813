"""Reads values aloud in English."""

from datetime import date, time

from ivr.grammar.languages.reader import in_threes

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
UNITS = tuple(_UNITS.split())
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
TENS = tuple(_TENS.split())
SCALES = (
    (10**15, "quadrillion"),
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (1000, "thousand"),
)
_MONTHS = "January February March April May June July August September October November December"
MONTHS = tuple(_MONTHS.split())
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
WEEKDAYS = tuple(_WEEKDAYS.split())
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
CURRENCIES = {
    "EUR": ("euro", "euros", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "JPY": ("yen", "yen", "sen", "sen"),
}
"""Code to the names of one unit, of several units, of one hundredth and of several hundredths."""
_SIGNS = {
    "*": "star", "#": "hash", "-": "dash", "_": "underscore", ".": "dot", "@": "at", "/": "slash",
    "+": "plus", "&": "and",
}  # fmt: skip


class English:
    """British order of dates, or with ``american`` the month before the day."""

    def __init__(self, *, american: bool = False) -> None:
        self._american = american

    def cardinal(self, number: int) -> str:
        for size, name in SCALES:
            if number >= size:
                rest = number % size
                more = f"{' and' if rest < 100 else ''} {self.cardinal(rest)}" if rest else ""
                return f"{self.cardinal(number // size)} {name}{more}"
        if number >= 100:
            rest = number % 100
            return f"{UNITS[number // 100]} hundred" + (f" and {self.cardinal(rest)}" if rest else "")
        if number < 20:
            return UNITS[number]
        return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")

    def ordinal(self, number: int) -> str:
        words = self.cardinal(number)
        at = max(words.rfind(" "), words.rfind("-")) + 1
        last = words[at:]
        return words[:at] + (
            _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
        )

    def decimal(self, whole: str, fraction: str) -> str:
        return f"{whole} point {' '.join(UNITS[int(digit)] for digit in fraction)}"

    def minus(self, words: str) -> str:
        return f"minus {words}"

    def character(self, character: str) -> str:
        return UNITS[int(character)] if character.isdecimal() else _SIGNS.get(character, character)

    def phone_groups(self, digits: str) -> list[str]:
        groups = [digits[:3], digits[3:6], digits[6:]] if len(digits) == 10 else in_threes(digits)
        return [" ".join(UNITS[int(digit)] for digit in group) for group in groups]

    def plus(self) -> str:
        return "plus"

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        month, number = MONTHS[day.month - 1], self.ordinal(day.day)
        name = f"{WEEKDAYS[day.weekday()]}, " if weekday else ""
        said = f"{name}{month} {number}" if self._american else f"{name}the {number} of {month}"
        return f"{said}, {self.year(day.year)}" if year else said

    def year(self, year: int) -> str:
        """Return a year in pairs of digits where people say it so: nineteen ninety-nine, two thousand and
        five.
        """
        first, last = divmod(year, 100)
        if not 1100 <= year <= 2099 or 2000 <= year <= 2009:
            return self.cardinal(year)
        if not last:
            return f"{self.cardinal(first)} hundred"
        return f"{self.cardinal(first)} {f'oh {UNITS[last]}' if last < 10 else self.cardinal(last)}"

    def time(self, at: time) -> str:
        if at.minute == 0 and at.hour in (0, 12):
            return "noon" if at.hour else "midnight"
        hour = self.cardinal(at.hour % 12 or 12)
        part = "in the morning" if at.hour < 12 else "in the afternoon" if at.hour < 18 else "in the evening"
        if at.minute == 0:
            return f"{hour} o'clock {part}"
        return f"{hour} {'oh ' if at.minute < 10 else ''}{self.cardinal(at.minute)} {part}"

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        one, many, part, parts = CURRENCIES.get(currency) or (" ".join(currency),) * 2 + ("cent", "cents")
        pieces = []
        if whole or not hundredths:
            pieces.append(f"{self.cardinal(whole)} {one if whole == 1 else many}")
        if hundredths:
            pieces.append(f"{self.cardinal(hundredths)} {part if hundredths == 1 else parts}")
        return " and ".join(pieces)
