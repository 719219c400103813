"""Verbs in the answer to a request: JSON in the language of plans, checked by the same models before the
first of them runs.
"""

from typing import Any

from ivr.dialplan.engine.steps import read_step
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb
from ivr.dialplan.runtime.world import BadReply
from ivr.dialplan.source.document import MAX_DEPTH, Node
from ivr.dialplan.source.errors import Problem, quoted
from ivr.dialplan.values.fields import LoadContext

MAX_VERBS = 100
"""Verbs in one answer."""
MAX_NODES = 5_000
"""Values in one answer."""


def verbs_of_reply(reply: Any, plan: Plan) -> tuple[PlacedVerb, ...]:
    """Return the checked verbs of ``{"verbs": [...]}``, which may be none. Steps, languages and sound files
    are those of the plan: nothing is read from disk for an answer. Raises BadReply.
    """
    if not isinstance(reply, dict) or set(reply) != {"verbs"} or not isinstance(reply["verbs"], list):
        raise BadReply('expected an object with a list of verbs, such as {"verbs": [{"say": "Hello"}]}')
    given = reply["verbs"]
    if len(given) > MAX_VERBS:
        raise BadReply(f"$.verbs: {len(given)} verbs, more than {MAX_VERBS}")
    if not given:
        return ()
    paths: list[str] = []
    node = _node(given, "$.verbs", 0, paths)
    context = LoadContext(
        frozenset(plan.steps),
        plan.path.parent,
        sounds=dict(plan.sounds),
        params={name: step.params for name, step in plan.steps.items()},
        languages=plan.languages,
        understanding=plan.understanding,
        hours=frozenset(plan.hours),
        universals=plan.universals,
        in_call=True,
    )
    problems: list[Problem] = []
    step = read_step("verbs", node, node, context, problems)
    if problems:
        reported = [f"{paths[problem.line - 1]}: {problem.message}" for problem in sorted(problems)[:3]]
        raise BadReply("; ".join(reported))
    return step.verbs


def _node(value: Any, path: str, depth: int, paths: list[str]) -> Node:
    """Return ``value`` as the tree of a plan's file. A node's line is its index in ``paths``, from 1."""
    paths.append(path)
    if len(paths) > MAX_NODES:
        raise BadReply(f"more than {MAX_NODES} values")
    if depth > MAX_DEPTH:
        raise BadReply(f"lists and objects more than {MAX_DEPTH} deep")
    here = len(paths)
    if isinstance(value, list):
        items = [_node(item, f"{path}[{at}]", depth + 1, paths) for at, item in enumerate(value)]
        return Node("list", here, 1, items=items)
    if isinstance(value, dict):
        entries: dict[str, tuple[Node, Node]] = {}
        for name, item in value.items():
            inside = f"{path}.{name}" if name.isidentifier() else f"{path}[{quoted(name)}]"
            child = _node(item, inside, depth + 1, paths)
            entries[name] = (Node("scalar", child.line, 1, text=name), child)
        return Node("map", here, 1, entries=entries)
    if value is None:
        return Node("scalar", here, 1)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Node("scalar", here, 1, text=text)
