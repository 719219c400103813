"""The texts and expressions of a plan, and their syntax trees."""

from collections.abc import Iterator
from typing import Any

from jinja2 import nodes

from ivr.dialplan.check.subject import Subject, values_in
from ivr.dialplan.plan.graph import Place
from ivr.dialplan.source.document import Path
from ivr.dialplan.values.expressions import Expression, ExpressionError, Template, parse


def expressions(subject: Subject, names: frozenset[str]) -> Iterator[tuple[Place, Path, Any]]:
    """Return the texts and expressions of reached verbs that read one of ``names`` and may do more than show
    it.
    """
    for place, placed in subject.reached.items():
        needed = frozenset(placed.verb.requires())
        if needed.isdisjoint(names):
            continue
        for path, value in values_in(placed.verb):
            if not names.isdisjoint(getattr(value, "names", frozenset())):
                yield place, path, value


def trees(value: Any) -> Iterator[nodes.Node]:
    """Return the syntax trees of a text, an expression, or data with expressions in it."""
    if isinstance(value, Expression | Template):
        source = value.source if isinstance(value, Template) else "{{ " + value.source + " }}"
        try:
            tree = parse(source)
        except ExpressionError:
            return
        for output in tree.find_all(nodes.Output):
            yield from output.nodes
        return
    for leaf in getattr(value, "leaves", ()):
        yield from trees(leaf)
