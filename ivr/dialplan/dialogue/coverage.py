"""Measures which parts of a plan its dialogues go through: steps, choices, what follows a missing answer or a
failure, and every other way from step to step.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ivr.dialplan.dialogue.plan_log import LogListener
from ivr.dialplan.engine.runner import Runner
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb
from ivr.dialplan.values.variables import HIDDEN

Place = tuple[str, int]
"""A step, and the index of a verb in it."""


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """A part of a plan that a dialogue can go through."""

    file: str
    """"" for the plan's own file."""
    line: int
    kind: str
    """step, choice, event or route."""
    step: str
    verb: int
    """Index of the verb in the step; -1 for the step itself."""
    name: str
    """The choice, the event, or the reason of the route."""
    target: str = ""

    def __str__(self) -> str:
        if self.kind == "step":
            return f"step {self.step}"
        if self.kind == "route":
            why = f" ({self.name})" if self.name else ""
            return f"route {self.step} -> {self.target}{why}"
        return f"{self.kind} {self.name} of {self.step}"


class Coverage:
    """Coverage of one plan by any number of calls."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.items: dict[Item, int] = dict.fromkeys(_items(plan), 0)
        """Each item, and how many times calls went through it."""
        self._routes: dict[Place, list[Item]] = {}
        self._named: dict[tuple[str, int, str, str], Item] = {}
        for item in self.items:
            if item.kind == "route":
                self._routes.setdefault((item.step, item.verb), []).append(item)
            else:
                self._named[item.step, item.verb, item.kind, item.name] = item

    @property
    def missed(self) -> list[Item]:
        """The items that no call went through, sorted by place."""
        return sorted(item for item, count in self.items.items() if not count)

    @property
    def percent(self) -> float:
        """Percentage of the items that calls went through; 100 for a plan without items."""
        return 100.0 * sum(map(bool, self.items.values())) / max(1, len(self.items))

    def visitor(self, runner: Runner) -> LogListener:
        """Return a listener for the log of one call."""
        visit = self.recorder()
        return lambda event, fields: visit(runner.position.place, event, fields)

    def recorder(self) -> Callable[[Place, str, dict[str, Any]], None]:
        """Return the same for events that come with their place (``Run.at``)."""
        reasons: list[str] = []
        """Reasons that were logged since the last step was entered, the likeliest last."""

        private = False
        """Whether a choice was made that the log hides: only the step that follows shows which."""

        asked: Place | None = None
        """The place where a universal was chosen: it leaves subroutines before its step is entered."""

        def visit(place: Place, event: str, fields: dict[str, Any]) -> None:
            nonlocal private, asked
            step, verb = place
            match event:
                case "universal_chosen":
                    asked = place
                case "step_entered":
                    place, asked = asked or place, None
                    if private:
                        self._enter_by_private_choice(place, str(fields["step"]))
                    private = False
                    self._enter(place, str(fields["step"]), reasons)
                    reasons.clear()
                case "choice_matched":
                    private = fields["choice"] == HIDDEN
                    self._count(step, verb, "choice", str(fields["choice"]))
                case "noinput" | "nomatch":
                    last = fields.get("attempt", 1) >= fields.get("attempts", 0)
                    self._count(step, verb, "event", f"{event} exhausted" if last else event)
                case "verb_failed":
                    self._count(step, verb, "event", "on_error")
            reasons.extend(reasons_of(event, fields))

        return visit

    def _enter(self, place: Place, step: str, reasons: list[str]) -> None:
        self._count(step, -1, "step", step)
        ways = [item for item in self._routes.get(place, ()) if item.target == step]
        names = {item.name for item in ways}
        why = next((reason for reason in reversed(reasons) if reason in names), None)
        for item in [item for item in ways if item.name == why] or ways:
            self.items[item] += 1

    def _enter_by_private_choice(self, place: Place, step: str) -> None:
        for item in self._routes.get(place, ()):
            if item.target == step:
                self._count(*place, "choice", item.name)

    def _count(self, step: str, verb: int, kind: str, name: str) -> None:
        item = self._named.get((step, verb, kind, name))
        if item is not None:
            self.items[item] += 1


def reasons_of(event: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the reasons (``Verb.may_go_to``) for which a plan may go on after a line of its log, the
    likeliest last.
    """
    match event:
        case "choice_matched":
            return (str(fields.get("choice")),)
        case "noinput" | "nomatch":
            return ("exhausted", event)
        case "input_matched":
            return (str(fields.get("input")),)
        case "universal_chosen":
            return (str(fields.get("universal")),)
        case "transfer_failed":
            return (str(fields.get("outcome")),)
        case "request_ended":
            outcome = str(fields.get("outcome"))
            return ("failed", f"{outcome[0]}xx", outcome) if outcome.isdigit() else ("failed", outcome)
        case "agent_tool_used":
            return (str(fields.get("tool")),)
        case "agent_ended":
            return (str(fields.get("how")),)
        case "model_down":
            return ("down",)
        case "verb_failed":
            return ("on_error",)
    return ()


def _items(plan: Plan) -> Iterator[Item]:
    for name, step in plan.steps.items():
        yield Item(step.file, step.line, "step", name, -1, name)
        for at, placed in enumerate(step.verbs):
            for kind, what, target in _of_verb(plan, placed):
                yield Item(placed.file, placed.line, kind, name, at, what, target)


def _of_verb(plan: Plan, placed: PlacedVerb) -> Iterator[tuple[str, str, str]]:
    verb: Any = placed.verb
    for why, target in dict.fromkeys(verb.may_go_to()):
        yield "route", why, target
    for choice in getattr(verb, "choices", None) or ():
        yield "choice", choice, ""
    if verb.listens:
        for event in ("noinput", "nomatch"):
            miss = getattr(verb, event, None)
            if miss is not None:
                if getattr(miss, "tries", 0):
                    yield "event", event, ""
                yield "event", f"{event} exhausted", ""
    if verb.on_error is not None:
        yield "event", "on_error", ""
