"""Counts how often real calls went each way through a plan, from the JSON log of a service."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ivr.dialplan.dialogue.coverage import reasons_of
from ivr.dialplan.plan.plan import Plan

Event = Mapping[str, object]


@dataclass(slots=True)
class Counts:
    """How often calls went through the steps of one plan."""

    calls: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(step, why, target), as ``Verb.may_go_to`` names them."""
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(step, reason)."""
    other_calls: int = 0
    """Calls that were left out: of other plans, and of a plan of the same name with other steps."""


def count_calls(plan: Plan, lines: Iterable[str]) -> Counts:
    """Count the calls of a plan. Lines that are not JSON are left out, and so are calls of other plans: those
    with another name, and those that entered a step that this plan does not have.
    """
    counts = Counts()
    calls: dict[tuple[str, str], list[Event]] = {}
    for line in lines:
        event = _event(line)
        if "plan" in event:
            calls.setdefault((str(event["plan"]), str(event.get("call", ""))), []).append(event)
    ways: dict[tuple[str, str], list[str]] = {}
    for name, step in plan.steps.items():
        for placed in step.verbs:
            for why, target in placed.verb.may_go_to():
                ways.setdefault((name, target), []).append(why)
    for (name, _), events in calls.items():
        entered = [str(event.get("step")) for event in events if event.get("event") == "step_entered"]
        if name == plan.name and plan.steps.keys() >= set(entered):
            _count(counts, events, ways)
        elif entered:
            counts.other_calls += 1
    return counts


def _count(counts: Counts, events: Iterable[Event], ways: Mapping[tuple[str, str], list[str]]) -> None:
    """Add one call."""
    at: str | None = None
    reasons: list[str] = []
    for event in events:
        step = str(event.get("step", ""))
        match event.get("event"):
            case "step_entered":
                counts.steps[step] += 1
                if at is None:
                    counts.calls += 1
                else:
                    named = ways.get((at, step), [])
                    first = (named or [""])[0]
                    why = next((word for word in reversed(reasons) if word in named), first)
                    counts.ways[at, why, step] += 1
                at = step
                reasons.clear()
            case "plan_ended":
                counts.ends[step, str(event.get("reason"))] += 1
            case name:
                reasons.extend(reasons_of(str(name), event))


def _event(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
