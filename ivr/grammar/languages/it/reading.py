"""Reads values aloud in Italian."""

from collections.abc import Mapping
from datetime import date, time
from typing import ClassVar

from ivr.grammar.languages.word_reader import Named, WordReader

_UNITS = (
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici"
    " sedici diciassette diciotto diciannove"
)
UNITS = tuple(_UNITS.split())
_TENS = "zero dieci venti trenta quaranta cinquanta sessanta settanta ottanta novanta"
TENS = tuple(_TENS.split())
SCALES = (
    (10**15, "biliardo", "biliardi"),
    (10**12, "bilione", "bilioni"),
    (10**9, "miliardo", "miliardi"),
    (10**6, "milione", "milioni"),
)
_MONTHS = "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"
MONTHS = tuple(_MONTHS.split())
_WEEKDAYS = "lunedì martedì mercoledì giovedì venerdì sabato domenica"
WEEKDAYS = tuple(_WEEKDAYS.split())
_ORDINALS = "primo secondo terzo quarto quinto sesto settimo ottavo nono decimo"
ORDINALS = ("", *_ORDINALS.split())
_FEMININE = frozenset({"sterlina"})


def below_hundred(number: int) -> str:
    """Return 0 to 99 in one word: ventuno, ventotto, ventitré."""
    if number < 20:
        return UNITS[number]
    ten, unit = divmod(number, 10)
    head = TENS[ten][:-1] if unit in (1, 8) else TENS[ten]
    return head + ("tré" if unit == 3 else UNITS[unit] if unit else "")


class Italian(WordReader):
    """Reads values aloud in Italian."""

    units = UNITS
    point, minus_word, plus_word, and_word = "virgola", "meno", "più", "e"
    signs: ClassVar[Mapping[str, str]] = {
        "*": "asterisco", "#": "cancelletto", "-": "trattino", "_": "trattino basso", ".": "punto",
        "@": "chiocciola", "/": "barra", "+": "più", "&": "e",
    }  # fmt: skip
    currencies: ClassVar[Mapping[str, Named]] = {
        "EUR": ("euro", "euro", "centesimo", "centesimi"),
        "USD": ("dollaro", "dollari", "centesimo", "centesimi"),
        "CAD": ("dollaro canadese", "dollari canadesi", "centesimo", "centesimi"),
        "AUD": ("dollaro australiano", "dollari australiani", "centesimo", "centesimi"),
        "GBP": ("sterlina", "sterline", "penny", "pence"),
        "CHF": ("franco svizzero", "franchi svizzeri", "centesimo", "centesimi"),
        "JPY": ("yen", "yen", "sen", "sen"),
    }

    def cardinal(self, number: int) -> str:
        for size, one, many in SCALES:
            if number >= size:
                count, rest = divmod(number, size)
                head = f"un {one}" if count == 1 else f"{self.cardinal(count)} {many}"
                return f"{head} {self.cardinal(rest)}" if rest else head
        if number >= 1000:
            count, rest = divmod(number, 1000)
            head = "mille" if count == 1 else f"{self.cardinal(count)}mila"
            return head + (self.cardinal(rest) if rest else "")
        if number >= 100:
            count, rest = divmod(number, 100)
            head = "cento" if count == 1 else f"{UNITS[count]}cento"
            return head + (self.cardinal(rest) if rest else "")
        return below_hundred(number)

    def counted(self, number: int, noun: str) -> str:
        if number == 1:
            return "una" if noun in _FEMININE else "un"
        return self.cardinal(number)

    def ordinal(self, number: int) -> str:
        if 0 < number <= 10:
            return ORDINALS[number]
        words = self.cardinal(number)
        if words.endswith("tré"):
            return f"{words[:-1]}eesimo"
        return f"{words if words.endswith('sei') else words[:-1]}esimo"

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        name = f"{WEEKDAYS[day.weekday()]} " if weekday else "il "
        number = "primo" if day.day == 1 else self.cardinal(day.day)
        said = f"{name}{number} {MONTHS[day.month - 1]}"
        return f"{said} {self.cardinal(day.year)}" if year else said

    def time(self, at: time) -> str:
        if not at.minute and at.hour in (0, 12):
            return "mezzogiorno" if at.hour else "mezzanotte"
        hour = at.hour % 12 or 12
        part = (
            "di notte" if at.hour < 5 else "di mattina" if at.hour < 12
            else "del pomeriggio" if at.hour < 18 else "di sera"
        )  # fmt: skip
        said = "l'una" if hour == 1 else f"le {UNITS[hour]}"
        return f"{said}{f' e {self.cardinal(at.minute)}' if at.minute else ''} {part}"
