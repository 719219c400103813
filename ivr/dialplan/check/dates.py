"""Arithmetic on dates and times.

A variable is a date where everything that sets it gives a date. Where that is not certain nothing is
reported.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject
from ivr.dialplan.check.trees import expressions, trees
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.expressions import Expression

DATE_ARITHMETIC = Rule(
    "date-arithmetic",
    "error",
    "arithmetic on a date or a time",
    "A number cannot be added to a date or a time, and neither can be compared with a number or a text: the "
    "verb fails. A date cannot be compared with `now`, which is a date with a time. The rule looks at "
    "variables that a `gather` with the input `date` or `time` set, at copies of these, and at `now`.",
    "compare dates with dates (now.date()), or their parts (day.year, day.weekday()); let a python function "
    "or a back end work out other dates",
)
RULES = (DATE_ARITHMETIC,)

_DATES = frozenset({"date", "time", "datetime"})
_NAMES = {
    "date": "a date",
    "time": "a time",
    "datetime": "a date with a time",
    "number": "a number",
    "text": "a text",
}
_OPERATORS: dict[type[nodes.Node], str] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
}
_COMPARISONS = {"lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_TO_NUMBER = frozenset({"int", "float", "length", "count", "abs", "round", "sum", "wordcount"})
_TO_TEXT = frozenset(
    {"string", "date", "time", "money", "number", "ordinal", "digits", "spell", "phone", "join"}
)
_PARTS = frozenset({"year", "month", "day", "hour", "minute", "second"})
_METHODS = {"weekday": "number", "isoformat": "text", "strftime": "text", "date": "date", "time": "time"}


def check(subject: Subject) -> Iterator[Finding]:
    kinds = _kinds_of_variables(subject)
    dates = frozenset(name for name, kind in kinds.items() if kind in _DATES)
    for place, path, value in expressions(subject, dates):
        for tree in trees(value):
            problem = _date_problem(tree, kinds)
            if problem is not None:
                yield subject.at_verb(DATE_ARITHMETIC, place, problem, path)
                break


def _kinds_of_variables(subject: Subject) -> dict[str, str | None]:
    """Return the variables whose kind is known, wherever they are set; ``now`` is one of them."""
    setters: dict[str, list[Any]] = {}
    for name, initial in subject.plan.variables.items():
        if initial is not None:
            setters.setdefault(name, []).append(_kind_of_constant(initial))
    for step in subject.plan.steps.values():
        for name in step.params:
            setters.setdefault(name, []).append(None)
    for placed in subject.verbs.values():
        for name in placed.verb.sets():
            setters.setdefault(name, []).append(_setter(placed.verb, name))
    kinds: dict[str, str | None] = {"now": "datetime"}
    for _ in range(len(setters) + 1):  # a copy of a copy is known one round later
        found = {name: _agreed(each, kinds) for name, each in setters.items()} | {"now": "datetime"}
        if found == kinds:
            break
        kinds = found
    return kinds


def _setter(verb: Any, name: str) -> Any:
    """Return the kind of the value that a verb gives a variable, an expression for it, or None."""
    values = getattr(verb, "values", None)
    if isinstance(values, dict) and isinstance(values.get(name), Expression):
        return values[name]
    kind = getattr(verb, "input", None)
    only_value = getattr(verb, "into", None) == name and not getattr(verb, "choices", None)
    return kind if only_value and kind in ("date", "time", "number") else None


def _agreed(setters: Iterable[Any], kinds: dict[str, str | None]) -> str | None:
    found = set()
    for setter in setters:
        if isinstance(setter, Expression):
            tree = next(trees(setter), None)
            if isinstance(tree, nodes.Const) and tree.value is None:
                continue
            found.add(_kind(tree, kinds))
        else:
            found.add(setter)
    return found.pop() if len(found) == 1 else None


def _kind_of_constant(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else None


def _kind(node: nodes.Node | None, kinds: dict[str, str | None]) -> str | None:
    """Return the kind of an expression's value, or None where it is not known."""
    match node:
        case nodes.Name():
            return kinds.get(node.name)
        case nodes.Const():
            return _kind_of_constant(node.value)
        case nodes.Getattr(node=inner, attr=attr) if attr in _PARTS and _kind(inner, kinds) in _DATES:
            return "number"
        case nodes.Call(node=nodes.Getattr(node=inner, attr=attr)) if _kind(inner, kinds) in _DATES:
            return _METHODS.get(attr)
        case nodes.Filter():
            return "number" if node.name in _TO_NUMBER else "text" if node.name in _TO_TEXT else None
        case nodes.CondExpr(expr1=one, expr2=other):
            kind = _kind(one, kinds)
            return kind if kind == _kind(other, kinds) else None
        case nodes.Neg() | nodes.Pos():
            return _kind(node.node, kinds)
        case nodes.Concat():
            return "text"
        case nodes.BinExpr():
            both = {_kind(node.left, kinds), _kind(node.right, kinds)}
            return "number" if both == {"number"} else None
    return None


def _date_problem(tree: nodes.Node, kinds: dict[str, str | None]) -> str | None:
    """Return what is wrong with the first operation on a date that fails, or None."""
    for node in (tree, *tree.find_all((nodes.BinExpr, nodes.Compare))):
        if type(node) in _OPERATORS and isinstance(node, nodes.BinExpr):
            one, other = _kind(node.left, kinds), _kind(node.right, kinds)
            if _fails(type(node), one, other):
                return _problem(node.left, _OPERATORS[type(node)], node.right, one, other)
        elif isinstance(node, nodes.Compare):
            one, left = _kind(node.expr, kinds), node.expr
            for operand in node.ops:
                other = _kind(operand.expr, kinds)
                known = one is not None and other is not None and not {one, other}.isdisjoint(_DATES)
                if operand.op in _COMPARISONS and known and one != other:
                    return _problem(left, _COMPARISONS[operand.op], operand.expr, one, other)
                one, left = other, operand.expr
    return None


def _fails(operation: type[nodes.Node], one: str | None, other: str | None) -> bool:
    if {one, other}.isdisjoint(_DATES):
        return False
    if operation is nodes.Sub and one == other and one != "time":
        return False  # the time between two dates
    if operation in (nodes.Add, nodes.Sub):
        return one is not None and other is not None
    return True


def _problem(left: nodes.Node, operator: str, right: nodes.Node, one: str | None, other: str | None) -> str:
    shown = f"{_written(left)} {operator} {_written(right)}"
    first, second = (_NAMES.get(str(kind), "another value") for kind in (one, other))
    if operator in _COMPARISONS.values():
        return f"{quoted(shown)} fails: {first} cannot be compared with {second}"
    done = {"+": "added", "-": "subtracted"}.get(operator, "multiplied or divided")
    if done == "multiplied or divided":
        date = first if one in _DATES else second
        return f"{quoted(shown)} fails: {date} cannot be {done}"
    to = "to" if done == "added" else "from"
    return f"{quoted(shown)} fails: {second} cannot be {done} {to} {first}"


def _written(node: nodes.Node) -> str:
    """Return a part of an expression much as it was written."""
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Const():
            return repr(node.value)
        case nodes.Getattr():
            return f"{_written(node.node)}.{node.attr}"
        case nodes.Call():
            return f"{_written(node.node)}()"
        case nodes.Filter() if node.node is not None:
            return f"{_written(node.node)} | {node.name}"
    return "(…)"
