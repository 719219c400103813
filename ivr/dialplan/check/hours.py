"""Opening hours with gaps or overlaps, and routes that depend on them."""

import itertools
import re
from collections.abc import Iterator, Mapping

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject, values_in
from ivr.dialplan.plan.routes import Route
from ivr.dialplan.source.document import Node
from ivr.dialplan.source.errors import did_you_mean, listed, quoted
from ivr.dialplan.values.expressions import Expression, Template
from ivr.dialplan.values.hours import DAYS, MINUTES, Interval, OpenHours, days_of
from ivr.dialplan.values.texts import Spoken

HOURS_GAP = Rule(
    "hours-gap",
    "warning",
    "opening hours that leave a gap",
    "A day of the week that `open` does not name counts as closed. Two times of a day that nearly touch "
    "leave the minutes between them closed. A route that applies only while it is open (or closed) leaves "
    "its calls to another plan, or to the first plan, at all other times.",
    "say what applies then: sat-sun: closed; an end that is the next beginning; a second route",
)
HOURS_OVERLAP = Rule(
    "hours-overlap",
    "warning",
    "opening hours that overlap",
    "Two times of one day, or of a night and the next day, have minutes in common, or two routes for the "
    "same calls are open at the same time: the first route takes all calls.",
    "end one where the other begins",
)
UNKNOWN_HOURS = Rule(
    "unknown-hours",
    "error",
    "opening hours that the plan does not have",
    "An expression reads `hours.NAME` and no hours of the plan have that name, so the verb fails for every "
    "caller. Other fields that name hours are checked while the plan is read.",
    "correct the name, or add it to the plan's `hours`",
)
RULES = (HOURS_GAP, HOURS_OVERLAP, UNKNOWN_HOURS)

_READ = re.compile(r"\bhours\.([A-Za-z_]\w*)")

SLIP_MIN = 5
"""Minutes of the longest gap between two times of a day that counts as a slip: 11:59 for 12:00."""


def check(subject: Subject) -> Iterator[Finding]:
    root = subject.read.sources[0].root
    for name, calendar in subject.plan.hours.items():
        yield from _week(subject, name, calendar, root.find(("hours", name, "open")))
    yield from _routes(subject)
    yield from _unknown(subject)


def _unknown(subject: Subject) -> Iterator[Finding]:
    known = subject.plan.hours
    for place, placed in subject.reached.items():
        if "hours" not in placed.verb.reads():
            continue
        for path, value in values_in(placed.verb):
            for source in _sources(value):
                for name in _READ.findall(source):
                    if name not in known:
                        hint = did_you_mean(name, known)
                        message = f"the plan has no hours {quoted(name)}{hint}"
                        yield subject.at_verb(UNKNOWN_HOURS, place, message, path)


def _sources(value: object) -> Iterator[str]:
    """Return the source of an expression, or of the texts in a value."""
    if isinstance(value, Spoken):
        yield from (value.in_language(language).source for language in value.languages)
    elif isinstance(value, Expression | Template):
        yield value.source


def _week(subject: Subject, name: str, calendar: OpenHours, node: Node) -> Iterator[Finding]:
    written = {day: key for key in node.entries for day in days_of(key)}
    unsaid = [day for day in DAYS if day not in written]
    if unsaid:
        message = f"{quoted(name)} does not say when it is open on {listed(unsaid)}, so it is closed then"
        yield subject.at_top(HOURS_GAP, message, ("hours", name, "open"))
    reported: set[str] = set()
    for number, day in enumerate(DAYS):
        if day not in written or written[day] in reported:
            continue
        before = calendar.week[number - 1]
        night = [(start - MINUTES, end - MINUTES) for start, end in before if end > MINUTES]
        spans = sorted([*night, *calendar.week[number]])
        for (_, end), (start, other_end) in itertools.pairwise(spans):
            path = ("hours", name, "open", written[day])
            if start < end:
                at = f"{_clock(max(start, 0))}-{_clock(min(end, other_end))}"
                yield subject.at_top(HOURS_OVERLAP, f"on {day} two times overlap: {at}", path)
            elif 0 < start - end <= SLIP_MIN:
                message = f"on {day} it is closed from {_clock(end)} to {_clock(start)}"
                yield subject.at_top(HOURS_GAP, message, path)
            else:
                continue
            reported.add(written[day])
            break


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _routes(subject: Subject) -> Iterator[Finding]:
    routes = subject.plan.routes
    for at, route in enumerate(routes):
        for field, name, other in (("open", route.open, "closed"), ("closed", route.closed, "open")):
            if name is None:
                continue
            rest = [r for r in routes if r is not route and _as_wide(r, route)]
            if not any(_holds_otherwise(r, name, other) for r in rest):
                message = f"no route of this plan takes these calls while {quoted(name)} is not {field}"
                yield subject.at_top(HOURS_GAP, message, ("routes", at, field))
        for earlier in routes[:at]:
            if (
                route.open is not None
                and earlier.open is not None
                and route.open != earlier.open
                and _conditions(route) == _conditions(earlier)
                and _common(subject.plan.hours, route.open, earlier.open)
            ):
                message = f"{quoted(route.open)} and {quoted(earlier.open)} are open at the same time"
                yield subject.at_top(HOURS_OVERLAP, message, ("routes", at, "open"))
                break


def _conditions(route: Route) -> tuple[object, ...]:
    """Return the conditions of a route without those on hours."""
    patterns = (route.to, route.from_, route.trunk)
    headers = tuple(sorted((name, value.source) for name, value in route.header.items()))
    return (*(pattern.source if pattern is not None else None for pattern in patterns), headers)


def _as_wide(other: Route, route: Route) -> bool:
    """Return whether ``other`` certainly takes every call that ``route`` takes, apart from hours."""
    if other.default:
        return True
    *patterns, headers = _conditions(route)
    *others, other_headers = _conditions(other)
    same = all(theirs in (None, ours) for ours, theirs in zip(patterns, others, strict=True))
    return same and other_headers in ((), headers)


def _holds_otherwise(route: Route, name: str, field: str) -> bool:
    """Return whether a route takes calls while the hours ``name`` are ``field`` ("open" or "closed")."""
    wanted = {"open": route.open, "closed": route.closed}
    return wanted.pop(field) in (None, name) and not any(wanted.values())


def _common(hours: Mapping[str, OpenHours], one: str, other: str) -> bool:
    first, second = hours[one], hours[other]
    if first.zone != second.zone:
        return False
    return any(_cross(a, b) for day in range(7) for a in _around(first, day) for b in _around(second, day))


def _around(hours: OpenHours, day: int) -> list[Interval]:
    night = [(start - MINUTES, end - MINUTES) for start, end in hours.week[day - 1] if end > MINUTES]
    return [*night, *hours.week[day]]


def _cross(a: Interval, b: Interval) -> bool:
    return max(a[0], b[0]) < min(a[1], b[1])
