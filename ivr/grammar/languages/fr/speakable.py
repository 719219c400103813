"""French: what is written in one way and said in another. A rule before another comes first."""

import re
from datetime import date, time

from ivr.grammar.languages.fr.reading import UNITS, French
from ivr.grammar.languages.speakable_rules import rule, word_rules

_VOICES = {"BE": French(seventy=True), "CH": French(seventy=True, eighty=True)}
_VOICE = French()
_CURRENCY = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_BLANK = "[ \u00a0\u202f]"
_AMOUNT = rf"\d{{1,3}}(?:{_BLANK}\d{{3}})+(?:,\d+)?(?!\d)|\d{{1,15}}(?:,\d+)?(?!\d)"
_BIG = "milliers?|millions?|milliards?"
_SIGNS = {".": "point", "/": "barre", "-": "tiret", "_": "tiret bas", "@": "arobase", ":": "deux points",
          "+": "plus", "?": "point d'interrogation", "=": "égal", "&": "et", "#": "dièse"}  # fmt: skip
_UNITS = {
    "km": "kilomètre", "m": "mètre", "cm": "centimètre", "mm": "millimètre", "kg": "kilogramme",
    "g": "gramme",
    "mg": "milligramme", "l": "litre", "L": "litre", "ml": "millilitre", "kWh": "kilowattheure",
    "kW": "kilowatt", "W": "watt", "V": "volt", "Go": "gigaoctet", "Mo": "mégaoctet", "To": "téraoctet",
    "min": "minute", "mn": "minute", "s": "seconde", "j": "jour", "ha": "hectare",
}  # fmt: skip
_FIXED = {"%": "pour cent", "km/h": "kilomètres à l'heure", "°C": "degrés Celsius", "°": "degrés",
          "m²": "mètres carrés", "m2": "mètres carrés"}  # fmt: skip
_FEMININE = {"minute", "seconde"}
_UNIT = "|".join(re.escape(name) for name in sorted({**_UNITS, **_FIXED}, key=len, reverse=True))
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_MONTH = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"


def _voice(tag: str) -> French:
    return _VOICES.get(tag.partition("-")[2], _VOICE)


def _number(text: str, tag: str) -> str:
    whole, _, fraction = re.sub(_BLANK, "", text).partition(",")
    words = _voice(tag).cardinal(int(whole))
    return _voice(tag).decimal(words, fraction) if fraction else words


def _digits(text: str) -> str:
    return " ".join(UNITS[int(digit)] for digit in text if digit in "0123456789")


def _money(found: re.Match[str], tag: str) -> str:
    code, big = _CURRENCY[found["sign"]], found["big"]
    amount, minus = re.sub(_BLANK, "", found["amount"]), "moins " if found["minus"] else ""
    name = _voice(tag).money(2, 0, code).split(" ", 1)[1]
    whole, _, part = amount.partition(",")
    if big:
        joint = "d'" if name[0] in "aeiouy" else "de "
        return f"{minus}{_number(amount, tag)} {big} {joint}{name}"
    if len(part) > 2:
        return f"{minus}{_number(amount, tag)} {name}"
    return minus + _voice(tag).money(int(whole), int(part.ljust(2, "0")) if part else 0, code)


def _hour(hour: str, minute: str, tag: str) -> str | None:
    at, past = int(hour), int(minute or 0)
    return _voice(tag).time(time(at, past)) if at < 24 and past < 60 else None


def _time(found: re.Match[str], tag: str) -> str | None:
    return _hour(found["hour"], found["minute"] or "", tag)


def _times(found: re.Match[str], tag: str) -> str | None:
    first = _hour(found["hour"], found["minute"] or "", tag)
    last = _hour(found["hour2"], found["minute2"] or "", tag)
    return f"{first} à {last}" if first and last else None


def _date(found: re.Match[str], tag: str) -> str | None:
    try:
        year = int(found["year"])
        day = date(year + (2000 if year < 100 else 0), int(found["month"]), int(found["day"]))
    except ValueError:
        return None
    said = _voice(tag).date(day, weekday=False, year=True)
    return said.removeprefix("le ") if re.search(r"\b[Ll]e\s+$", found.string[: found.start()][-8:]) else said


def _month_day(found: re.Match[str], tag: str) -> str | None:
    day = int(found["day"])
    if not 1 <= day <= 31:
        return None
    number = "premier" if day == 1 else _voice(tag).cardinal(day)
    year = f" {_voice(tag).cardinal(int(found['year']))}" if found["year"] else ""
    return f"{number} {found['month']}{year}"


def _phone(found: re.Match[str], tag: str) -> str | None:
    text = found[0]
    if not 8 <= sum(map(str.isdecimal, text)) <= 15:
        return None
    groups = [group for group in re.split(r"\D+", text) if group]
    voice = _voice(tag)
    said = [
        ", ".join(voice.phone_groups(group)) if len(group) % 2 == 0 or group[0] == "0" else
        voice.cardinal(int(group))
        for group in groups
    ]  # fmt: skip
    return ("plus " if text.startswith("+") else "") + ", ".join(said)


def _roman(text: str) -> int | None:
    total = 0
    for at, letter in enumerate(text):
        value = _ROMAN[letter]
        total += -value if any(_ROMAN[later] > value for later in text[at + 1 : at + 2]) else value
    tens, unit = divmod(total, 10)
    units = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return total if tens < 6 and ("", "X", "XX", "XXX", "XL", "L")[tens] + units[unit] == text else None


def _king(found: re.Match[str], tag: str) -> str | None:
    value = _roman(found["roman"].removesuffix("er"))
    return None if not value else "premier" if value == 1 else _voice(tag).cardinal(value)


def _chapter(found: re.Match[str], tag: str) -> str | None:
    value = _roman(found["roman"])
    return _voice(tag).cardinal(value) if value else None


def _century(found: re.Match[str], tag: str) -> str | None:
    value = _roman(found["roman"])
    return _voice(tag).ordinal(value) if value else None


def _unit(found: re.Match[str], tag: str) -> str:
    words = ("moins " if found["minus"] else "") + _number(found["amount"], tag)
    unit = found["unit"]
    if unit in _FIXED:
        return f"{words} {_FIXED[unit]}"
    name, whole = _UNITS[unit], int(re.sub(_BLANK, "", found["amount"]).partition(",")[0])
    words = f"{words}e" if name in _FEMININE and words.endswith("un") else words
    return f"{words} {name}{'s' if whole >= 2 else ''}"


def _address(found: re.Match[str], tag: str) -> str:
    text = re.sub(r"^(?:https?|ftp)://", "", found[0]).removesuffix("/")
    text = re.sub(r"^www\.", "w w w point ", text)
    return " ".join(
        _SIGNS.get(piece) or (_digits(piece) if piece.isdecimal() else piece)
        for piece in re.findall(r"\d+|[^\W\d_]+|[^\w\s]|_", text)
    )


def _initials(found: re.Match[str], tag: str) -> str:
    said = " ".join(re.findall("[A-ZÀ-Ý]", found[0]))
    return f"{said} " if found.string[found.end() : found.end() + 1].isalpha() else said


_TITLES = {"M.": "Monsieur", "MM.": "Messieurs"}
_TITLES_PLAIN = {"Mme": "Madame", "Mmes": "Mesdames", "Mlle": "Mademoiselle", "Dr": "Docteur",
                 "Dr.": "Docteur", "Pr": "Professeur", "Me": "Maître", "St": "Saint", "Ste": "Sainte",
}  # fmt: skip
_SHORT = {"av.": "avenue", "Av.": "Avenue", "bd": "boulevard", "Bd": "Boulevard", "bd.": "boulevard",
          "boul.": "boulevard", "tél.": "téléphone", "Tél.": "Téléphone", "etc.": "et cetera",
          "p. ex.": "par exemple", "c.-à-d.": "c'est-à-dire", "env.": "environ", "max.": "maximum",
          "min.": "minimum", "apt.": "appartement", "n°": "numéro", "N°": "numéro", "nº": "numéro",
          "h/24": "heures sur vingt-quatre", "SVP": "s'il vous plaît", "svp": "s'il vous plaît",
          "RDV": "rendez-vous", "rdv": "rendez-vous", "janv.": "janvier", "févr.": "février", "avr.": "avril",
          "juil.": "juillet", "oct.": "octobre", "nov.": "novembre",
          "déc.": "décembre"}  # fmt: skip
_NAME = r"(?=\s+[A-ZÀ-Ý])"
_CLOCK = r"(?P<hour>\d{1,2})\s?h(?:\s?(?P<minute>\d{2}))?"

SPEAKABLE = (
    rule(r"\b(?:(?:https?|ftp)://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]]", _address),
    rule(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b", _address),
    rule(r"(?<![\w.@])[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,62}){0,3}"
         r"\.(?:com|org|net|eu|fr|be|ch|ca|info|example)\b(?:/[\w./-]*\w)?", _address),
    rule(rf"(?<![\w.,])(?P<minus>[-−])?(?P<amount>{_AMOUNT})(?:\s(?P<big>{_BIG})(?:\sd['’e]?)?)?"
         rf"{_BLANK}?(?P<sign>[€$£¥])", _money),
    rule(rf"(?<!\w)(?P<minus>[-−])?(?P<sign>[€$£¥])\s?(?P<amount>{_AMOUNT})(?P<big>)", _money),
    rule(rf"(?<![\w:./]){_CLOCK}\s?(?:-|–|à)\s?(?P<hour2>\d{{1,2}})\s?h(?:\s?(?P<minute2>\d{{2}}))?(?!\w)",
         _times),
    rule(rf"(?<![\w:./]){_CLOCK}(?!\w)", _time),
    rule(r"(?<![\w:./])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?![\w:])", _time),
    rule(r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?![\w-])", _date),
    rule(r"(?<![\w/.])(?P<day>\d{1,2})([/.])(?P<month>\d{1,2})\2(?P<year>\d{4}|\d{2})(?![\w/])", _date),
    rule(rf"(?<!\w)(?P<day>\d{{1,2}})(?:er)?\s(?P<month>{_MONTH})(?:\s(?P<year>[12]\d{{3}}))?(?!\w)",
         _month_day),
    rule(r"(?i)(?<!\w)(?:24\s?h?/24|24h/24)(?!\w)", "vingt-quatre heures sur vingt-quatre"),
    rule(r"(?<!\w)7\s?j?/7(?!\w)", "sept jours sur sept"),
    rule(r"(?i)(?:(?:appelez|composez|appeler|composer|faites)\sle\s)(?P<number>11[25]|1[578]|3\d{3})(?!\d)",
         lambda found, tag: _voice(tag).cardinal(int(found["number"])) if len(found["number"]) < 4
         else ", ".join(_voice(tag).phone_groups(found["number"])), "number"),
    rule(r"(?<![\w.,/+-])\+?\d{1,4}(?:[ .-]\d{1,4}){3,6}(?![\w/]|[.,]\d)", _phone),
    rule(r"(?<![\w.,/])(?:\+\d{8,15}|0\d{9})(?!\w)", _phone),
    rule(r"(?<!\w)(?P<roman>[IVX]{1,6})(?:e|ème)(?!\w)", _century),
    rule(r"(?:(?:Louis|Henri|Charles|François|Napoléon|Philippe|Jean-Paul|Benoît|Pie|Élisabeth)\s)"
         r"(?P<roman>[IVXL]{1,6}(?:er)?)(?!\w)", _king, "roman"),
    rule(r"(?i:(?:chapitre|partie|tome|volume|acte|article|phase|type|niveau|guerre)\s)"
         r"(?P<roman>[IVXL]{1,6})(?!\w|['’])",
         _chapter, "roman"),
    rule(rf"(?<![\w.,/-])(\d{{1,4}})\s?[-–—]\s?(?=\d{{1,4}}{_BLANK}?(?:{_UNIT})(?!\w))",
         lambda found, tag: f"{_number(found[1], tag)} à "),
    rule(rf"(?<![\w.,])(?P<minus>(?<!\w)[-−])?(?P<amount>{_AMOUNT}){_BLANK}?(?P<unit>{_UNIT})(?!\w)", _unit),
    rule(r"(?<![\w.])(?:[A-Z]\.){2,6}|(?<!\w)(?:[A-ZÀ-Ý]\.\s?){2,5}(?=[A-ZÀ-Ý][a-zà-ÿ])", _initials),
    *word_rules(_TITLES | _TITLES_PLAIN, after=_NAME),
    rule(r"(?<=\d\s)sept\.(?!\w)", "septembre"),
    *word_rules(_SHORT),
    rule(r"(?<!\w)[A-ZÀ-Ý]\.\s?(?=[A-ZÀ-Ý][a-zà-ÿ])", _initials),
    rule(r"(?<![\w./])1/2(?![\w/])|½", "un demi"),
    rule(r"(?<![\w./])1/4(?![\w/])|¼", "un quart"),
    rule(r"(?<![\w./])3/4(?![\w/])|¾", "trois quarts"),
    rule(r"(?<![\w.])1(?:er|re|ère)(?!\w)",
         lambda found, tag: "premier" if found[0].endswith("er") else "première"),
    rule(r"(?<![\w.])(\d{1,6})(?:e|ème|è)(?!\w)", lambda found, tag: _voice(tag).ordinal(int(found[1]))),
    rule(r"(?<![\w.,/-])(\d{1,4})\s?[-–—]\s?(\d{1,4})(?![\w/-]|[.,]\d)",
         lambda found, tag: f"{_number(found[1], tag)} à {_number(found[2], tag)}"),
    rule(rf"(?<![\w.,])\d{{1,3}}(?:{_BLANK}\d{{3}})+(?:,\d{{1,15}})?(?!\w)",
         lambda found, tag: _number(found[0], tag)),
    rule(r"(?<![\w.,])\d{1,15},\d{1,15}(?!\w|,\d)", lambda found, tag: _number(found[0], tag)),
    rule(r"(?<=\s)[-−](?=\d)|^[-−](?=\d)", "moins "),
    rule(r"(?<=\w)\s?&\s?(?=\w)", " et "),
)  # fmt: skip
