"""The table of log events in ``ivr/service/README.md``: read from the source, written with
``python -m tests.service.log_events``.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ivr.service.calls import call_record
from ivr.session.decisions import STAGES

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "ivr" / "service" / "README.md"
BEGIN, END = "<!-- log events: python -m tests.service.log_events -->", "<!-- end of log events -->"
LEVELS = ("debug", "info", "warning", "error", "critical", "exception")
STARTED = set(call_record.STARTED_FIELDS)
KNOWN_FIELDS: Mapping[str, set[str]] = {
    "self.record": STARTED,
    "ended_fields": {*STARTED, *call_record.ENDED_FIELDS},
    "line": {*STARTED, *call_record.ENDED_FIELDS},
    "decision.flat": {"at", "stage", "rule", "…"},
}
"""Fields passed with ``**`` by a function or a name that is not defined beside the call."""


class Unreadable(Exception):
    """A call of a logger whose event is no literal; the text names its place."""


@dataclass(slots=True)
class Event:
    """A log event, from all the places that log it."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)


def log_events(package: Path = ROOT / "ivr") -> dict[str, Event]:
    """Every event by its name. Raises Unreadable."""
    found: dict[str, Event] = {}
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        room = path.relative_to(package).parts[0].removesuffix(".py")
        for scope, call, levels in _log_calls(tree):
            where = f"{path.relative_to(package.parent)}:{call.lineno}"
            for name in _names(call.args[0], where):
                event = found.setdefault(name, Event())
                event.levels |= levels
                event.rooms.add(room)
                event.fields |= _fields(call, scope, tree, where)
    return dict(sorted(found.items()))


def table() -> str:
    """The text between the markers of the README."""
    rows = ["| event | level | where | fields |", "|---|---|---|---|"]
    for name, event in log_events().items():
        levels = ", ".join(level for level in LEVELS if level in event.levels)
        fields = ", ".join(f"`{each}`" for each in sorted(event.fields - {"…"}))
        more = ["and others"] if "…" in event.fields else []
        rows.append(
            f"| `{name}` | {levels} | {', '.join(sorted(event.rooms))} | "
            f"{', '.join(([fields] if fields else []) + more)} |"
        )
    rows += ["", "`stage` of `turn_taking`:", "", "| stage | meaning (and its fields) |", "|---|---|"]
    rows += [f"| `{stage}` | {meaning} |" for stage, meaning in STAGES.items()]
    return "\n".join(rows)


def written() -> str:
    """The table as the README has it. Raises ValueError when a marker is missing."""
    text = README.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def write() -> None:
    """Put the table into the README."""
    text = README.read_text(encoding="utf-8")
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    README.write_text(f"{text[:begin]}\n\n{table()}\n\n{text[end:]}", encoding="utf-8")


def _log_calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call, set[str]]]:
    """The innermost function around it, each call of a logger's method, and the levels it may log at."""
    stack: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while stack:
        scope, node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scope = node
        if isinstance(node, ast.Call) and node.args:
            levels = _levels(node.func, scope)
            if levels:
                yield scope, node, levels
        stack += [(scope, child) for child in ast.iter_child_nodes(node)]


def _levels(function: ast.expr, scope: ast.AST) -> set[str]:
    """The levels of ``log.info``, of ``log.info if x else log.debug``, of a name that is one of these, and of
    ``getattr(log, level)``; empty for anything that is no logger's method."""
    if isinstance(function, ast.Attribute) and function.attr in LEVELS:
        logger = ast.unparse(function.value).rpartition(".")[2].lstrip("_")
        return {"error" if function.attr == "exception" else function.attr} if logger == "log" else set()
    if isinstance(function, ast.IfExp):
        return _levels(function.body, scope) | _levels(function.orelse, scope)
    if isinstance(function, ast.Call) and ast.unparse(function.func) == "getattr":
        logger = ast.unparse(function.args[0]).rpartition(".")[2].lstrip("_")
        return {"debug", "info", "warning", "error"} if logger == "log" else set()
    if isinstance(function, ast.Name):
        return {level for value in _assigned(function.id, scope) for level in _levels(value, scope)}
    return set()


def _assigned(name: str, scope: ast.AST) -> Iterator[ast.expr]:
    """Return what is assigned to a variable within ``scope``."""
    for node in ast.walk(scope):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        assigned = isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        if assigned and any(ast.unparse(target) == name for target in targets):
            yield node.value


def _names(event: ast.expr, where: str) -> list[str]:
    if isinstance(event, ast.Constant) and isinstance(event.value, str):
        return [event.value]
    if isinstance(event, ast.IfExp):
        return _names(event.body, where) + _names(event.orelse, where)
    raise Unreadable(f"{where}: the event of a log call must be a literal, not {ast.unparse(event)}")


def _fields(call: ast.Call, scope: ast.AST, tree: ast.Module, where: str) -> set[str]:
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is None:
            found |= _keys(keyword.value, scope, tree)
        else:
            found.add(keyword.arg)
    return found - {"exc_info", "stack_info"}


def _keys(value: ast.expr, scope: ast.AST, tree: ast.Module) -> set[str]:
    """The keys of a dict, as far as they can be read; ``…`` stands for others."""
    if isinstance(value, ast.Dict):
        keys: set[str] = set()
        for key, inner in zip(value.keys, value.values, strict=True):
            if key is None:
                keys |= _keys(inner, scope, tree)
            else:
                keys.add(key.value if isinstance(key, ast.Constant) else "…")
        return {str(key) for key in keys}
    if isinstance(value, ast.IfExp):
        return _keys(value.body, scope, tree) | _keys(value.orelse, scope, tree)
    text = ast.unparse(value.func) if isinstance(value, ast.Call) else ast.unparse(value)
    if text in KNOWN_FIELDS:
        return KNOWN_FIELDS[text]
    if isinstance(value, ast.Name):
        values = list(_assigned(value.id, scope))
        if values:
            return {key for each in values for key in _keys(each, scope, tree)}
    if isinstance(value, ast.Call):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == text.rpartition(".")[2]:
                returned = [
                    each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value
                ]
                return {key for each in returned for key in _keys(each, node, tree)}
    return {"…"}


if __name__ == "__main__":
    write()
