"""date: "the third of May", "next Tuesday", "in two weeks", "4/5/2027"; by keys DDMMYYYY, or MMDDYYYY.

"Tuesday" is the next one; "this Tuesday" may be today; "next Tuesday" is that of next week in English, and
the next one in French. A day without a year is the next such day, or the last one where the past is asked for
(a date of birth).
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from ivr.grammar import reading
from ivr.grammar.inputs.base import InputSpec, TypedValue
from ivr.grammar.inputs.ordinal_weekday import is_ordinal_weekday, named_day, names_day, ordinal_weekday
from ivr.grammar.inputs.spoken_forms import corrected, date_and_time
from ivr.grammar.inputs.spoken_input import SpokenInput
from ivr.grammar.inputs.time import TimeInput
from ivr.grammar.inputs.tokens import each_number, tokens, without
from ivr.grammar.languages import registry
from ivr.grammar.languages.vocabulary import Vocabulary

_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_FIGURES = re.compile(r"\b(\d{1,2})\s*[/.-]\s*(\d{1,2})(?:\s*[/.-]\s*(\d{4}|\d{2}))?\b(?![/.-]\d)")
_LENGTHS = (4, 6, 8)
"""Keys of a date: without a year, with two digits of it, with four."""
_MAX_AHEAD = 10_000
"""Days, weeks or months that may be counted from today."""


class DateInput(SpokenInput):
    """Parses a date. The value is a ``date``."""

    kind = "date"

    def parse(self, text: str) -> TypedValue | None:
        # What was said last counts, and a time is another question: numbers of both would be mixed up.
        change = corrected(text, self.language)
        if change is not None:
            return self.parse(change[1]) or self.parse(f"{change[1]} {_month_of(change[0], self.language)}")
        clock = _clock(self.language)
        for day, at in date_and_time(text, self.language):
            for part, other in ((day, at), (at, day)):
                found = super().parse(part)
                if found is not None and clock.parse_words(other) is not None:
                    return found
        return super().parse(text)

    def parse_words(self, text: str) -> TypedValue | None:
        found = tokens(text)
        if is_ordinal_weekday(found, self.spec):
            return self._typed(ordinal_weekday(found, self.spec))
        if names_day(found, self.spec):
            return self._typed(named_day(found, self.spec))
        return self._typed(
            _figures(text, self.spec) or _said(text, self.spec, registry.vocabulary(self.language))
        )

    def parse_keys(self, keys: str) -> TypedValue | None:
        if not keys.isdecimal() or len(keys) not in _LENGTHS:
            return None
        if self.spec.order == "ymd":
            year, month, day = keys[:-4], int(keys[-4:-2]), int(keys[-2:])
        else:
            first, second, year = int(keys[:2]), int(keys[2:4]), keys[4:]
            day, month = (first, second) if self.spec.order == "dmy" else (second, first)
        return self._typed(_dated(day, month, year, self.spec))

    def accepts_more_keys(self, keys: str) -> bool:
        return (keys.isdecimal() or not keys) and len(keys) < _LENGTHS[-1]

    def _typed(self, found: date | None) -> TypedValue | None:
        return (
            TypedValue(found, reading.day(found, self.language, self.spec.day)) if found is not None else None
        )


def _clock(language: str) -> TimeInput:
    """Return the parser of a time of day beside a date."""
    return TimeInput(InputSpec(kind="time", language=language))


def _month_of(text: str, language: str) -> str:
    """Return the name of the month in ``text``, or ""."""
    months = registry.vocabulary(language).months
    return next((token for token in tokens(text) if token in months), "")


def _figures(text: str, spec: InputSpec) -> date | None:
    iso = _ISO.search(text)
    if iso is not None:
        return _dated(int(iso[3]), int(iso[2]), iso[1], spec)
    found = _FIGURES.search(text)
    if found is None:
        return None
    first, second = int(found[1]), int(found[2])
    day, month = (second, first) if spec.order == "mdy" else (first, second)
    if month > 12 >= day:
        day, month = month, day  # there is no other way to read it
    return _dated(day, month, found[3] or "", spec)


def _dated(day: int, month: int, year: str | int, spec: InputSpec) -> date | None:
    """Return the date, or None. ``year`` may have two digits, or be empty."""
    today = spec.day
    if year == "":
        years: Iterator[int] = iter(
            range(today.year, today.year - 9, -1) if spec.past else range(today.year, today.year + 9)
        )
    elif isinstance(year, str) and len(year) == 2:
        # The nearest such year; where the past is asked for, the last one.
        century = today.year // 100 * 100
        full = century + int(year)
        full -= 100 if full > today.year + (0 if spec.past else 50) else 0
        years = iter((full,))
    else:
        years = iter((int(year),))
    for each in years:
        try:
            found = date(each, month, day)
        except ValueError:
            continue
        if year != "" or (found <= today if spec.past else found >= today):
            return found
    return None


def _said(text: str, spec: InputSpec, words: Vocabulary) -> date | None:
    found = tokens(text)
    if not found:
        return None
    relative = _relative(found, spec, words)
    if relative is not None:
        return relative
    return _of_month(found, spec, words) or _weekday(found, spec, words)


def _relative(found: Sequence[str], spec: InputSpec, words: Vocabulary) -> date | None:
    today = spec.day
    joined = " ".join(found)
    phrase = next((phrase for phrase in words.day_phrases if phrase in joined), None)
    if phrase is not None:
        return today + timedelta(words.day_phrases[phrase])
    named = [words.days[token] for token in found if token in words.days]
    if len(named) == 1 and not any(token in words.units for token in found):
        return today + timedelta(named[0])
    unit = next((token for token in found if token in words.units), None)
    if unit is None or named or any(token in words.weekdays for token in found):
        return None
    ago = any(phrase <= set(found) for phrase in words.ago)
    ahead = any(token in words.ahead for token in found)
    counted = each_number(without(found, words.number_noise), words)
    numbers = [each for each in counted if isinstance(each, int)]
    if ahead == ago or len(numbers) > 1:
        return None
    count = (numbers or [1])[0] * (-1 if ago else 1)
    if abs(count) > _MAX_AHEAD:
        return None
    if words.units[unit] < 0:
        return _months(today, count)
    try:
        return today + timedelta(count * words.units[unit])
    except OverflowError:
        return None


def _months(today: date, count: int) -> date | None:
    """Return the same day ``count`` months later, or the last day of that month."""
    year, month = divmod(today.year * 12 + today.month - 1 + count, 12)
    for day in range(today.day, 27, -1) if today.day > 28 else (today.day,):
        try:
            return date(year, month + 1, day)
        except ValueError:
            continue
    return None


def _weekday(found: Sequence[str], spec: InputSpec, words: Vocabulary) -> date | None:
    today = spec.day
    named = {words.weekdays[token] for token in found if token in words.weekdays}
    joined = f" {' '.join(found)} "
    later = next((phrase for phrase in words.week_later if f" {phrase} " in joined), "")
    rest = without(found, words.number_noise | set(later.split()))
    if len(named) != 1 or any(isinstance(each, int) for each in each_number(rest, words)):
        return None
    (weekday,) = named
    ahead = (weekday - today.weekday()) % 7
    back = (today.weekday() - weekday) % 7 or 7
    if any(token in words.last for token in found):
        return today - timedelta(back)
    if not later and any(token in words.next_week for token in found):
        return today + timedelta(7 - today.weekday() + weekday)
    if any(token in words.this for token in found):
        return today + timedelta(ahead)
    if spec.past and not later:
        return today - timedelta(back)
    return today + timedelta((ahead or 7) + (7 if later else 0))


def _of_month(found: Sequence[str], spec: InputSpec, words: Vocabulary) -> date | None:
    """Return the date of a day and its month, with the year after them, or of a day alone."""
    months = [
        at for at, token in enumerate(found) if token in words.months and not _no_month(found, at, words)
    ]
    numbers = list(each_number(without(found, words.number_noise), words))
    if not months:
        days = [each for each in numbers if isinstance(each, int)]
        alone = len(days) == 1 and 1 <= days[0] <= 31 and _a_day(found, words)
        return _next_day(days[0], spec) if alone else None
    month = words.months[found[months[0]]]
    place = next(at for at, each in enumerate(numbers) if isinstance(each, str) and each in words.months)
    before = [each for each in numbers[:place] if isinstance(each, int)]
    after = [each for each in numbers[place + 1 :] if isinstance(each, int)]
    days, rest = (before[-1:], after) if before else (after[:1], after[1:])
    if not days or not 1 <= days[0] <= 31:
        return None
    year = _year(rest)
    return _dated(days[0], month, year, spec) if year is not None else None


def _no_month(found: Sequence[str], at: int, words: Vocabulary) -> bool:
    """Return whether the word at ``at`` is no month here: "may I"."""
    return at + 1 < len(found) and words.not_months.get(found[at]) == found[at + 1]


def _a_day(found: Sequence[str], words: Vocabulary) -> bool:
    """Return whether the words name a day: "the third", "on the 3rd", "le trois"; not just any number."""
    known = (
        words.noise
        | set(words.small)
        | set(words.tens)
        | set(words.ordinals)
        | words.joints
        | set(words.weekdays)
    )
    article = any(token in words.definite or token in words.ordinals for token in found)
    return article and all(token in known or token.isdecimal() for token in found)


def _next_day(day: int, spec: InputSpec) -> date | None:
    today = spec.day
    for months in range(0, -12, -1) if spec.past else range(12):
        first = _months(today.replace(day=1), months)
        try:
            found = first.replace(day=day) if first is not None else None
        except ValueError:
            continue
        if found is not None and (found <= today if spec.past else found >= today):
            return found
    return None


def _year(rest: Sequence[int]) -> str | int | None:
    """Return the year of "2027", "twenty twenty-seven", "nineteen oh five", "85"; "" where nothing was said,
    and None where the numbers are no year.
    """
    match rest:
        case []:
            return ""
        case [year] if year >= 1000:
            return year if year <= 9999 else None
        case [year] if year < 100:
            return f"{year:02}"
        case [century, year] if 10 <= century <= 99 and year < 100:
            return century * 100 + year
    return None
