"""Which names an expression cannot do without, and which it proves to have a value.

``x | default(0)`` and ``x is defined`` do without; ``x if x is defined else 0``, ``x is defined and x > 3``
and ``x is undefined or x > 3`` read ``x`` only where it has a value.
"""

from jinja2 import nodes

_NONE: frozenset[str] = frozenset()


def names_of(tree: nodes.Node) -> frozenset[str]:
    """Every name that it reads."""
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")


def required_names(tree: nodes.Node, known: frozenset[str] = _NONE) -> frozenset[str]:
    """Names that must have a value. ``known`` have one."""
    match tree:
        case nodes.Name():
            return frozenset((tree.name,)) - known
        case nodes.Filter(name="default" | "d", node=value) if value is not None:
            # ``call.headers.x | default("")`` still needs ``call``, the plain name does not need itself.
            inner = _NONE if isinstance(value, nodes.Name) else required_names(value, known)
            return inner.union(*(required_names(argument, known) for argument in tree.args))
        case nodes.Test(name="defined" | "undefined", node=value):
            return _NONE if isinstance(value, nodes.Name) else required_names(value, known)
        case nodes.CondExpr():
            holds = required_names(tree.expr1, known | defined_when(tree.test, True))
            fails = (
                required_names(tree.expr2, known | defined_when(tree.test, False)) if tree.expr2 else _NONE
            )
            return required_names(tree.test, known) | holds | fails
        case nodes.And():
            return required_names(tree.left, known) | required_names(
                tree.right, known | defined_when(tree.left, True)
            )
        case nodes.Or():
            return required_names(tree.left, known) | required_names(
                tree.right, known | defined_when(tree.left, False)
            )
    return _NONE.union(*(required_names(child, known) for child in tree.iter_child_nodes()))


def defined_when(condition: nodes.Node, holds: bool) -> frozenset[str]:
    """The names that have a value for certain when ``condition`` holds (or does not)."""
    match condition:
        case nodes.Test(name="defined", node=nodes.Name(name=name)):
            return frozenset((name,)) if holds else _NONE
        case nodes.Test(name="undefined", node=nodes.Name(name=name)):
            return _NONE if holds else frozenset((name,))
        case nodes.Not():
            return defined_when(condition.node, not holds)
        case nodes.And():
            both = defined_when(condition.left, holds), defined_when(condition.right, holds)
            return both[0] | both[1] if holds else both[0] & both[1]
        case nodes.Or():
            both = defined_when(condition.left, holds), defined_when(condition.right, holds)
            return both[0] & both[1] if holds else both[0] | both[1]
    return _NONE
