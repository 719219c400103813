"""Fields of values that may be none: a forward data flow over a plan's graph."""

from collections.abc import Iterator
from typing import Any

from jinja2 import nodes

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.flow import VariableFlow
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.check.trees import expressions, trees
from ivr.dialplan.plan.graph import Edge, Place
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.expressions import Expression

FIELD_OF_NONE = Rule(
    "field-of-none",
    "error",
    "a field of a value that may be none",
    "On some path the value is none when its field is read, and then the verb fails. The rule follows `none` "
    "as a first value under `variables`, in a `set` and in the `into` of a `request`, `.get(...)` without a "
    "second value, and `hours.NAME.opens`, which is none when the line does not open within a year. It "
    'understands `x is not none`, a branch on `x`, and `x.field | default("")`.',
    'ask first (x.field if x else ""), or give it another first value',
)
RULES = (FIELD_OF_NONE,)

_NONE: frozenset[str] = frozenset()


def check(subject: Subject) -> Iterator[Finding]:
    candidates = _ever_none(subject)
    reads: list[tuple[Place, Path, frozenset[str]]] = []
    for place, path, value in expressions(subject, frozenset((*candidates, "hours"))):
        fields = _NONE.union(*(_fields_read(tree, _NONE) for tree in trees(value)))
        verb = subject.verbs[place].verb
        own = frozenset(verb.sets()) - {name for name, _ in _assignments(verb)}  # such as params of a tool
        relevant = frozenset(each for each in fields - own if each in candidates or _is_opens(each))
        if relevant:
            reads.append((place, path, relevant))
    if not reads:
        return
    flow = _NoneFlow(subject, candidates | {each for _, _, keys in reads for each in keys if _is_opens(each)})
    reported: set[tuple[Place, str]] = set()
    for place, path, keys in reads:
        for key in sorted(keys & flow.may_be_none(place)):
            if (place, key) not in reported:
                reported.add((place, key))
                message = f"{quoted(key)} may be none here, and then it has no fields"
                yield subject.at_verb(FIELD_OF_NONE, place, message, path)


def _ever_none(subject: Subject) -> frozenset[str]:
    """Return the variables that some first value or ``set`` makes none."""
    found = {name for name, value in subject.plan.variables.items() if value is None}
    for placed in subject.verbs.values():
        for name, expression in _assignments(placed.verb):
            if "none" in expression.source.lower() or ".get(" in expression.source:
                found.add(name)
    while True:
        copies = {
            name
            for placed in subject.verbs.values()
            for name, expression in _assignments(placed.verb)
            if name not in found and not found.isdisjoint(expression.names)
        }
        if not copies:
            return frozenset(found)
        found |= copies


def _assignments(verb: Any) -> Iterator[tuple[str, Expression]]:
    """Return the variables that a verb sets by an expression, and the expression."""
    names = set(verb.sets())
    for field in ("values", "into"):
        values = getattr(verb, field, None)
        for name, value in values.items() if isinstance(values, dict) else ():
            if name in names and isinstance(value, Expression):
                yield name, value


class _NoneFlow:
    """Finds which values may be none at which place: on some path there."""

    def __init__(self, subject: Subject, keys: frozenset[str]) -> None:
        self._subject, self._graph, self._keys = subject, subject.graph, keys
        self._flow = VariableFlow(subject)
        self._names = {bit: name for name, bit in self._flow.bits.items()}
        always = frozenset(key for key in keys if _is_opens(key))
        initial = {name for name, value in subject.plan.variables.items() if value is None}
        self._always = always
        self._states: dict[Place, frozenset[str]] = {}
        todo: dict[Place, None] = {}

        def meet(place: Place, state: frozenset[str]) -> None:
            new = self._states.get(place, _NONE) | state
            if place not in self._states or new != self._states[place]:
                self._states[place] = new
                todo[place] = None

        for root in self._graph.roots:
            meet(root, (frozenset(initial) & keys) | always)
        while todo:
            place = next(iter(todo))
            del todo[place]
            state = self._states[place]
            for edge in self._graph.edges(place):
                if edge.target is not None:
                    meet(edge.target, self._after(edge, state))

    def may_be_none(self, place: Place) -> frozenset[str]:
        """Return the values that are none on some path to ``place``."""
        return self._states.get(place, _NONE)

    def _after(self, edge: Edge, state: frozenset[str]) -> frozenset[str]:
        placed = self._graph.verb(edge.source)
        if placed is None or edge.kind == "error":
            return state
        if edge.kind == "call":
            return state - frozenset(self._subject.plan.steps[edge.target[0]].params if edge.target else ())
        verb = placed.verb
        if edge.kind == "next":
            mask = self._flow.through(edge.source, self._flow.returned)
            certain = frozenset(name for bit, name in self._names.items() if mask & bit)
            state = state - (certain - self._set_to_none)
        set_here = frozenset(verb.sets_when(edge.why if edge.kind == "goto" else ""))
        given = {name: value for name, value in _assignments(verb) if name in set_here}
        none = {name for name, value in given.items() if _may_be_none(next(trees(value), None), state)}
        condition = getattr(verb, "if_", None)
        if isinstance(condition, Expression):
            holds = edge.why not in ("", "else")
            known = _NONE.union(*(_not_none_when(tree, holds) for tree in trees(condition)))
            return state - known
        return (state - (set_here - none)) | (none & self._keys)

    @property
    def _set_to_none(self) -> frozenset[str]:
        """Variables that a verb, not only a first value, may make none."""
        return frozenset(
            name
            for placed in self._subject.verbs.values()
            for name, value in _assignments(placed.verb)
            if _may_be_none(next(trees(value), None), self._keys)
        )


def _is_opens(key: str) -> bool:
    return key.startswith("hours.") and key.endswith(".opens")


def _key(node: nodes.Node | None) -> str | None:
    """Return the dotted name of a variable or a field, or None."""
    if isinstance(node, nodes.Name):
        return str(node.name)
    if isinstance(node, nodes.Getattr):
        inner = _key(node.node)
        return f"{inner}.{node.attr}" if inner is not None else None
    return None


def _may_be_none(node: nodes.Node | None, state: frozenset[str]) -> bool:
    match node:
        case nodes.Const():
            return node.value is None
        case nodes.Name() | nodes.Getattr():
            return _key(node) in state
        case nodes.CondExpr():
            one = _may_be_none(node.expr1, state - _not_none_when(node.test, True))
            return one or _may_be_none(node.expr2, state - _not_none_when(node.test, False))
        case nodes.Or():
            return _may_be_none(node.right, state)
        case nodes.Filter(name="default" | "d", args=[nodes.Const(value=None), *_]):
            return True
        case nodes.Call(node=nodes.Getattr(attr="get"), args=arguments):
            return len(arguments) == 1
    return False


def _fields_read(tree: nodes.Node, known: frozenset[str]) -> frozenset[str]:
    """Return the values whose fields are read where nothing says that they are not none."""
    match tree:
        case nodes.Filter(name="default" | "d", node=nodes.Getattr() | nodes.Getitem() as value):
            return _fields_read(value.node, known).union(*(_fields_read(each, known) for each in tree.args))
        case nodes.Test(name="defined" | "undefined", node=nodes.Getattr() | nodes.Getitem() as value):
            return _fields_read(value.node, known)
        case nodes.CondExpr():
            holds = _fields_read(tree.expr1, known | _not_none_when(tree.test, True))
            fails = known | _not_none_when(tree.test, False)
            rest = _fields_read(tree.expr2, fails) if tree.expr2 else _NONE
            return _fields_read(tree.test, known) | holds | rest
        case nodes.And() | nodes.Or():
            after = known | _not_none_when(tree.left, isinstance(tree, nodes.And))
            return _fields_read(tree.left, known) | _fields_read(tree.right, after)
        case nodes.Getattr() | nodes.Getitem():
            key = _key(tree.node)
            own = frozenset((key,)) - known if key is not None else _NONE
            index = _fields_read(tree.arg, known) if isinstance(tree, nodes.Getitem) else _NONE
            return own | index | _fields_read(tree.node, known)
    return _NONE.union(*(_fields_read(child, known) for child in tree.iter_child_nodes()))


def _not_none_when(condition: nodes.Node, holds: bool) -> frozenset[str]:
    """Return the values that are certainly not none when a condition holds, or does not."""
    match condition:
        case nodes.Name() | nodes.Getattr():
            key = _key(condition)
            return frozenset((key,)) if holds and key is not None else _NONE
        case nodes.Test(name="none", node=value):
            return _NONE if holds else _not_none_when(value, True)
        case nodes.Test(name="mapping" | "string" | "number" | "sequence" | "true", node=value):
            return _not_none_when(value, True) if holds else _NONE
        case nodes.Compare(
            expr=value, ops=[nodes.Operand(op="eq" | "ne" as operator, expr=nodes.Const(value=other))]
        ):
            differs = (operator == "ne") == holds
            return _not_none_when(value, True) if differs is (other is None) else _NONE
        case nodes.Not():
            return _not_none_when(condition.node, not holds)
        case nodes.And() | nodes.Or():
            both = _not_none_when(condition.left, holds), _not_none_when(condition.right, holds)
            together = isinstance(condition, nodes.And) is holds
            return both[0] | both[1] if together else both[0] & both[1]
    return _NONE
