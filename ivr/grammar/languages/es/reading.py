"""Reads values aloud in Spanish."""

from collections.abc import Mapping
from datetime import date, time
from typing import ClassVar

from ivr.grammar.languages.word_reader import Named, WordReader

_UNITS = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis"
    " diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco"
    " veintiséis veintisiete veintiocho veintinueve"
)
UNITS = tuple(_UNITS.split())
_TENS = "cero diez veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"
TENS = tuple(_TENS.split())
_HUNDREDS = (
    "cero ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos"
    " novecientos"
)
HUNDREDS = tuple(_HUNDREDS.split())
SCALES = ((10**12, "billón", "billones"), (10**6, "millón", "millones"))
_MONTHS = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
MONTHS = tuple(_MONTHS.split())
_WEEKDAYS = "lunes martes miércoles jueves viernes sábado domingo"
WEEKDAYS = tuple(_WEEKDAYS.split())
_ORDINALS = "primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo"
ORDINALS = ("", *_ORDINALS.split())
_FEMININE = frozenset({"libra", "libras", "hora", "horas"})


class Spanish(WordReader):
    """Reads values aloud in Spanish."""

    units = UNITS
    point, minus_word, plus_word, and_word = "coma", "menos", "más", "con"
    signs: ClassVar[Mapping[str, str]] = {
        "*": "asterisco", "#": "almohadilla", "-": "guion", "_": "guion bajo", ".": "punto", "@": "arroba",
        "/": "barra", "+": "más", "&": "y",
    }  # fmt: skip
    currencies: ClassVar[Mapping[str, Named]] = {
        "EUR": ("euro", "euros", "céntimo", "céntimos"),
        "USD": ("dólar", "dólares", "centavo", "centavos"),
        "CAD": ("dólar canadiense", "dólares canadienses", "centavo", "centavos"),
        "AUD": ("dólar australiano", "dólares australianos", "centavo", "centavos"),
        "GBP": ("libra", "libras", "penique", "peniques"),
        "CHF": ("franco suizo", "francos suizos", "céntimo", "céntimos"),
        "JPY": ("yen", "yenes", "sen", "sen"),
    }

    def cardinal(self, number: int) -> str:
        for size, one, many in SCALES:
            if number >= size:
                count, rest = divmod(number, size)
                head = f"un {one}" if count == 1 else f"{_short(self.cardinal(count))} {many}"
                return f"{head} {self.cardinal(rest)}" if rest else head
        if number >= 1000:
            count, rest = divmod(number, 1000)
            head = "mil" if count == 1 else f"{_short(self.cardinal(count))} mil"
            return f"{head} {self.cardinal(rest)}" if rest else head
        if number >= 100:
            count, rest = divmod(number, 100)
            return "cien" if number == 100 else HUNDREDS[count] + (f" {self.cardinal(rest)}" if rest else "")
        if number < 30:
            return UNITS[number]
        ten, unit = divmod(number, 10)
        return f"{TENS[ten]} y {UNITS[unit]}" if unit else TENS[ten]

    def counted(self, number: int, noun: str) -> str:
        words = self.cardinal(number)
        if noun not in _FEMININE:
            return _short(words)
        words = words.replace("cientos", "cientas").replace("quinientos", "quinientas")
        return f"{words[:-1]}a" if words.endswith("uno") else words

    def takes_de(self, whole: int) -> bool:
        return whole >= 10**6 and whole % 10**6 == 0

    def ordinal(self, number: int) -> str:
        return ORDINALS[number] if 0 < number <= 10 else f"número {self.cardinal(number)}"

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        name = f"{WEEKDAYS[day.weekday()]} " if weekday else "el "
        number = "uno" if day.day == 1 else self.cardinal(day.day)
        said = f"{name}{number} de {MONTHS[day.month - 1]}"
        return f"{said} de {self.cardinal(day.year)}" if year else said

    def time(self, at: time) -> str:
        if not at.minute and at.hour in (0, 12):
            return "las doce del mediodía" if at.hour else "las doce de la noche"
        hour = at.hour % 12 or 12
        part = (
            "de la madrugada" if at.hour < 6 else "de la mañana" if at.hour < 12
            else "de la tarde" if at.hour < 20 else "de la noche"
        )  # fmt: skip
        said = "la una" if hour == 1 else f"las {UNITS[hour]}"
        return f"{said}{f' y {self.cardinal(at.minute)}' if at.minute else ''} {part}"


def _short(words: str) -> str:
    """Return a number as it is said before a masculine noun: "veintiún euros", "un euro"."""
    if words.endswith("veintiuno"):
        return f"{words[:-3]}ún"
    return words[:-1] if words.endswith("uno") else words
