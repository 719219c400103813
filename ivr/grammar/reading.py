"""Reads values aloud, as words: the filters of a plan's texts, such as ``{{ amount | money("EUR") }}``.

Each takes a value and a language tag and returns words; the length of the result is bounded by that of the
value. Where a language has no reader the digits are left to its voice.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from ivr.grammar.languages.reader import country_code
from ivr.grammar.languages.registry import reader

MAX_SPELLED = 100
"""Longest text that is spelled, in characters."""
MAX_DIGITS = 18
"""Digits before the decimal point, and after it."""


class CannotRead(ValueError):
    """The value cannot be read in this way; the text says what was expected."""


def number(value: Any, language: str) -> str:
    """Return a number in words: ``-3.5`` is "minus three point five". Raises CannotRead."""
    voice, amount = reader(language), _decimal(value)
    whole, _, fraction = format(abs(amount), "f").partition(".")
    fraction = fraction.rstrip("0")
    if max(len(whole), len(fraction)) > MAX_DIGITS:
        raise CannotRead(f"a number of more than {MAX_DIGITS} digits cannot be read")
    words = voice.cardinal(int(whole))
    words = voice.decimal(words, fraction) if fraction else words
    return voice.minus(words) if amount < 0 else words


def ordinal(value: Any, language: str) -> str:
    """Return an ordinal in words: 3 is "third". Raises CannotRead."""
    amount = _decimal(value)
    if amount != amount.to_integral_value() or not 0 <= amount < 10**MAX_DIGITS:
        raise CannotRead(f"an ordinal is a whole number, not {str(value)[:40]!r}")
    return reader(language).ordinal(int(amount))


def spell(value: Any, language: str) -> str:
    """Character by character, with breath after every four: what is between them is left out. Raises
    CannotRead for what is too long."""
    voice = reader(language)
    characters = [character for character in str(value) if not character.isspace()]
    if len(characters) > MAX_SPELLED:
        raise CannotRead(f"a text of more than {MAX_SPELLED} characters cannot be spelled")
    said = [voice.character(character.upper()) for character in characters]
    size = 3 if len(said) % 3 == 0 else 4
    groups = [said[at : at + size] for at in range(0, len(said), size)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return ", ".join(" ".join(group) for group in groups)


def digits(value: Any, language: str) -> str:
    """Return the digits of a value one by one. Raises CannotRead where there are none."""
    found = "".join(character for character in str(value) if character in "0123456789")
    if not found:
        raise CannotRead(f"there is no digit in {str(value)[:40]!r}")
    return spell(found, language)


def phone(value: Any, language: str) -> str:
    """Return a telephone number, also of a SIP or tel address, in groups. Raises CannotRead."""
    text = re.sub(r"^(sips?|tel):", "", str(value).strip()).partition("@")[0].partition(";")[0]
    found = re.sub(r"[\s().\-/]", "", text)
    if re.fullmatch(r"\+?[0-9]{1,20}", found) is None:
        return spell(text, language)
    voice = reader(language)
    if not found.startswith("+"):
        return ", ".join(voice.phone_groups(found))
    length = country_code(found[1:])
    (code,) = voice.phone_groups(found[1 : 1 + length])
    rest = voice.phone_groups(found[1 + length :]) if len(found) > 1 + length else []
    return ", ".join([f"{voice.plus()} {code}", *rest])


def day(
    value: Any, language: str, now: Any = None, weekday: bool | None = None, year: bool | None = None
) -> str:
    """Return a date in words; it is given as a date or as YYYY-MM-DD. By default the year is said if it is
    not that of ``now``, and the weekday if the year is not said. Raises CannotRead.
    """
    found = _date(value)
    other = not isinstance(now, date) or now.year != found.year
    with_year = other if year is None else year
    with_weekday = not with_year if weekday is None else weekday
    return reader(language).date(found, weekday=bool(with_weekday), year=bool(with_year))


def clock(value: Any, language: str) -> str:
    """Return a time of day in words; it is given as a time or as HH:MM. Raises CannotRead."""
    if isinstance(value, datetime):
        found = value.time()
    elif isinstance(value, time):
        found = value
    else:
        match = re.fullmatch(r"(\d{1,2})[:h.]?(\d{2})(?::\d{2}(?:\.\d+)?)?", str(value).strip())
        if match is None or int(match[1]) > 23 or int(match[2]) > 59:
            raise CannotRead(f"expected a time such as 15:30, found {str(value)[:40]!r}")
        found = time(int(match[1]), int(match[2]))
    return reader(language).time(found)


def money(value: Any, language: str, currency: str = "EUR") -> str:
    """Return an amount of money in words, rounded to hundredths, half a hundredth up. Raises CannotRead."""
    code = str(currency).upper()
    if re.fullmatch("[A-Z]{3}", code) is None:
        raise CannotRead(f'a currency is a code of three letters such as "EUR", not {code[:40]!r}')
    amount = _decimal(value)
    if abs(amount) >= 10 ** (MAX_DIGITS - 2):
        raise CannotRead(f"an amount of more than {MAX_DIGITS - 2} digits cannot be read")
    hundredths = int((abs(amount) * 100 + Decimal("0.5")) // 1)
    voice = reader(language)
    words = voice.money(*divmod(hundredths, 100), code)
    return voice.minus(words) if amount < 0 and hundredths else words


AS: dict[str, Callable[[Any, str], str]] = {
    "cardinal": number,
    "number": number,
    "ordinal": ordinal,
    "digits": digits,
    "characters": spell,
    "spell-out": spell,
    "telephone": phone,
    "date": day,
    "time": clock,
    "currency": money,
}
"""``interpret-as`` of SSML's ``say-as`` (and of the W3C note of 2005) to the function that reads it."""


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise CannotRead("expected a number, found true or false")
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) >= 10**MAX_DIGITS:
        raise CannotRead(f"expected a number of at most {MAX_DIGITS} digits, found {str(value)[:40]!r}")
    return round(found, MAX_DIGITS) if found.as_tuple().exponent < -MAX_DIGITS else found  # type: ignore[operator]


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()[:10])
    except ValueError:
        raise CannotRead(f"expected a date such as 2027-05-03, found {str(value)[:40]!r}") from None
