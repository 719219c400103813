"""Reads values aloud in French; by default with the numbers of France and Québec."""

from datetime import date, time

_UNITS = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf"
)
UNITS = tuple(_UNITS.split())
_TENS = "zéro dix vingt trente quarante cinquante soixante"
TENS = tuple(_TENS.split())
SCALES = ((10**15, "billiard"), (10**12, "billion"), (10**9, "milliard"), (10**6, "million"))
_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
MONTHS = tuple(_MONTHS.split())
_WEEKDAYS = "lundi mardi mercredi jeudi vendredi samedi dimanche"
WEEKDAYS = tuple(_WEEKDAYS.split())
CURRENCIES = {
    "EUR": ("euro", "euros", "centime", "centimes"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "CAD": ("dollar canadien", "dollars canadiens", "cent", "cents"),
    "AUD": ("dollar australien", "dollars australiens", "cent", "cents"),
    "GBP": ("livre", "livres", "penny", "pence"),
    "CHF": ("franc suisse", "francs suisses", "centime", "centimes"),
    "JPY": ("yen", "yens", "sen", "sen"),
}
_FEMININE = {"GBP"}
_SIGNS = {
    "*": "étoile", "#": "dièse", "-": "tiret", "_": "tiret bas", ".": "point", "@": "arobase", "/": "barre",
    "+": "plus", "&": "et",
}  # fmt: skip


class French:
    """``seventy`` counts septante and nonante (Belgium, Switzerland), ``eighty`` huitante (Switzerland)."""

    def __init__(self, *, seventy: bool = False, eighty: bool = False) -> None:
        self._own = {7: "septante", 9: "nonante"} if seventy else {}
        if eighty:
            self._own[8] = "huitante"

    def cardinal(self, number: int) -> str:
        for size, name in SCALES:
            if number >= size:
                count, rest = divmod(number, size)
                more = f" {self.cardinal(rest)}" if rest else ""
                return f"{self.cardinal(count)} {name}{'s' if count > 1 else ''}{more}"
        if number >= 1000:
            count, rest = divmod(number, 1000)
            # "quatre-vingts" and "cents" lose their s before mille.
            head = "" if count == 1 else f"{_no_s(self.cardinal(count))} "
            return f"{head}mille" + (f" {self.cardinal(rest)}" if rest else "")
        if number >= 100:
            count, rest = divmod(number, 100)
            head = "" if count == 1 else f"{UNITS[count]} "
            plural = "s" if count > 1 and not rest else ""
            return f"{head}cent{plural}" + (f" {self.cardinal(rest)}" if rest else "")
        return self._below_hundred(number)

    def _below_hundred(self, number: int) -> str:
        ten, unit = divmod(number, 10)
        if number < 20:
            return UNITS[number]
        if ten in self._own or ten < 7:
            name = self._own.get(ten) or TENS[ten]
            return name if not unit else f"{name} et un" if unit == 1 else f"{name}-{UNITS[unit]}"
        if ten == 7:
            return "soixante et onze" if unit == 1 else f"soixante-{UNITS[10 + unit]}"
        rest = number - 80
        return f"quatre-vingt-{UNITS[rest]}" if rest else "quatre-vingts"

    def ordinal(self, number: int) -> str:
        if number == 1:
            return "premier"
        words = _no_s(self.cardinal(number))
        if words.endswith("neuf"):
            words = f"{words[:-1]}v"
        elif words.endswith("cinq"):
            words = f"{words}u"
        return f"{words.removesuffix('e')}ième"

    def decimal(self, whole: str, fraction: str) -> str:
        zeros = len(fraction) - len(fraction.lstrip("0"))
        rest = [self.cardinal(int(fraction[zeros:]))] if zeros < len(fraction) <= zeros + 3 else []
        digits = ["zéro"] * zeros + rest if rest else [UNITS[int(digit)] for digit in fraction]
        return f"{whole} virgule {' '.join(digits)}"

    def minus(self, words: str) -> str:
        return f"moins {words}"

    def character(self, character: str) -> str:
        return UNITS[int(character)] if character.isdecimal() else _SIGNS.get(character, character)

    def phone_groups(self, digits: str) -> list[str]:
        odd = len(digits) % 2
        groups = ([digits[:1]] if odd else []) + [digits[at : at + 2] for at in range(odd, len(digits), 2)]
        return [self._pair(group) for group in groups]

    def _pair(self, group: str) -> str:
        return (
            self.cardinal(int(group)) if group[0] != "0" else " ".join(UNITS[int(digit)] for digit in group)
        )

    def plus(self) -> str:
        return "plus"

    def date(self, day: date, *, weekday: bool, year: bool) -> str:
        name = f"{WEEKDAYS[day.weekday()]} " if weekday else "le "
        number = "premier" if day.day == 1 else self.cardinal(day.day)
        said = f"{name}{number} {MONTHS[day.month - 1]}"
        return f"{said} {self.cardinal(day.year)}" if year else said

    def time(self, at: time) -> str:
        minutes = f" {_feminine(self.cardinal(at.minute))}" if at.minute else ""
        if at.hour in (0, 12):
            return ("midi" if at.hour else "minuit") + minutes
        return f"{_feminine(self.cardinal(at.hour))} heure{'s' if at.hour > 1 else ''}{minutes}"

    def money(self, whole: int, hundredths: int, currency: str) -> str:
        one, many, part, parts = CURRENCIES.get(currency) or (" ".join(currency),) * 2 + ("cent", "cents")
        words = self.cardinal(whole)
        if currency in _FEMININE:
            words = _feminine(words)
        # "un million d'euros": a round scale is a noun of its own.
        joint = (
            (" d'" if many[0] in "aeiouy" else " de ")
            if words.endswith(("ion", "ions", "iard", "iards"))
            else " "
        )
        named = f"{words}{joint}{one if whole < 2 else many}"
        if not hundredths:
            return named
        if whole:
            return f"{named} {self.cardinal(hundredths)}"
        return f"{self.cardinal(hundredths)} {part if hundredths == 1 else parts}"


def _no_s(words: str) -> str:
    return words[:-1] if words.endswith(("cents", "vingts")) else words


def _feminine(words: str) -> str:
    return f"{words}e" if words == "un" or words.endswith((" un", "-un")) else words
