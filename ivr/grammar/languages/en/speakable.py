"""English: what is written in one way and said in another. A rule before another comes first."""

import re
from datetime import date

from ivr.grammar.languages.en.reading import MONTHS, UNITS, English
from ivr.grammar.languages.speakable_rules import rule, word_rules

_VOICES = {False: English(), True: English(american=True)}
_VOICE = _VOICES[False]
_CURRENCY = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CODES = "USD|EUR|GBP|CHF|CAD|AUD|JPY"
_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,])|\d{1,15}(?:\.\d+)?(?!\d)"
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in MONTHS) + "|Sept"
_SIGNS = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon", "+": "plus",
          "?": "question mark", "=": "equals", "&": "and", "#": "hash", "%": "percent", "~": "tilde",
}  # fmt: skip
_UNITS = {
    "km": ("kilometre", "kilometres"), "m": ("metre", "metres"), "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"), "kg": ("kilogram", "kilograms"), "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"), "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"), "ft": ("foot", "feet"), "mi": ("mile", "miles"), "L": ("litre", "litres"),
    "l": ("litre", "litres"), "ml": ("millilitre", "millilitres"), "kWh": ("kilowatt hour", "kilowatt hours"),
    "kW": ("kilowatt", "kilowatts"), "W": ("watt", "watts"), "V": ("volt", "volts"),
    "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"), "TB": ("terabyte", "terabytes"),
    "Mbps": ("megabit per second", "megabits per second"), "mph": ("mile per hour", "miles per hour"),
    "km/h": ("kilometre per hour", "kilometres per hour"), "hr": ("hour", "hours"), "hrs": ("hour", "hours"),
    "min": ("minute", "minutes"), "mins": ("minute", "minutes"), "sec": ("second", "seconds"),
    "secs": ("second", "seconds"), "ms": ("millisecond", "milliseconds"), "%": ("percent", "percent"),
    "°C": ("degree Celsius", "degrees Celsius"), "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"), "sq ft": ("square foot", "square feet"),
    "m²": ("square metre", "square metres"), "m2": ("square metre", "square metres"),
}  # fmt: skip
_UNIT = "|".join(re.escape(name) for name in sorted(_UNITS, key=len, reverse=True))
_FRACTIONS = {"1/2": "a half", "1/3": "a third", "2/3": "two thirds", "1/4": "a quarter",
              "3/4": "three quarters", "½": "a half", "¼": "a quarter", "¾": "three quarters"}  # fmt: skip
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_BIG = "thousand|million|billion|trillion"
_NAME = r"(?=\s+[A-Z][a-z'’])"


def _number(text: str) -> str:
    whole, _, fraction = text.replace(",", "").partition(".")
    words = _VOICE.cardinal(int(whole))
    return _VOICE.decimal(words, fraction) if fraction else words


def _digits(text: str) -> str:
    return " ".join(UNITS[int(digit)] for digit in text if digit in "0123456789")


def _money(found: re.Match[str], tag: str) -> str:
    code = _CURRENCY.get(found["sign"] or "", found["code"] or "")
    amount, big = found["amount"].replace(",", ""), found["big"]
    minus = "minus " if found["minus"] else ""
    if big:
        return f"{minus}{_number(amount)} {big.lower()} {_VOICE.money(2, 0, code).split(' ', 1)[1]}"
    whole, _, part = amount.partition(".")
    if len(part) > 2:
        return f"{minus}{_number(amount)} {_VOICE.money(2, 0, code).split(' ', 1)[1]}"
    return minus + _VOICE.money(int(whole), int(part.ljust(2, "0")) if part else 0, code)


def _hour(hour: str, minute: str, half: str) -> str | None:
    at, past = int(hour), int(minute or 0)
    if at > 24 or past > 59 or (half and not 1 <= at <= 12):
        return None
    part = f" {half[0].lower()} m" if half else ""
    if not past:
        if half:
            return f"{_VOICE.cardinal(at)}{part}"
        if at in (0, 12, 24):
            return "noon" if at == 12 else "midnight"
        return f"{_VOICE.cardinal(at)} o'clock" if at < 12 else f"{_VOICE.cardinal(at)} hundred hours"
    oh = "oh " if past < 10 else ""
    return f"{_VOICE.cardinal(at)} {oh}{_VOICE.cardinal(past)}{part}"


def _time(found: re.Match[str], tag: str) -> str | None:
    said = _hour(found["hour"], found["minute"] or "", found["half"] or "")
    # The last full stop of "p.m." may be that of the sentence.
    return f"{said}." if said and found[0].endswith(".") and _ends(found) else said


def _ends(found: re.Match[str]) -> bool:
    return not found.string[found.end() :].strip() or bool(
        re.match(r"\s+[A-Z]", found.string[found.end() :][:40])
    )


def _times(found: re.Match[str], tag: str) -> str | None:
    first = _hour(found["hour"], found["minute"] or "", found["half"] or "")
    last = _hour(found["hour2"], found["minute2"] or "", found["half2"] or "")
    return f"{first} to {last}" if first and last else None


def _said_date(year: int | None, month: int, day: int, tag: str) -> str | None:
    try:
        found = date(year or 2024, month, day)
    except ValueError:
        return None
    return (
        _VOICES[tag.endswith("-US")].date(found, weekday=False, year=year is not None).replace("the ", "", 1)
    )


def _iso(found: re.Match[str], tag: str) -> str | None:
    said = _said_date(int(found[1]), int(found[2]), int(found[3]), tag)
    return said if tag.endswith("-US") or said is None else f"the {said}"


def _figures(found: re.Match[str], tag: str) -> str | None:
    one, two, year = int(found[1]), int(found[2]), int(found[3])
    month, day = (one, two) if tag.endswith("-US") else (two, one)
    if month > 12 >= day:
        month, day = day, month
    said = _said_date(year + (2000 if year < 100 else 0), month, day, tag)
    return said if tag.endswith("-US") or said is None else f"the {said}"


def _month_number(name: str) -> int:
    return next(at for at, month in enumerate(MONTHS, 1) if month[:3] == name[:3])


def _month_day(found: re.Match[str], tag: str) -> str | None:
    day, month = int(found["day"]), MONTHS[_month_number(found["month"]) - 1]
    if not 1 <= day <= 31:
        return None
    year = f", {_VOICE.year(int(found['year']))}" if found["year"] else ""
    number = _VOICE.ordinal(day)
    if found.re.groupindex["day"] < found.re.groupindex["month"]:
        the = "" if re.search(r"\bthe\s+$", found.string[: found.start()][-8:]) else "the "
        return f"{the}{number} of {month}{year}"
    return f"{month} {number}{year}"


def _month_year(found: re.Match[str], tag: str) -> str:
    return f"{MONTHS[_month_number(found[1]) - 1]} {_VOICE.year(int(found[2]))}"


def _decade(found: re.Match[str], tag: str) -> str:
    words = _VOICE.year(int(found[1])) if len(found[1]) == 4 else _VOICE.cardinal(int(found[1]))
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _phone(found: re.Match[str], tag: str) -> str | None:
    text = found[0]
    if not 7 <= sum(map(str.isdecimal, text)) <= 15:
        return None
    groups = [_digits(group) for group in re.split(r"[^\d]+", text) if group]
    if len(groups) == 1 and not text.startswith("+"):
        groups = _VOICE.phone_groups(re.sub(r"\D", "", text))
    return ("plus " if text.startswith("+") else "") + ", ".join(groups)


def _roman(text: str) -> int | None:
    total = 0
    for at, letter in enumerate(text):
        value = _ROMAN[letter]
        total += -value if any(_ROMAN[later] > value for later in text[at + 1 : at + 2]) else value
    tens, unit = divmod(total, 10)
    units = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return total if ("", "X", "XX", "XXX", "XL", "L")[tens] + units[unit] == text and tens < 6 else None


def _king(found: re.Match[str], tag: str) -> str | None:
    value = _roman(found["roman"])
    return f"the {_VOICE.ordinal(value)}" if value else None


def _chapter(found: re.Match[str], tag: str) -> str | None:
    value = _roman(found["roman"])
    return _VOICE.cardinal(value) if value else None


def _unit(found: re.Match[str], tag: str) -> str:
    names = _UNITS[found["unit"]]
    minus = "minus " if found["minus"] else ""
    return f"{minus}{_number(found['amount'])} {names[found['amount'] != '1']}"


def _address(found: re.Match[str], tag: str) -> str:
    text = re.sub(r"^(?:https?|ftp)://", "", found[0]).removesuffix("/")
    text = re.sub(r"^www\.", "w w w dot ", text)
    return " ".join(
        _SIGNS.get(piece) or (_digits(piece) if piece.isdecimal() else piece)
        for piece in re.findall(r"\d+|[^\W\d_]+|[^\w\s]|_", text)
    )


def _range(found: re.Match[str], tag: str) -> str:
    return f"{_number(found[1])} to {_number(found[2])}"


def _street(found: re.Match[str], tag: str) -> str:
    said = _STREETS[found["short"]]
    return f"{said}." if _ends(found) and not found.string[found.end() :].startswith(",") else said


def _initials(found: re.Match[str], tag: str) -> str:
    said = " ".join(re.findall("[A-Z]", found[0]))
    return f"{said} " if found.string[found.end() : found.end() + 1].isalpha() else said


def _plain(found: re.Match[str], tag: str) -> str:
    return _number(found[0])


_CLOCK = r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?"
_HALF = r"(?:[aApP]\.?\s?[mM]\b\.?)"
_END = r"(?=\W|$)"
_STREETS = {"St.": "Street", "Ave.": "Avenue", "Dr.": "Drive", "Rd.": "Road", "Blvd.": "Boulevard",
            "Ln.": "Lane", "Sq.": "Square", "Ct.": "Court", "Hwy.": "Highway", "Pkwy.": "Parkway",
}  # fmt: skip
_STREET = "|".join(map(re.escape, _STREETS))
_TITLES = {"Dr.": "Doctor", "St.": "Saint", "Rev.": "Reverend", "Capt.": "Captain",
           "Gen.": "General", "Sgt.": "Sergeant", "Dr": "Doctor", "St": "Saint",
           "Sen.": "Senator", "Lt.": "Lieutenant", "Mt.": "Mount", "Ft.": "Fort"}  # fmt: skip
_ALWAYS = {"Mr.": "Mister", "Mr": "Mister", "Mrs.": "Missus", "Mrs": "Missus", "Ms.": "Miz", "Ms": "Miz",
           "Prof.": "Professor"}  # fmt: skip
_SHORT = {"Inc.": "Incorporated", "Ltd.": "Limited", "Corp.": "Corporation", "Co.": "Company",
          "Jr.": "Junior", "Sr.": "Senior", "Dept.": "Department", "dept.": "department", "ext.": "extension",
          "Ext.": "extension", "approx.": "approximately", "appt.": "appointment", "Apt.": "Apartment",
          "apt.": "apartment", "vs.": "versus", "vs": "versus", "etc.": "et cetera", "e.g.": "for example",
          "i.e.": "that is", "Bldg.": "Building", "Fl.": "Floor", "incl.": "including", "max.": "maximum",
          "min.": "minimum", "tel.": "telephone", "Tel.": "Telephone", "a.k.a.": "also known as",
          "w/o": "without", "w/": "with", "ASAP": "as soon as possible"}  # fmt: skip
_DAYS = {"Mon.": "Monday", "Tue.": "Tuesday", "Tues.": "Tuesday", "Wed.": "Wednesday", "Thu.": "Thursday",
         "Thurs.": "Thursday", "Fri.": "Friday", "Sat.": "Saturday", "Sun.": "Sunday"}  # fmt: skip
_MONTHS = {f"{month[:3]}.": month for month in MONTHS if len(month) > 3} | {"Sept.": "September"}

SPEAKABLE = (
    rule(r"\b(?:(?:https?|ftp)://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]]", _address),
    rule(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b", _address),
    rule(r"(?<![\w.@])[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,62}){0,3}"
         r"\.(?:com|org|net|gov|edu|co\.uk|ie|io|info|eu|uk|fr|de|example)\b(?:/[\w./-]*\w)?", _address),
    rule(rf"(?P<minus>(?<!\w)[-−])?(?P<sign>[$€£¥])\s?(?P<amount>{_AMOUNT})(?:\s(?P<big>{_BIG})\b)?(?P<code>)?",
         _money),
    rule(rf"(?<![\w.,])(?P<minus>[-−])?(?P<amount>{_AMOUNT})(?:\s(?P<big>{_BIG}))?\s?"
         rf"(?:(?P<sign>[€£])|(?P<code>{_CODES})\b)", _money),
    rule(rf"(?<![\w:./]){_CLOCK}\s?(?P<half>{_HALF})?\s?(?:-|–|—|to)\s?"
         rf"(?P<hour2>\d{{1,2}})(?:[:.](?P<minute2>\d{{2}}))?\s?(?P<half2>{_HALF})", _times),
    rule(r"(?<![\w:./])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<half>)\s?[-–—]\s?"
         r"(?P<hour2>\d{1,2}):(?P<minute2>\d{2})(?P<half2>)(?![\w:])", _times),
    rule(rf"(?<![\w:./]){_CLOCK}\s?(?P<half>{_HALF})", _time),
    rule(r"(?<![\w:./])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?P<half>)(?![\w:]|\.\d)", _time),
    rule(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])", _iso),
    rule(r"(?<![\w/])(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\w/])", _figures),
    rule(rf"(?<!\w)(?P<month>{_MONTH})\.?\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<year>[12]\d{{3}}))?"
         r"(?![\w:]|[.,]\d)", _month_day),
    rule(rf"(?<!\w)(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<month>{_MONTH})\b\.?"
         r"(?:,?\s(?P<year>[12]\d{3}))?(?!\w)", _month_day),
    rule(rf"(?<!\w)({_MONTH})\.?\s([12]\d{{3}})(?!\w)", _month_year),
    rule(r"(?<!\w)24/7(?!\w)", "twenty-four seven"),
    rule(r"(?i)(?<=\b(?:call|dial|ring)\s)(?:911|999|112|988|311|411|101|111|000)(?![\w.,]\d|\d)",
         lambda found, tag: _digits(found[0])),
    rule(r"(?<!\w)(?:911|999|112)(?=\s(?:emergency|in an emergency|for emergenc))",
         lambda found, tag: _digits(found[0])),
    rule(r"(?<![\w.,/+-])\+?\(?\d{1,4}\)?(?:[ .-]\(?\d{1,5}\)?){1,5}(?![\w/]|[.,]\d)", _phone),
    rule(r"(?<![\w.,/])\+\d{7,15}(?!\w)", _phone),
    rule(r"(?<![\w.,/])0\d{7,11}(?![\w.,]\d|\w)", _phone),
    rule(r"(?<!\w)['’]?(\d{2}|1[1-9]\d0|20\d0)['’]?s(?!\w)", _decade),
    rule(r"(?i)\b(?:in|since|until|by|from|before|after|year|of|during|copyright|©)\s(?P<year>1[1-9]\d\d|20\d\d)"
         r"(?![\w%]|[.,:/-]\d|\s(?:people|euros|dollars|pounds|customers|calls|points|miles|items))",
         lambda found, tag: _VOICE.year(int(found["year"])), "year"),
    rule(r"(?:(?:King|Queen|Pope|Henry|Louis|Charles|George|Edward|Elizabeth|James|William|Philip|Richard"
         r"|Napoleon|John Paul|Benedict|Pius)\s)"
         r"(?P<roman>(?!I\s[a-z])[IVX]{1,7})(?!\w|['’])", _king, "roman"),
    rule(r"(?:(?:Chapter|Part|Phase|Section|Volume|Act|Article|War|Type|Class|Level|Stage|Title|Bowl|Tier)\s)"
         r"(?P<roman>(?!I\s[a-z])[IVX]{1,7})(?!\w|['’])", _chapter, "roman"),
    rule(rf"\d\s(?:[NSEW]\.?\s)?(?:[A-Z][\w'’]+\s){{1,3}}(?P<short>{_STREET})", _street, "short"),
    *word_rules(_STREETS, before=r"(?<=[a-z]\s)", after=r"(?=$|[,;:!?)]|\s(?![A-Z]))"),
    *word_rules(_TITLES, after=_NAME),
    rule(rf"(?<![\w.,/-])(\d{{1,4}})\s?[-–—]\s?(?=\d{{1,4}}\s?(?:{_UNIT}){_END})",
         lambda found, tag: f"{_number(found[1])} to "),
    rule(rf"(?<![\w.,])(?P<minus>(?<!\w)[-−])?(?P<amount>{_AMOUNT})\s?(?P<unit>{_UNIT}){_END}", _unit),
    *word_rules(_SHORT | _ALWAYS),
    *word_rules(_DAYS, after=r"(?=\s(?:[\dA-Z]|to\b|and\b|through\b|at\b)|[-–,]|$)"),
    *word_rules(_MONTHS, after=r"(?=[\s,]|$)"),
    rule(r"(?<!\w)[Nn]os?\.\s?(?=\d)", "number "),
    rule(r"(?<!\w)#\s?(?=\d)", "number "),
    rule(r"(?<![\w.])(?:[A-Z]\.\s?){1,5}(?=[A-Z][a-z])", _initials),
    rule(r"(?<![\w.])(?:[A-Z]\.){2,6}", _initials),
    rule(r"(?<![\w./])(?:(?P<whole>\d{1,3})\s)?(?P<part>[1-3]/[2-4])(?![\w/])",
         lambda found, tag: _fraction(found)),
    rule(r"(?P<whole>\d{1,3})?(?P<part>[½¼¾])", lambda found, tag: _fraction(found)),
    rule(r"(?<![\w.])(\d{1,6})(?:st|nd|rd|th)(?!\w)", lambda found, tag: _VOICE.ordinal(int(found[1]))),
    rule(r"(?<![\w.,/-])(\d{1,4})\s?[-–—]\s?(\d{1,4})(?![\w/-]|[.,]\d)", _range),
    rule(r"(?<![\w.,])\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,15})?(?![\w,])", _plain),
    rule(r"(?<![\w.,])\d{1,15}\.\d{1,15}(?![\w]|\.\d)", _plain),
    rule(r"(?<=\s)[-−](?=\d)|^[-−](?=\d)", "minus "),
    rule(r"(?<=\w)\s?&\s?(?=\w)", " and "),
    rule(r"(?<=\s)\+(?=\s)", "plus"),
    rule(r"(?<=\s)=(?=\s)", "equals"),
)  # fmt: skip


def _fraction(found: re.Match[str]) -> str | None:
    part = _FRACTIONS.get(found["part"])
    if part is None:
        return None
    return f"{_number(found['whole'])} and {part}" if found["whole"] else part
