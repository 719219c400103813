"""Dates by the place of a weekday in a month ("the first Monday in January"), and days with a name."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from ivr.grammar.inputs.base import InputSpec
from ivr.grammar.inputs.tokens import each_number
from ivr.grammar.languages import registry
from ivr.grammar.languages.answer_rules import AnswerRules
from ivr.grammar.languages.vocabulary import Vocabulary

_LAST = -1
_YEARS = 9
"""Years in which such a day is looked for."""


def ordinal_weekday(found: Sequence[str], spec: InputSpec) -> date | None:
    """Return the date that tokens name in this way, or None: the next one, or the last one where the past is
    asked for.
    """
    words, rules = registry.vocabulary(spec.language), registry.answer_rules(spec.language)
    for at in range(len(found) - 1):
        place, weekday = _place(found[at], words), words.weekdays.get(found[at + 1])
        if place is not None and weekday is not None:
            rest = [token for token in found[at + 2 :] if token not in rules.weekday_joints]
            for year, month in _months(rest, spec, words, rules):
                day = _nth(year, month, weekday, place)
                if day is not None and (day <= spec.day if spec.past else day >= spec.day):
                    return day
            return None
    return None


def names_day(found: Sequence[str], spec: InputSpec) -> bool:
    """Return whether tokens have the name of a day, such as "Christmas Eve"."""
    return _day_name(found, spec) is not None


def _day_name(found: Sequence[str], spec: InputSpec) -> str | None:
    joined = f" {' '.join(found)} "
    names = registry.answer_rules(spec.language).named_days
    return max((each for each in names if f" {each} " in joined), key=len, default=None)


def named_day(found: Sequence[str], spec: InputSpec) -> date | None:
    """Return the next day with the name that tokens have (the last one where the past is asked for); None
    where they say more: "the Friday after Christmas".
    """
    name = _day_name(found, spec)
    if name is None:
        return None
    words = registry.vocabulary(spec.language)
    others = f" {' '.join(found)} ".replace(f" {name} ", " ", 1).split()
    if any(token not in words.noise | words.definite | words.this for token in others):
        return None
    month, day = registry.answer_rules(spec.language).named_days[name]
    step = -1 if spec.past else 1
    days = (date(spec.day.year + step * ahead, month, day) for ahead in range(2))
    return next(each for each in days if (each <= spec.day if spec.past else each >= spec.day))


def is_ordinal_weekday(found: Sequence[str], spec: InputSpec) -> bool:
    """Return whether tokens name the place of a weekday in some month, even one that does not exist."""
    words, rules = registry.vocabulary(spec.language), registry.answer_rules(spec.language)
    for at in range(len(found) - 2):
        if _place(found[at], words) is not None and found[at + 1] in words.weekdays:
            rest = [token for token in found[at + 2 :] if token not in rules.weekday_joints]
            named = rest and (rest[0] in words.months or any(words.units.get(token) == -1 for token in rest))
            if named:
                return True
    return False


def _place(token: str, words: Vocabulary) -> int | None:
    if token in words.last:
        return _LAST
    place = words.ordinals.get(token, int(token) if token.isdecimal() and len(token) == 1 else 0)
    return place if 1 <= place <= 5 else None


def _months(
    rest: Sequence[str], spec: InputSpec, words: Vocabulary, rules: AnswerRules
) -> Iterator[tuple[int, int]]:
    """Return the months that may be meant, as (year, month), in order."""
    today = spec.day
    named = next((words.months[token] for token in rest if token in words.months), None)
    if named is not None:
        years = [each for each in each_number(rest, words) if isinstance(each, int)]
        if len(years) == 1 and 1900 <= years[0] <= 2999:
            yield years[0], named
            return
        if len(years) == 2 and 19 <= years[0] <= 29 and years[1] < 100:
            yield years[0] * 100 + years[1], named
            return
        step = -1 if spec.past else 1
        yield from ((today.year + step * ahead, named) for ahead in range(_YEARS))
        return
    if any(words.units.get(token) == -1 for token in rest):
        later = any(token in rules.next_month for token in rest)
        only_this = any(token in words.this for token in rest)
        for ahead in (1,) if later else (0,) if only_this else (0, 1):
            year, month = divmod(today.year * 12 + today.month - 1 + ahead, 12)
            yield year, month + 1


def _nth(year: int, month: int, weekday: int, place: int) -> date | None:
    if place == _LAST:
        following = date(year + month // 12, month % 12 + 1, 1)
        return following - timedelta((following.weekday() - weekday - 1) % 7 + 1)
    first = date(year, month, 1)
    found = first + timedelta((weekday - first.weekday()) % 7 + 7 * (place - 1))
    return found if found.month == month else None
