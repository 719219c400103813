"""Makes the content of a picture from a plan: steps as boxes with rows, and the ways between them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb, Step, Verb
from ivr.dialplan.source.errors import Problem
from ivr.dialplan.values.expressions import Expression, Template
from ivr.dialplan.values.texts import Spoken

HUB = 4
"""If more ways than this lead to one step, they are named in their rows and not drawn, unless they lead to a
step that is farther from the beginning."""
WIDEST = 46
"""Longest text of a row, in characters."""

Kind = Literal["does", "choice", "way", "miss", "end"]
"""does: what a verb does. choice, way: a way to another step. miss: what follows when nothing matches, the
tries are used up or something fails. end: a call ends here."""
_MISSES = (
    "noinput nomatch exhausted busy noanswer failed on_error timeout unreachable bad_answer down full"
    " too_long max_turns max_time max_cost 4xx 5xx"
)
MISSES = frozenset(_MISSES.split())
"""Names of ways that calls take when something did not work."""
_WORDS = {"noinput": "no input", "nomatch": "no match", "noanswer": "no answer", "on_error": "on error",
          "exhausted": "no tries are left", "too_long": "too long", "bad_answer": "bad answer"}  # fmt: skip


@dataclass(slots=True)
class Row:
    """One line of a box. If it has a ``target``, a way begins there."""

    kind: Kind
    text: str
    verb: str = ""
    why: str = ""
    """Name of the way, as ``Verb.may_go_to`` gives it."""
    target: str | None = None
    drawn: bool = True
    """Whether the way is drawn as a line; else the row names its target."""


@dataclass(slots=True)
class Box:
    """One step of a plan."""

    name: str
    rows: list[Row]
    problems: list[str] = field(default_factory=list)
    start: bool = False
    ends: bool = False
    """Whether a call may end in it."""
    reached: bool = True
    """Whether something leads to it."""


def boxes(plan: Plan, problems: Iterable[Problem] = ()) -> list[Box]:
    """Return the steps in the order of the plan, with the ``problems`` at the steps in which they are."""
    names = [plan.start, *(name for name in plan.steps if name != plan.start)]
    found = [_box(plan, name, plan.steps[name]) for name in names]
    _name_the_ways_back(plan, found)
    reached = _reached(plan, found)
    reported = list(problems)
    for box in found:
        box.reached = box.name in reached
        box.problems = [problem.message for problem in reported if _step_of(plan, problem) == box.name]
    return found


def entries(plan: Plan) -> Iterator[tuple[str, str]]:
    """Return the steps to which something other than a verb leads, and what that is."""
    yield "call", plan.start
    for route in plan.routes:
        if route.start is not None and route.start != plan.start:
            said = next((p.source for p in (route.to, route.from_, route.trunk) if p is not None), "")
            hours = f"{route.open} open" if route.open else f"{route.closed} closed" if route.closed else ""
            yield " ".join(filter(None, ("call", said, hours))), route.start
    if plan.on_error is not None:
        yield "error", plan.on_error
    if plan.on_hangup is not None:
        yield "caller hung up", plan.on_hangup


def _box(plan: Plan, name: str, step: Step) -> Box:
    rows = [row for placed in step.verbs for row in _rows(placed)]
    last = step.verbs[-1].verb
    if not last.always_leaves():
        called = any(_calls(placed.verb, name) for other in plan.steps.values() for placed in other.verbs)
        rows.append(Row("end", "back to the caller of this step" if called else "the plan ends"))
    return Box(name, rows, start=name == plan.start, ends=any(row.kind == "end" for row in rows))


def _calls(verb: Verb, step: str) -> bool:
    return verb.name == "call" and any(target == step for _, target in verb.may_go_to())


def _rows(placed: PlacedVerb) -> Iterator[Row]:
    verb: Any = placed.verb
    if verb.always_goes_to() is None:
        yield Row("end" if verb.may_end() and verb.always_leaves() and not verb.listens else "does",
                  _summary(verb), verb.name)  # fmt: skip
    choices = getattr(verb, "choices", None) or {}
    going = dict.fromkeys(verb.may_go_to())
    for why, target in going:
        if why in MISSES or (why.isdigit() and len(why) == 3 and why >= "400" and verb.name == "request"):
            yield Row("miss", _miss(verb, why), why=why, target=target)
        elif why in choices:
            yield Row("choice", _choice(why, choices[why]), why=why, target=target)
        else:
            yield Row("way", why, why=why, target=target)
    taken = {why for why, _ in going}
    for why, choice in choices.items():
        if why not in taken:
            yield Row("choice", f"{_choice(why, choice)}: next", why=why)
    if verb.may_give_up():
        for why in ("noinput", "nomatch"):
            if why not in taken:
                yield Row("end", f"{_miss(verb, why)}: goodbye", why=why)
    if verb.on_error is not None:
        yield Row("miss", "on error", why="on_error", target=verb.on_error)


def _choice(name: str, choice: Any) -> str:
    keys = " ".join(getattr(choice, "press", ()) or ())
    return f"{name}  [{keys}]" if keys else name


def _miss(verb: Any, why: str) -> str:
    tries = getattr(getattr(verb, why, None), "tries", None)
    return _WORDS.get(why, why) + (f" ({tries + 1} times)" if tries is not None else "")


def _summary(verb: Any) -> str:
    """Return what a verb says or does, in a few words."""
    for name in ("prompt", verb.short_field, verb.mapping_field, "on", "if_"):
        value = getattr(verb, name, None) if name else None
        if value is not None:
            return _cut(_words(value))
    return ""


def _words(value: Any) -> str:
    match value:
        case Spoken():
            return value.in_language(value.languages[0]).source
        case Template() | Expression():
            return value.source
        case dict():
            return ", ".join(f"{name} = {_words(item)}" for name, item in value.items())
        case list() | tuple():
            return _words(value[0]) if value else ""
        case float():
            return f"{value:g} s"
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1].rstrip() + "…"


def _name_the_ways_back(plan: Plan, found: list[Box]) -> None:
    """Decide which ways are drawn: lines back to the menu, and from everywhere to the operator, would hide
    all others.
    """
    depth = _depths(plan, found)
    into = Counter(row.target for box in found for row in box.rows if row.target is not None)
    for box in found:
        for row in box.rows:
            if row.target is None or row.target == box.name:
                continue
            on = depth.get(row.target, 0) - depth.get(box.name, 0)
            if on < 0 or (on == 0 and into[row.target] > HUB):
                row.drawn = False


def _depths(plan: Plan, found: list[Box]) -> dict[str, int]:
    """Return the distance of each step from the beginning, in steps, by the shortest way."""
    ways = {box.name: [row.target for row in box.rows if row.target is not None] for box in found}
    depth = {name: 0 for _, name in entries(plan)}
    todo = list(depth)
    for name in todo:  # grows meanwhile
        for target in ways[name]:
            if target not in depth:
                depth[target] = depth[name] + 1
                todo.append(target)
    return depth


def _reached(plan: Plan, found: list[Box]) -> set[str]:
    return set(_depths(plan, found))


def _step_of(plan: Plan, problem: Problem) -> str | None:
    """Return the step with the line of a problem: the last one that begins before it in the file."""
    before = [
        (step.line, name)
        for name, step in plan.steps.items()
        if step.file == problem.file and step.line <= problem.line
    ]
    return max(before)[1] if before else None
