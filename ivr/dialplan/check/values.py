"""Variables: read where some path has not set them, and sensitive ones where others can see them.

The first is definite assignment: a forward data flow over the plan's graph that keeps, for every verb, the
names that have a value on every path to it. Sets of names are the bits of an integer.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from ivr.dialplan.check.finding import Finding, Rule
from ivr.dialplan.check.subject import Subject, values_in
from ivr.dialplan.plan.graph import Edge, Graph, Place
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import did_you_mean, quoted

UNKNOWN_VARIABLE = Rule(
    "unknown-variable",
    "error",
    "a variable that nothing sets",
    "No verb of the plan, no param and none of its `variables` has that name, so the verb fails for every "
    "caller.",
    "set it before, or correct the name",
)
UNSET_VARIABLE = Rule(
    "unset-variable",
    "error",
    "a variable that is read where some path has not set it",
    "A call can come to the verb by a path on which the variable has no value, and then the verb fails. "
    "Followed are gotos, choices, subroutines and their params, on_error and on_hangup (where only the "
    "plan's `variables` are certain). `name | default(0)`, `name is defined` and a branch on it are "
    "understood. `error` has a value where an on_error led, not where a route such as `failed` did.",
    'give it a first value under `variables`, or read it as `name | default("")`',
)
SENSITIVE_SHOWN = Rule(
    "sensitive-shown",
    "error",
    "a sensitive value in a log, a tag, a URL, a hangup's reason or a model's instructions",
    "What was gathered as `sensitive`, or worked out from that, would be seen by people and systems that "
    "it is not meant for. The service hides it in its own logs and records all the same; a URL it cannot "
    "hide.",
    "leave it out; send it to a back end in the body of the request",
)
RULES = (UNKNOWN_VARIABLE, UNSET_VARIABLE, SENSITIVE_SHOWN)

MAX_STEPS_SHOWN = 6
"""Of the way to a variable without a value."""
KNOWN = frozenset({"call", "now", "hours", "language"})
"""Names of the service's own that always have a value."""
ERROR = "error"
"""That of the last failure: there where an ``on_error`` led."""


def check(subject: Subject) -> Iterator[Finding]:
    yield from _unset(subject)
    yield from _shown(subject)


def _unset(subject: Subject) -> Iterator[Finding]:
    flow = _Flow(subject)
    for place, placed in subject.reached.items():
        needed = frozenset(placed.verb.needs()) & frozenset(placed.verb.reads()) - KNOWN
        if not needed:
            continue
        for name in sorted(needed - flow.certain(place)):
            path = _where(placed.verb, name)
            if name == ERROR:
                message = "'error' has no value on some path to here: it is there where an on_error led"
                remedy = "lead here by on_error alone, or ask first: error.event if error is defined else ''"
                yield subject.at_verb(UNSET_VARIABLE, place, message, path, remedy=remedy)
            elif name not in flow.bits:
                hint = did_you_mean(name, [*flow.bits, *KNOWN])
                message = f"nothing sets the variable {quoted(name)}{hint}"
                yield subject.at_verb(UNKNOWN_VARIABLE, place, message, path)
            else:
                way = flow.without(name, place)
                by = f", such as that through {', '.join(map(quoted, way))}" if len(way) > 1 else ""
                message = f"the variable {quoted(name)} has no value on some path to here{by}"
                yield subject.at_verb(UNSET_VARIABLE, place, message, path)


def _where(verb: object, name: str) -> Path:
    """The field that reads it."""
    for path, value in values_in(verb):
        if name in getattr(value, "needed", ()):
            return path
    return ()


class _Flow:
    """Which names have a value at which place, whatever path led there."""

    def __init__(self, subject: Subject) -> None:
        plan = subject.plan
        self.graph: Graph = subject.graph
        names = dict.fromkeys(plan.variables)
        for step in plan.steps.values():
            names.update(dict.fromkeys(step.params))
        for placed in subject.verbs.values():
            names.update(dict.fromkeys(placed.verb.sets()))
        names[ERROR] = None
        self.bits = {name: 1 << at for at, name in enumerate(names)}
        self._all = (1 << len(names)) - 1
        self._params = {name: self._mask(step.params) for name, step in plan.steps.items()}
        self._set: dict[tuple[Place, str], int] = {}
        self._returned = self._behind_subroutines()
        self._states = self._forward()

    def certain(self, place: Place) -> frozenset[str]:
        """Those with a value on every path to ``place``."""
        visible = self._states[place][2]
        return frozenset(name for name, bit in self.bits.items() if visible & bit)

    def without(self, name: str, place: Place) -> list[str]:
        """The steps of a shortest way to ``place`` on which nothing sets ``name``; its middle left out where
        it is long. Empty where none is found."""
        bit = self.bits[name]
        before: dict[Place, Place | None] = {
            root: None for root in self.graph.roots if not self._mask(self.graph.plan.variables) & bit
        }
        todo = deque(before)
        while todo and place not in before:
            at = todo.popleft()
            through = self._through(at, self._returned)
            for edge in self.graph.edges(at):
                if edge.target is None or edge.target in before:
                    continue
                added = self._params[edge.target[0]] if edge.kind == "call" else self._sets(edge)
                if not (added | (through if edge.kind == "next" else 0)) & bit:
                    before[edge.target] = at
                    todo.append(edge.target)
        steps: list[str] = []
        back: Place | None = place if place in before else None
        while back is not None:
            if not steps or steps[-1] != back[0]:
                steps.append(back[0])
            back = before[back]
        steps.reverse()
        return steps if len(steps) <= MAX_STEPS_SHOWN else [*steps[:2], "…", *steps[-3:]]

    def _mask(self, names: Iterable[str]) -> int:
        mask = 0
        for name in names:
            mask |= self.bits.get(name, 0)
        return mask

    def _sets(self, edge: Edge) -> int:
        """What is set when that edge is taken; by a verb that failed, the failure alone."""
        if edge.kind == "error":
            return self.bits[ERROR]
        known = self._set.get((edge.source, edge.why))
        if known is None:
            placed = self.graph.verb(edge.source)
            why = edge.why if edge.kind in ("goto", "call") else ""
            known = self._mask(placed.verb.sets_on(why)) if placed is not None else 0
            self._set[edge.source, edge.why] = known
        return known

    def _behind_subroutines(self) -> dict[Place, int]:
        """For every place: what is set for certain between there and the return of a subroutine; all, where
        none returns. Backward, to the greatest fixed point."""
        state = dict.fromkeys(self.graph.places, self._all)
        users: dict[Place, set[Place]] = {}
        for place in self.graph.places:
            for target in self.graph.successors(place, "next", "goto", "error", "call"):
                users.setdefault(target, set()).add(place)
        todo = dict.fromkeys(reversed(list(self.graph.places)))
        while todo:
            place = next(iter(todo))
            del todo[place]
            new = self._all
            through = self._through(place, state)
            for edge in self.graph.edges(place):
                if edge.kind == "return":
                    new = 0
                elif edge.target is not None and edge.kind != "call":
                    behind = through if edge.kind == "next" else 0
                    new &= self._sets(edge) | behind | state[edge.target]
            if new != state[place]:
                state[place] = new
                todo.update(dict.fromkeys(users.get(place, ())))
        return state

    def _through(self, place: Place, returned: dict[Place, int]) -> int:
        """What the subroutines that a verb enters set for certain before they come back."""
        firsts = list(self.graph.successors(place, "call"))
        if not firsts:
            return 0
        mask = self._all
        for first in firsts:
            mask &= returned[first] & ~self._params[first[0]]
        return mask

    def _forward(self) -> dict[Place, tuple[int, int, int]]:
        """For every place reached: the call's variables that have a value, the running subroutine's params
        that do, and both."""
        initial = self._mask(self.graph.plan.variables)
        states: dict[Place, tuple[int, int, int]] = {}
        todo: dict[Place, None] = {}

        def meet(place: Place, values: int, params: int) -> None:
            new = (values, params, values | params)
            old = states.get(place)
            if old is not None:
                new = (old[0] & new[0], old[1] & new[1], old[2] & new[2])
            if new != old:
                states[place] = new
                todo[place] = None

        for root in self.graph.roots:
            meet(root, initial, 0)
        while todo:
            place = next(iter(todo))
            del todo[place]
            values, params, visible = states[place]
            through = self._through(place, self._returned)
            for edge in self.graph.edges(place):
                if edge.target is None:
                    continue
                if edge.kind == "call":
                    meet(edge.target, values, self._params[edge.target[0]])
                    continue
                added = self._sets(edge) | (through if edge.kind == "next" else 0)
                # What only some paths hold as a param and others as a variable is certain all the same.
                either = visible & ~(values | params)
                meet(edge.target, values | (added & ~params) | either, params)
        return states


def _shown(subject: Subject) -> Iterator[Finding]:
    tainted = {name for placed in subject.verbs.values() for name in placed.verb.hidden()}
    if not tainted:
        return
    copies = [
        (name, frozenset(getattr(value, "names", ())))
        for placed in subject.verbs.values()
        # What a verb keeps under a name, and the params of a subroutine.
        for field, kept in (("values", set(placed.verb.sets())), ("with_", None))
        if kept is not None or any(placed.verb.enters())
        for name, value in (getattr(placed.verb, field, None) or {}).items()
        if kept is None or name in kept
    ]
    while True:
        more = {name for name, reads in copies if reads & tainted and name not in tainted}
        if not more:
            break
        tainted |= more
    for place, placed in subject.verbs.items():
        for field, reads in placed.verb.shows():
            found = sorted(reads & tainted)
            if found:
                where = {"tag": "the call's record", "log": "the log"}.get(placed.verb.name, f"{field!r}")
                message = f"the sensitive value {quoted(found[0])} would be seen in {where}"
                yield subject.at_verb(SENSITIVE_SHOWN, place, message, tuple(field.split(".")))
