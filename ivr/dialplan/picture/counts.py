"""How often real calls went each way: from the log that a service writes as JSON lines."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ivr.dialplan.dialogue.coverage import reasons_of
from ivr.dialplan.plan.plan import Plan


@dataclass(slots=True)
class Counts:
    """Of one plan."""

    calls: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(step, why, target), as ``Verb.may_go_to`` names them."""
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(step, reason)."""


def count_calls(plan: Plan, lines: Iterable[str]) -> Counts:
    """Lines that are none of this plan's, or no JSON at all, are passed over."""
    counts = Counts()
    ways: dict[tuple[str, str], list[str]] = {}
    for name, of_plan in plan.steps.items():
        for placed in of_plan.verbs:
            for why, target in placed.verb.may_go_to():
                ways.setdefault((name, target), []).append(why)
    at: dict[str, str] = {}
    """Call to the step that it is in."""
    reasons: dict[str, list[str]] = {}
    for line in lines:
        event = _event(line)
        if event.get("plan") != plan.name:
            continue
        call, step = str(event.get("call", "")), str(event.get("step", ""))
        reason = reasons.setdefault(call, [])
        match event.get("event"):
            case "step_entered":
                counts.steps[step] += 1
                if call in at:
                    named = ways.get((at[call], step), [])
                    first = (named or [""])[0]
                    name = next((word for word in reversed(reason) if word in named), first)
                    counts.ways[at[call], name, step] += 1
                else:
                    counts.calls += 1
                at[call] = step
                reason.clear()
            case "plan_ended":
                counts.ends[step, str(event.get("reason"))] += 1
                at.pop(call, None)
                reasons.pop(call, None)
            case told:
                reason.extend(reasons_of(str(told), event))
    return counts


def _event(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
