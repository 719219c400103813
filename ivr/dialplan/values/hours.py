"""Business hours: when a line is open, by the clock on the wall of its place.

A day's hours are wall-clock times in the calendar's zone, so a change to or from summer time moves nothing:
nine is nine. A time that does not exist on the night that the clocks go forward is an hour later. Days are
decided in this order: a special date, a holiday, the day of the week.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ivr.dialplan.source.errors import did_you_mean, quoted
from ivr.dialplan.values.fields import Fields, VariableName, refuse

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES = 24 * 60
HOLIDAY_YEARS = 10
"""Years of a country's holidays, from the year in which a plan is loaded."""
LOOK_AHEAD_DAYS = 400
"""Days ahead that are searched for the next opening."""

Interval = tuple[int, int]
"""Minutes after midnight: from, to (not included). To may be past midnight, up to twice a day's minutes."""

_TIMES = re.compile(r"([0-9]{1,2}):([0-9]{2}) *- *([0-9]{1,2}):([0-9]{2})")


def intervals_of(value: Any) -> tuple[Interval, ...]:
    """``"09:00-17:00"``, a list of these, or ``closed``. Past midnight: ``"22:00-06:00"``."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, str) and value.strip().lower() == "closed":
        return ()
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts:
        raise refuse('expected hours such as "09:00-17:00", a list of these, or closed')
    found: list[Interval] = []
    for text in texts:
        match = _TIMES.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise refuse(f'expected hours such as "09:00-17:00", found {quoted(text)}')
        numbers = [int(part) for part in match.groups()]
        start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
        if max(numbers[1], numbers[3]) > 59 or start >= MINUTES or end > MINUTES:
            raise refuse(f"{quoted(text)} is no time of the day: it goes from 00:00 to 24:00")
        found.append((start, end if end > start else end + MINUTES))
    return tuple(sorted(found))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refuse(f"there is no time zone {quoted(value)}; expected one such as Europe/Berlin") from None
    return value


def _day_names(value: Any) -> Any:
    if not isinstance(value, dict):
        raise refuse('expected a mapping of days to hours, such as {mon-fri: "09:00-17:00"}')
    days: dict[str, Any] = {}
    for name, hours in value.items():
        for day in days_of(str(name)):
            if day in days:
                raise refuse(f"{day} is given twice, the second time in {quoted(name)}")
            days[day] = hours
    return days


def days_of(name: str) -> Iterator[str]:
    """``mon``, ``mon-fri``, ``sat-sun``, ``daily``."""
    first, _, last = name.strip().lower().partition("-")
    if first == "daily" and not last:
        yield from DAYS
        return
    for day in (first, last or first):
        if day[:3] not in DAYS or len(day) not in (3, *(len(full) for full in _FULL)):
            hint = did_you_mean(day, (*DAYS, *_FULL))
            raise refuse(f"expected a day such as mon, mon-fri or daily, found {quoted(name)}{hint}")
    at, end = DAYS.index(first[:3]), DAYS.index((last or first)[:3])
    while True:
        yield DAYS[at]
        if at == end:
            return
        at = (at + 1) % 7


_FULL = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _dates(value: Any) -> Any:
    if not isinstance(value, dict):
        raise refuse('expected a mapping of dates to hours, such as {2026-12-24: "09:00-12:00"}')
    for text in value:
        try:
            date.fromisoformat(str(text))
        except ValueError:
            raise refuse(f"expected a date such as 2026-12-24, found {quoted(text)}") from None
    return value


def _holidays(value: str) -> str:
    import holidays

    country, _, region = value.strip().partition("-")
    try:
        holidays.country_holidays(country.upper(), subdiv=region.upper() or None, years=2025)
    except NotImplementedError as error:
        raise refuse(f"there are no holidays of {quoted(value)}: {error}") from None
    return value.strip().upper()


Hours = Annotated[
    tuple[Interval, ...],
    BeforeValidator(intervals_of),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Zone = Annotated[str, AfterValidator(_zone)]


class Calendar(Fields):
    """The hours under one name."""

    zone: Zone = Field(default="UTC", description="the time zone of its clock, such as Europe/Berlin")
    open: Annotated[dict[str, Hours], BeforeValidator(_day_names)] = Field(
        description='a mapping of days to hours, such as {mon-fri: "09:00-17:00", sat: closed}'
    )
    holidays: Annotated[str, AfterValidator(_holidays)] | None = Field(
        default=None,
        description="whose holidays it is closed on: a country and, where it has them, a region, "
        "such as DE-BE, FR or US-CA",
    )
    on_holidays: Hours = Field(
        default=(), description='the hours of a holiday, such as "10:00-12:00"; or closed'
    )
    dates: Annotated[dict[str, Hours], BeforeValidator(_dates)] = Field(
        default_factory=dict,
        description='a mapping of special dates to hours, such as {2026-12-24: "09:00-12:00"}',
    )

    def made(self, today: date) -> "OpenHours":
        """Return the hours for calls from ``today`` on."""
        named: dict[date, str] = {}
        if self.holidays is not None:
            import holidays

            country, _, region = self.holidays.partition("-")
            years = range(today.year - 1, today.year + HOLIDAY_YEARS)
            found = holidays.country_holidays(country, subdiv=region or None, years=years)
            named = {day: str(name) for day, name in found.items()}
        return OpenHours(
            zone=self.zone,
            week=tuple(self.open.get(day, ()) for day in DAYS),
            holidays=named,
            on_holidays=self.on_holidays,
            dates={date.fromisoformat(day): hours for day, hours in self.dates.items()},
        )


HoursByName = dict[VariableName, Calendar]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHours:
    """A calendar with its holidays, ready for calls."""

    zone: str
    week: tuple[tuple[Interval, ...], ...]
    """Monday first."""
    holidays: Mapping[date, str] = field(default_factory=dict, repr=False)
    on_holidays: tuple[Interval, ...] = ()
    dates: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)

    def of_day(self, day: date) -> tuple[Interval, ...]:
        """The hours that begin on ``day``."""
        if day in self.dates:
            return self.dates[day]
        return self.on_holidays if day in self.holidays else self.week[day.weekday()]

    def is_open(self, now: datetime) -> bool:
        """``now`` with its zone."""
        local = now.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        yesterday = local.date() - timedelta(days=1)
        return any(start <= minute < end for start, end in self.of_day(local.date())) or any(
            start <= minute + MINUTES < end for start, end in self.of_day(yesterday)
        )

    def holiday(self, now: datetime) -> str:
        """Its name; empty when there is none."""
        return self.holidays.get(now.astimezone(ZoneInfo(self.zone)).date(), "")

    def opens(self, now: datetime) -> datetime | None:
        """Return the next opening in its own zone: ``now`` while it is open, None when not within a year."""
        zone = ZoneInfo(self.zone)
        local = now.astimezone(zone)
        if self.is_open(now):
            return local
        for ahead in range(LOOK_AHEAD_DAYS):
            day = local.date() + timedelta(days=ahead)
            for start, _ in self.of_day(day):
                at = datetime.combine(day, time(start // 60, start % 60), zone)
                at = at.astimezone(UTC).astimezone(
                    zone
                )  # out of the gap of a night that the clocks go forward
                if at > local:
                    return at
        return None


class HoursNow:
    """``hours`` in an expression: ``hours.office.open``, ``.holiday``, ``.opens``."""

    def __init__(self, calendars: Mapping[str, OpenHours], now: datetime) -> None:
        self._calendars, self._now = calendars, now

    def __getitem__(self, name: str) -> dict[str, Any]:
        calendar = self._calendars[name]
        return {
            "open": calendar.is_open(self._now),
            "holiday": calendar.holiday(self._now),
            "opens": calendar.opens(self._now),
        }
