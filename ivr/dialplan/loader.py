"""From a YAML file to a Plan, or to a list of all that is wrong with it."""

import os
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from ivr.dialplan.document import MAX_BYTES, DuplicateKeys, Node, read_document
from ivr.dialplan.errors import PlanError, Problem, did_you_mean, listed, quoted
from ivr.dialplan.explain import explain, fields_of
from ivr.dialplan.fields import LoadContext, StepName, Text, refuse
from ivr.dialplan.plan import PlacedVerb, Plan
from ivr.dialplan.verbs import VERBS
from ivr.dialplan.verbs.base import Fields
from ivr.dialplan.verbs.speaking import Prompting

VERSION = "1"

_Model = TypeVar("_Model", bound=BaseModel)


def _version(value: Any) -> Any:
    if value != VERSION:
        raise refuse(f"expected {VERSION}, the only version of the language, found {quoted(value)}")
    return 1


class Document(Fields):
    """The top of a plan."""

    dialplan: Annotated[int, BeforeValidator(_version)] = Field(description="the version of the language: 1")
    name: Text | None = Field(default=None, description="the plan's name; the file's name when not given")
    start: StepName = Field(description="the step that a call begins with")
    defaults: Prompting = Field(
        default_factory=Prompting,
        description="a mapping of how all its prompts yield to the caller: barge_in, protect and the like",
    )
    steps: dict[str, Any] = Field(min_length=1, description="a mapping of steps, each a list of verbs")


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read and check a plan. Raises PlanError, with all that is wrong, and nothing else."""
    file = os.fspath(path)
    context = LoadContext(frozenset(), Path(file).parent)
    try:
        problems: list[Problem] = []
        root = read_document(_read(file), file)
    except DuplicateKeys as error:
        root, problems = error.root, list(error.problems)
    if root.kind != "map":
        message = f"expected a mapping with dialplan, name, start and steps, found {root.describe()}"
        raise PlanError(file, [*problems, Problem(root.line, root.column, message)])
    found = root.entries["steps"][1] if "steps" in root.entries else None
    step_nodes = found.entries if found is not None and found.kind == "map" else {}
    context.steps = frozenset(step_nodes)

    document = _validate(Document, root, root.plain(), context, problems, "plan", root)
    steps: dict[str, tuple[PlacedVerb, ...]] = {}
    for name, (key, node) in step_nodes.items():
        steps[name] = _step(name, key, node, context, problems)
    if problems or document is None:
        raise PlanError(file, problems)
    return Plan(
        name=document.name or Path(file).stem,
        path=Path(file),
        start=document.start,
        steps=types.MappingProxyType(steps),
        defaults=document.defaults,
        sounds=types.MappingProxyType(context.sounds),
    )


def load_plans(paths: Iterable[str | os.PathLike[str]]) -> list[Plan]:
    """Several plans for one service, which finds a call's plan by its name. Raises PlanError, also for two
    of one name (capitals do not count, as in a SIP user's name there)."""
    plans: dict[str, Plan] = {}
    for path in paths:
        plan = load_plan(path)
        other = plans.setdefault(plan.name.lower(), plan)
        if other is not plan:
            message = (
                f"its name {quoted(plan.name)} is that of {other.path} too: change `name` in one of them"
            )
            raise PlanError(os.fspath(path), [Problem(1, 1, message)])
    return list(plans.values())


def _read(file: str) -> str:
    try:
        path = Path(file)
        if path.is_dir():
            raise PlanError(file, [Problem(1, 1, "this is a folder; expected a plan's YAML file")])
        if path.exists() and not path.is_file():
            raise PlanError(file, [Problem(1, 1, "this is a device or a pipe; expected a plan's YAML file")])
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise PlanError(file, [Problem(1, 1, "there is no such file")]) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise PlanError(file, [Problem(1, 1, f"this file cannot be read: {reason}")]) from None
    if len(data) > MAX_BYTES:
        raise PlanError(file, [Problem(1, 1, f"a plan is at most {MAX_BYTES} bytes; this file is larger")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"expected UTF-8 text, found the byte 0x{data[error.start]:02X}"
        raise PlanError(file, [Problem(line, column, message)]) from None


def _step(
    name: str, key: Node, node: Node, context: LoadContext, problems: list[Problem]
) -> tuple[PlacedVerb, ...]:
    if node.kind != "list" or not node.items:
        found = "an empty list" if node.kind == "list" else node.describe()
        where = key if node.kind == "scalar" and node.text is None else node
        message = f"expected a list of verbs in the step {quoted(name)}, found {found}"
        problems.append(Problem(where.line, where.column, message))
        return ()
    placed = (_verb(item, context, problems) for item in node.items)
    return tuple(verb for verb in placed if verb is not None)


def _verb(item: Node, context: LoadContext, problems: list[Problem]) -> PlacedVerb | None:
    named = _one_verb(item, problems)
    if named is None:
        return None
    key, value = named
    name = str(key.text)
    verb_class = VERBS[name]
    if value.kind == "map":
        data = value.plain()
    elif verb_class.short is not None:
        data = {verb_class.short: value.plain()}
    elif (
        value.kind == "scalar"
        and value.text is None
        and not any(field.is_required() for field in verb_class.model_fields.values())
    ):
        data = {}
    else:
        fields = fields_of(verb_class)
        expected = f"a mapping of its fields ({listed(fields)})" if fields else "nothing after the colon"
        message = f"{quoted(name)}: expected {expected}, found {value.describe()}"
        where = key if value.kind == "scalar" and value.text is None else value
        problems.append(Problem(where.line, where.column, message))
        return None
    for path, message in verb_class.cross_check(data):
        place = value.find(path)
        problems.append(Problem(place.line, place.column, message))
    verb = _validate(verb_class, value, data, context, problems, name, key)
    return PlacedVerb(verb, key.line) if verb is not None else None


def _one_verb(item: Node, problems: list[Problem]) -> tuple[Node, Node] | None:
    """A list item's only key, which is a verb, and its value."""
    where, message = item, ""
    if item.kind != "map":
        hint = f"; write {quoted(str(item.text) + ':')}" if item.text in VERBS else f" ({listed(VERBS)})"
        message = f"expected a verb and a colon, found {item.describe()}{hint}"
    elif len(item.entries) != 1:
        verbs = [name for name in item.entries if name in VERBS]
        hint = ""
        if len(verbs) > 1:
            where, hint = item.entries[verbs[1]][0], "; put a dash before the second"
        elif verbs:
            where = next(key for name, (key, _) in item.entries.items() if name not in VERBS)
            hint = f"; if it is a field of {verbs[0]}, indent it further"
        found = " and ".join(quoted(name) for name in list(item.entries)[:4]) or "none"
        message = f"expected one verb in a list item, found {found}{hint}"
    else:
        ((name, (key, value)),) = item.entries.items()
        if name in VERBS:
            return key, value
        hint = did_you_mean(name, VERBS) or f"; the verbs are {listed(VERBS)}"
        where, message = key, f"there is no verb {quoted(name)}{hint}"
    problems.append(Problem(where.line, where.column, message))
    return None


def _validate(
    model: type[_Model],
    node: Node,
    data: Any,
    context: LoadContext,
    problems: list[Problem],
    what: str,
    owner: Node,
) -> _Model | None:
    """``data`` as ``model``, or its mistakes added to ``problems`` (see ``explain``)."""
    try:
        return model.model_validate(data, context=context)
    except ValidationError as error:
        problems.extend(
            explain(detail, model, node, what, owner) for detail in error.errors(include_url=False)
        )
        return None
