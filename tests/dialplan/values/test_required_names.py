"""What an expression cannot do without, against what it does without it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan.values.expressions import Expression, ExpressionError, Template


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ("x", "x"),
        ("x + y.z", "x y"),
        ("x | default(0)", ""),
        ("x | d(y)", "y"),
        ("x.y | default(0)", "x"),
        ("x is defined", ""),
        ("x is undefined or x > 3", ""),
        ("x is undefined and x > 3", "x"),
        ("x is defined and x > 3", ""),
        ("x > 3 and x is defined", "x"),
        ("not (x is undefined) and x > 3", ""),
        ("x if x is defined else y", "y"),
        ("y if x is undefined else x", "y"),
        ("x if (x is defined and y is defined) else 0", ""),
        ("x if (x is defined or y is defined) else 0", "x"),
        ("x | upper | default('')", "x"),
    ],
)
def test_needed_names(source: str, needed: str) -> None:
    assert Expression(source).needed == set(needed.split())
    assert Template("A {{ " + source + " }}.").needed == set(needed.split())


def test_names_that_a_condition_proves() -> None:
    condition = Expression("x is defined and (y is defined or z is undefined)")
    assert (condition.defined_if, condition.defined_unless) == ({"x"}, set())
    assert Expression("x is undefined or y is undefined").defined_unless == {"x", "y"}


_leaf = st.sampled_from(["x", "y", "1", "x is defined", "y is undefined", "x | default(2)"])
_expressions = st.recursive(
    _leaf,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or", "+"]), inner).map(
            lambda t: f"({t[0]}) {t[1]} ({t[2]})"
        )
        | st.tuples(inner, inner, inner).map(lambda t: f"({t[0]}) if ({t[1]}) else ({t[2]})")
        | inner.map(lambda source: f"not ({source})")
    ),
    max_leaves=8,
)


@given(_expressions, st.sets(st.sampled_from(["x", "y"])))
def test_with_all_that_it_needs_it_never_fails(source: str, given_names: set[str]) -> None:
    expression = Expression(source)
    if expression.needed <= given_names:
        try:
            value = expression.evaluate(dict.fromkeys(given_names, 1))
        except ExpressionError as error:
            raise AssertionError(f"{source} with {given_names}: {error}") from None
        proved = expression.defined_if if value else expression.defined_unless
        assert proved <= given_names
