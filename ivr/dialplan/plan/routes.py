"""Routes: the conditions under which a plan takes a call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from ivr.dialplan.runtime.control import CallFacts
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.fields import Fields, HoursName, StepName, Switch, refuse
from ivr.dialplan.values.hours import OpenHours
from ivr.grammar.linear_regex import LinearRegex, RegexError

EXACT, RANGE, PREFIX, REGEX = 4_000, 3_000, 2_000, 1_000
MAX_VALUE = 256
"""Characters of a value that are compared."""

_RANGE = re.compile(r"(\+?)([0-9]{1,20})-([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class RoutePattern:
    """What a value must be. Patterns with a larger ``weight`` are more specific and are tried first."""

    source: str
    weight: int
    regex: LinearRegex | None = field(default=None, compare=False)
    low: int = 0
    high: int = 0
    plus: str = ""

    def matches(self, value: str) -> bool:
        value = value[:MAX_VALUE]
        if self.regex is not None:
            return self.regex.fullmatch(value)
        if self.weight >= EXACT:
            return value.lower() == self.source.lower()
        if self.weight >= RANGE:
            digits = value[len(self.plus) :]
            width = len(str(self.high))
            return (
                value.startswith(self.plus)
                and digits.isascii()
                and digits.isdecimal()
                and len(digits) == width
                and self.low <= int(digits) <= self.high
            )
        return value.lower().startswith(self.source[:-1].lower())


def route_pattern(value: Any) -> Any:
    """``+4930555`` (exactly that), ``+4930*`` (begins so), ``100-199`` (a range, as many digits),
    ``/[12].+/`` (a regular expression, of the whole value).
    """
    if isinstance(value, RoutePattern):
        return value
    if not isinstance(value, str) or not value.strip():
        raise refuse(
            "expected a value, a prefix such as +4930*, a range such as 100-199, or /a regular expression/"
        )
    text = value.strip()
    if len(text) > 1 and text[0] == text[-1] == "/":
        return RoutePattern(text, REGEX, regex=_regex(text[1:-1]))
    if text.endswith("*"):
        return RoutePattern(text, PREFIX + min(len(text), 900))
    found = _RANGE.fullmatch(text)
    if found is not None:
        low, high = int(found[2]), int(found[3])
        if len(found[2]) != len(found[3]) or low > high:
            raise refuse(f"the range {quoted(text)} needs two numbers of as many digits, the smaller first")
        return RoutePattern(
            text, RANGE + 900 - min(len(str(high - low)) * 10, 900), low=low, high=high, plus=found[1]
        )
    return RoutePattern(text, EXACT)


def _regex(source: str) -> LinearRegex:
    try:
        return LinearRegex(source)
    except RegexError as error:
        raise refuse(f"{quoted(source)} is no regular expression: {error}") from None


def _lower_case_names(value: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): given for name, given in value.items()}


Condition = Annotated[RoutePattern, BeforeValidator(route_pattern), WithJsonSchema({"type": "string"})]
"""A value, a prefix with a star, a range, or a regular expression between slashes."""


class Route(Fields):
    """Conditions on a call, all of which must hold."""

    to: Condition | None = Field(
        default=None, description="the called number or name, such as +4930555 or 100-199"
    )
    from_: Condition | None = Field(
        default=None, alias="from", description="the caller's number, such as +4930*"
    )
    header: Annotated[dict[str, Condition], AfterValidator(_lower_case_names)] = Field(
        default_factory=dict, description="a mapping of SIP headers to values, such as {X-Tenant: acme}"
    )
    trunk: Condition | None = Field(
        default=None, description="the registration or the host that the call comes from"
    )
    open: HoursName | None = Field(default=None, description="a name of hours: only while these are open")
    closed: HoursName | None = Field(default=None, description="a name of hours: only while these are closed")
    default: Switch = Field(
        default=False, description="true: the fallback when no other route of any plan matches"
    )
    start: StepName | None = Field(
        default=None, description="the step to begin with; the plan's start when not given"
    )

    @model_validator(mode="after")
    def _has_condition(self) -> "Route":
        conditions = (self.to, self.from_, self.trunk, self.open, self.closed)
        given = bool(self.header) or any(condition is not None for condition in conditions)
        if not given and not self.default:
            raise refuse("a route needs a condition, or default: true")
        return self

    @property
    def weight(self) -> tuple[int, ...]:
        """The order of specificity: the called number, the caller, headers, the trunk, hours."""
        one = [pattern.weight if pattern is not None else 0 for pattern in (self.to, self.from_)]
        headers = sum(value.weight for value in self.header.values())
        trunk = self.trunk.weight if self.trunk is not None else 0
        hours = (self.open is not None) + (self.closed is not None)
        return (not self.default, *one, headers, trunk, hours)

    def takes(self, facts: CallFacts, hours: Mapping[str, OpenHours], now: datetime) -> bool:
        """Whether all conditions hold. ``now`` has a time zone."""
        return (
            (self.to is None or self.to.matches(facts.called))
            and (self.from_ is None or self.from_.matches(facts.caller))
            and (self.trunk is None or self.trunk.matches(facts.trunk))
            and all(
                name in facts.headers and value.matches(facts.headers[name])
                for name, value in self.header.items()
            )
            and (self.open is None or hours[self.open].is_open(now))
            and (self.closed is None or not hours[self.closed].is_open(now))
        )
