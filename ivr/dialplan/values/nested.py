"""Data in a plan whose leaves are expressions: what a request sends, what a function is given."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.expressions import Expression, ExpressionError
from ivr.dialplan.values.fields import refuse


class Nested:
    """Mappings and lists of expressions."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Any) -> None:
        self._tree = tree

    @property
    def leaves(self) -> tuple[Expression, ...]:
        """The expressions in it."""
        return tuple(_leaves(self._tree))

    @property
    def names(self) -> frozenset[str]:
        """Every variable that it reads."""
        return frozenset().union(*(leaf.names for leaf in _leaves(self._tree)))

    @property
    def needed(self) -> frozenset[str]:
        """Names that must have a value."""
        return frozenset().union(*(leaf.needed for leaf in _leaves(self._tree)))

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """Fill in the values of ``scope``. Raises ExpressionError, which names the leaf."""
        return _evaluated(self._tree, scope)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nested) and other._tree == self._tree

    def __hash__(self) -> int:
        return hash(repr(self._tree))

    def __repr__(self) -> str:
        return f"Nested({self._tree!r})"


def _leaves(tree: Any) -> Iterator[Expression]:
    if isinstance(tree, Expression):
        yield tree
    else:
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(item)


def _evaluated(tree: Any, scope: Mapping[str, Any]) -> Any:
    if isinstance(tree, dict):
        return {name: _evaluated(item, scope) for name, item in tree.items()}
    if isinstance(tree, list):
        return [_evaluated(item, scope) for item in tree]
    try:
        return tree.evaluate(scope)
    except ExpressionError as error:
        raise ExpressionError(f"{tree.source}: {error}") from None


def _parsed(value: Any, at: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _parsed(item, f"{at}.{name}".lstrip(".")) for name, item in value.items()}
    if isinstance(value, list):
        return [_parsed(item, f"{at}[{place}]") for place, item in enumerate(value)]
    inside = f" at {at}" if at else ""
    if value is None:
        raise refuse(f"expected an expression{inside}, found nothing; write none for no value")
    try:
        return Expression(str(value))
    except ExpressionError as error:
        raise refuse(f"the expression {quoted(value)}{inside} has a mistake: {error}") from None


def _nested(value: Any) -> Any:
    return value if isinstance(value, Nested) else Nested(_parsed(value))


Data = Annotated[Nested, BeforeValidator(_nested), WithJsonSchema({})]
"""Mappings and lists, each leaf an expression: ``{account: account, kind: "'balance'"}``."""
