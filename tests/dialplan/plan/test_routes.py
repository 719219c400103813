"""Which plan takes a call."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan import CallFacts, Plan, PlanError, load_plan
from ivr.dialplan.plan.routes import RoutePattern, route_pattern
from ivr.dialplan.plan.routing import Routing

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 24, 0, tzinfo=UTC)


def plan(folder: Path, name: str, routes: str) -> Plan:
    path = folder / f"{name}.yaml"
    path.write_text(
        f"dialplan: 1\nstart: a\nhours:\n  office: {{open: {{daily: '09:00-17:00'}}}}\n{routes}\n"
        "steps:\n  a:\n    - goto: b\n  b:\n    - hangup:\n",
        encoding="utf-8",
    )
    return load_plan(path)


def routes(*lines: str) -> str:
    return "routes:\n" + "".join(f"  - {{{line}}}\n" for line in lines)


@pytest.mark.parametrize(
    ("facts", "at", "wanted"),
    [
        (CallFacts(called="100"), NOON, "exact"),
        (CallFacts(called="101"), NOON, "range"),
        (CallFacts(called="1100"), NOON, "prefix"),
        (CallFacts(called="2222"), NOON, "regex"),
        (CallFacts(called="100", caller="+4930777"), NOON, "caller"),
        (CallFacts(called="zz", headers={"x-tenant": "acme"}), NOON, "header"),
        (CallFacts(called="zz", trunk="pbx.example.org"), NOON, "trunk"),
        (CallFacts(called="300"), NOON, "open"),
        (CallFacts(called="300"), MIDNIGHT, "exact300"),
        (CallFacts(called="Prefix"), NOON, "prefix"),
        (CallFacts(called="zz"), NOON, "rest"),
    ],
)
def test_the_most_specific_route_first(tmp_path: Path, facts: CallFacts, at: datetime, wanted: str) -> None:
    plans = [
        plan(tmp_path, "first", ""),
        plan(tmp_path, "rest", routes("default: true")),
        plan(tmp_path, "regex", routes("to: /2+/")),
        plan(tmp_path, "prefix", routes("to: 1*")),
        plan(tmp_path, "range", routes("to: 100-199")),
        plan(tmp_path, "exact", routes('to: "100"')),
        plan(tmp_path, "caller", routes('to: "100", from: +4930*')),
        plan(tmp_path, "header", routes("header: {X-Tenant: acme}")),
        plan(tmp_path, "trunk", routes("trunk: pbx.example.org")),
        plan(tmp_path, "exact300", routes('to: "300"')),
        plan(tmp_path, "open", routes('to: "300", open: office')),
    ]
    assert Routing(plans).find(facts, at)[0].name == wanted


def test_a_route_may_begin_elsewhere(tmp_path: Path) -> None:
    table = Routing([plan(tmp_path, "p", routes("to: 1*, start: b", "default: true"))])
    assert table.find(CallFacts(called="12"), NOON)[1] == "b"
    assert table.find(CallFacts(called="99"), NOON)[1] == "a"


def test_without_routes_the_name_decides_then_the_first(tmp_path: Path) -> None:
    table = Routing([plan(tmp_path, "one", ""), plan(tmp_path, "two", "")])
    assert table.find(CallFacts(called="TWO"), NOON)[0].name == "two"
    assert table.find(CallFacts(called="three"), NOON)[0].name == "one"


@pytest.mark.parametrize(
    ("source", "fits", "not_"),
    [
        ("+4930555", ["+4930555"], ["+49305551", "4930555"]),
        ("+4930*", ["+4930", "+49301"], ["+493"]),
        ("100-199", ["100", "150", "199"], ["99", "200", "0150", "1500", "1a0", "１５０"]),
        ("+49300-+49309", [], []),
        ("/[0-9]{3}/", ["123"], ["12", "1234"]),
        ("Sales", ["sales"], ["sale"]),
    ],
)
def test_patterns(source: str, fits: list[str], not_: list[str]) -> None:
    found = route_pattern(source)
    assert isinstance(found, RoutePattern)
    assert [value for value in fits if not found.matches(value)] == []
    assert [value for value in not_ if found.matches(value)] == []


def test_what_repeats_a_repetition_is_matched_in_linear_time() -> None:
    """A backtracking engine would need 2^256 attempts for this."""
    found = route_pattern("/(a+)+b/")
    assert not found.matches("a" * 256) and found.matches("a" * 255 + "b")


@given(st.text(max_size=300), st.sampled_from(["100-199", "1*", "/1.*/", "x", "+0-9"]))
def test_no_value_breaks_a_pattern(value: str, source: str) -> None:
    assert route_pattern(source).matches(value) in (True, False)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("start: a", "a route needs a condition"),
        ("to: 199-100", "two numbers of as many digits"),
        ("to: /(/", "is no regular expression"),
        ("to: /(?=1)1/", "is no regular expression: groups that begin with (? are not supported"),
        (f"to: /{'1' * 201}/", "expected a regular expression of 1 to 200 characters"),
        ("open: shop, to: 1*", "there are no hours 'shop'; there are office"),
        ("to: 1*, start: c", "there is no step 'c'"),
        ("number: 1", "'number' is not a field of routes"),
    ],
)
def test_wrong_routes_are_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(PlanError) as refused:
        plan(tmp_path, "p", routes(line))
    assert ":6:" in str(refused.value) and message in str(refused.value)
