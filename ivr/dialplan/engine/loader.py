"""Loading a plan: YAML files to a Plan, or to a PlanError with every mistake in them."""

import dataclasses
import hashlib
import os
import types
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError

from ivr.dialplan.engine.registry import VerbPackageError, all_verbs
from ivr.dialplan.engine.steps import read_step
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.routes import Route
from ivr.dialplan.plan.universals import Universal, check_universals
from ivr.dialplan.plan.verb import Step
from ivr.dialplan.source.document import Node
from ivr.dialplan.source.errors import VERB_PACKAGE_RULE, PlanError, Problem, quoted
from ivr.dialplan.source.explain import explain
from ivr.dialplan.source.sources import Source, read_sources
from ivr.dialplan.values.expressions import ExpressionError
from ivr.dialplan.values.fields import (
    Address,
    Fields,
    Language,
    LoadContext,
    StepName,
    Text,
    TextList,
    VariableName,
    refuse,
)
from ivr.dialplan.values.functions import Function
from ivr.dialplan.values.hours import Calendar
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.texts import Expr
from ivr.grammar.fusion import UNDERSTANDING, UnderstandingLevel

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
    include: TextList = Field(default=(), description="files whose steps it may use, relative to this one")
    languages: tuple[Language, ...] = Field(
        default=("en",),
        min_length=1,
        description="the languages it speaks, such as [en, fr]; calls begin in the first",
    )
    defaults: PromptOptions = Field(
        default_factory=PromptOptions,
        description="a mapping of how all its prompts yield to the caller: barge_in, protect and the like",
    )
    understanding: UnderstandingLevel = Field(default="balanced", description=UNDERSTANDING)
    variables: dict[VariableName, Expr] = Field(
        default_factory=dict, description="a mapping of names to what a call begins with, such as {tries: 0}"
    )
    hours: dict[VariableName, Calendar] = Field(
        default_factory=dict, description="a mapping of names to when a line is open"
    )
    routes: tuple[Route, ...] = Field(default=(), description="a list of which calls it takes")
    universals: Annotated[dict[str, Universal], AfterValidator(check_universals)] = Field(
        default_factory=dict,
        description="a mapping of what can be said or pressed in every gather and agent, such as {help: "
        "{say: help, goto: desk}}",
    )
    on_error: StepName | None = Field(
        default=None, description="the step to go to when a verb fails that has no on_error of its own"
    )
    on_hangup: StepName | None = Field(
        default=None,
        description="the step to go through when the caller has left; it neither speaks nor listens",
    )
    operator: Address | None = Field(
        default=None,
        description='who callers are put through to when something fails, such as "100"',
    )
    steps: dict[str, Any] = Field(min_length=1, description="a mapping of steps, each a list of verbs")


class Library(Fields):
    """The top of a file that is included: steps for the plans that include it."""

    library: Annotated[int, BeforeValidator(_version)] = Field(description="the version of the language: 1")
    include: TextList = Field(default=(), description="files whose steps it may use, relative to this one")
    steps: dict[str, Any] = Field(min_length=1, description="a mapping of steps, each a list of verbs")


@dataclasses.dataclass(frozen=True, slots=True)
class ReadPlan:
    """A plan and the text it was read from."""

    plan: Plan
    sources: tuple[Source, ...]
    """Its own file first."""
    steps: Mapping[str, tuple[Source, Node, Node]]
    """Every step by its name: its file, the name's node, its own."""


def load_plan(path: str | os.PathLike[str]) -> Plan:
    """Read and check a plan and what it includes. Raises PlanError, with all that is wrong, and nothing
    else.
    """
    return read_plan(path).plan


def read_plan(path: str | os.PathLike[str]) -> ReadPlan:
    """Read and check a plan, and return its text too. Raises PlanError and nothing else."""
    file = os.fspath(path)
    try:
        all_verbs()
    except VerbPackageError as error:
        raise PlanError(file, [Problem(1, 1, str(error), rule=VERB_PACKAGE_RULE)]) from error
    problems: list[Problem] = []
    sources = read_sources(file, problems)
    own = sources[0]
    context = LoadContext(frozenset(), Path(file).parent, languages=_languages(own.root))
    step_nodes = _step_nodes(sources, problems)
    context.steps = frozenset(step_nodes)
    context.hours = _names_of(own.root, "hours")
    context.params = {name: _params(node) for name, (_, _, node) in step_nodes.items()}

    document = _validate(Document, own, context, problems, "plan")
    if document is not None:
        context.universals, context.understanding = document.universals, document.understanding
    for source in sources[1:]:
        _validate(Library, source, context, problems, "library")
    steps: dict[str, Step] = {}
    for name, (source, key, node) in step_nodes.items():
        context.folder, context.home = source.path.parent, own.path.parent
        found: list[Problem] = []
        steps[name] = read_step(name, key, node, context, found, source.shown)
        problems.extend(_in(source, found))
    if document is not None and document.on_hangup is not None:
        problems.extend(_speaks_after_hangup(document.on_hangup, steps))
    initial = _initial(document, own.root, problems) if document is not None else {}
    if problems or document is None:
        raise PlanError(file, problems)
    code = _code(context.functions.values())
    plan = Plan(
        name=document.name or Path(file).stem,
        path=Path(file),
        start=document.start,
        steps=types.MappingProxyType(steps),
        defaults=document.defaults,
        sounds=types.MappingProxyType(context.sounds),
        variables=types.MappingProxyType(initial),
        languages=document.languages,
        understanding=document.understanding,
        names_languages="languages" in own.root.entries,
        hours=types.MappingProxyType(
            {name: calendar.made(date.today()) for name, calendar in document.hours.items()}
        ),
        routes=document.routes,
        universals=types.MappingProxyType(document.universals),
        on_error=document.on_error,
        on_hangup=document.on_hangup,
        operator=document.operator,
        files=(*(source.path for source in sources), *code),
        hash=hashlib.sha256(
            "\0".join((*(source.text for source in sources), *code.values())).encode()
        ).hexdigest()[:12],
    )
    return ReadPlan(plan, tuple(sources), types.MappingProxyType(step_nodes))


def _initial(document: Document, root: Node, problems: list[Problem]) -> dict[str, Any]:
    """Return the first values of a call's variables. No expression of them may read the call."""
    values: dict[str, Any] = {}
    for name, expression in document.variables.items():
        try:
            values[name] = expression.evaluate({})
        except ExpressionError as error:
            place = root.find(("variables", name))
            message = f"{quoted(name)} has no value before a call: {error}; set it in a step"
            problems.append(Problem(place.line, place.column, message))
    return values


def _code(functions: Iterable[Function]) -> dict[Path, str]:
    """The files of the plan's functions and their text, as far as it can be read."""
    paths = dict.fromkeys(function.path for function in functions if function.path is not None)
    return {path: path.read_text(encoding="utf-8", errors="replace") for path in paths if path.is_file()}


def load_plans(paths: Iterable[str | os.PathLike[str]]) -> list[Plan]:
    """Several plans for one service, which finds a call's plan by its name. Raises PlanError, also for two
    of one name (capitals do not count, as in a SIP user's name there)."""
    return [read.plan for read in read_plans(paths)]


def read_plans(paths: Iterable[str | os.PathLike[str]]) -> list[ReadPlan]:
    """Read and check several plans, and return their texts too. Raises PlanError."""
    plans: dict[str, ReadPlan] = {}
    for path in paths:
        read = read_plan(path)
        other = plans.setdefault(read.plan.name.lower(), read)
        if other is not read:
            name, where = quoted(read.plan.name), other.plan.path
            message = f"its name {name} is that of {where} too: change `name` in one of them"
            raise PlanError(os.fspath(path), [Problem(1, 1, message)])
    return list(plans.values())


def _step_nodes(sources: list[Source], problems: list[Problem]) -> dict[str, tuple[Source, Node, Node]]:
    """Every step by its name: its file, the name's node, its own."""
    nodes: dict[str, tuple[Source, Node, Node]] = {}
    for source in sources:
        found = source.root.entries.get("steps")
        if found is None or found[1].kind != "map":
            continue
        for name, (key, node) in found[1].entries.items():
            other = nodes.setdefault(name, (source, key, node))
            if other[0] is not source:
                message = f"the step {quoted(name)} is in {other[0].path.name} too; rename one of them"
                problems.extend(_in(source, [Problem(key.line, key.column, message)]))
    return nodes


def _params(node: Node) -> tuple[str, ...]:
    given = node.entries.get("params") if node.kind == "map" else None
    if given is None:
        return ()
    items = given[1].items if given[1].kind == "list" else [given[1]]
    return tuple(str(item.text) for item in items if item.kind == "scalar")


def _names_of(root: Node, field: str) -> frozenset[str]:
    given = root.entries.get(field)
    return frozenset(given[1].entries) if given is not None else frozenset()


def _languages(root: Node) -> tuple[str, ...]:
    given = root.entries.get("languages")
    if given is None or given[1].kind != "list":
        return ("en",)
    return tuple(str(item.text) for item in given[1].items if item.kind == "scalar")


def _speaks_after_hangup(start: str, steps: dict[str, Step]) -> Iterable[Problem]:
    """Report verbs that need the caller in steps that ``on_hangup`` leads to."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name in seen or name not in steps:
            continue
        seen.add(name)
        for placed in steps[name].verbs:
            if not placed.verb.after_hangup:
                verb = quoted(placed.verb.name)
                message = f"{verb} cannot be done after the caller has left, and on_hangup leads here"
                yield Problem(placed.line, placed.column, message, placed.file)
            todo.extend(step for _, step in placed.verb.may_go_to())


def _in(source: Source, problems: Iterable[Problem]) -> Iterable[Problem]:
    return (dataclasses.replace(problem, file=source.shown) for problem in problems)


def _validate(
    model: type[_Model], source: Source, context: LoadContext, problems: list[Problem], what: str
) -> _Model | None:
    """The top of ``source`` as ``model``, or its mistakes added to ``problems`` (see ``explain``)."""
    root = source.root
    try:
        return model.model_validate(root.plain(), context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems.extend(_in(source, (explain(detail, model, root, what, root) for detail in details)))
        return None
