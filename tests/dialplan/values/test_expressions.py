"""What an expression may do, and that it can do nothing else."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.dialplan.values.expressions import MAX_SIZE, Expression, ExpressionError, Template

SCOPE = {
    "a": 3,
    "b": "x",
    "long": "y" * MAX_SIZE,
    "call": {"from": "+4930123"},
    "now": datetime(2026, 1, 2, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("a > 2 and b == 'x'", True),
        ("call.from[:3]", "+49"),
        ("call.from.startswith('+49')", True),
        ("'yes' if a else 'no'", "yes"),
        ("b|upper", "X"),
        ("nothing is defined", False),
        ("nothing|default('none')", "none"),
        ("now.weekday()", 4),
        ("[1, 2, a]|sum", 6),
        ("a in [1, 3]", True),
        ("'a-b'|replace('-', '')", "ab"),
    ],
)
def test_values(source: str, value: object) -> None:
    assert Expression(source).evaluate(SCOPE) == value


@pytest.mark.parametrize(
    "source",
    [
        "a ** 9",
        "range(9)",
        "b.__class__",
        "''.__class__.__mro__",
        "call['__class__'].x",
        "b|map('upper')",
        "b.format(a)",
        "{% for x in b %}{% endfor %}",
        "{# x #}a",
        "a }} {{ b",
        "",
        "(",
        "(" * 5000,
        "+".join(["a"] * 1000),
        "lambda: a",
    ],
)
def test_what_is_no_expression_is_refused_at_load(source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source).evaluate(SCOPE)


@pytest.mark.parametrize(
    "source",
    [
        "nothing",
        "a.b.c",
        "b + a",
        "b * 1000000000",
        "[b] * 1000000000",
        "a * 999999999999999999",
        "'%1000000000d' % a",
        "long + long",
        "long|replace('y', long)",
        "1 / 0",
        "b|int + b",
    ],
)
def test_what_cannot_be_worked_out_is_an_error_of_its_own(source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source).evaluate(SCOPE)


def test_its_names_are_known() -> None:
    assert Expression("a > 2 and call.from == who").names == {"a", "call", "who"}
    assert Template("Hello {{ name }} of {{ town|upper }}").names == {"name", "town"}


def test_a_text_is_filled_in() -> None:
    assert Template("Hello  {{ b }},\n you have {{ a }}.").render(SCOPE) == "Hello x, you have 3."
    assert Template("no values").literal == "no values"


def test_a_text_cannot_grow_without_bound() -> None:
    with pytest.raises(ExpressionError, match="longer"):
        Template("{{ long }}{{ long }}").render(SCOPE)


@given(st.text(alphabet="abxcall.from()[]{}'\"|+-*/%~<>=!, 0123456789_\\:and", max_size=60))
@settings(max_examples=400, deadline=None)
def test_anything_else_is_a_value_or_an_expression_error(source: str) -> None:
    began = time.process_time()
    for kind in (Expression, Template):
        try:
            made = kind(source)
            _ = made.evaluate(SCOPE) if isinstance(made, Expression) else made.render(SCOPE)
        except ExpressionError as error:
            assert str(error)
    assert time.process_time() - began < 5
