"""The ways through a plan: a graph of its verbs, for checks, pictures and coverage.

A node is a verb's place, (step, index); the place after a step's last verb is the step's end. Subroutines
are followed by summaries: the edge into one is a ``call``, and the verb after it follows when some way
through the subroutine comes back (as in T. Reps, S. Horwitz, M. Sagiv, POPL 1995, without their facts).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb

Place = tuple[str, int]
"""Step, and index in it. The index after the last verb is the end of the step."""

EdgeKind = Literal["next", "goto", "call", "return", "error", "end"]


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge. ``target`` is None where the plan is over (``end``), or goes back to where the running
    subroutine was entered (``return``; where none was, the plan is over too)."""

    source: Place
    target: Place | None
    kind: EdgeKind
    why: str = ""
    """The label from ``may_go_to``: a choice's name, an outcome, a condition."""


class Graph:
    """The graph of one plan. Each property is computed once, when it is first read."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._edges: dict[Place, tuple[Edge, ...]] = {}
        for name, step in plan.steps.items():
            for index in range(len(step.verbs) + 1):
                self._edges[name, index] = tuple(self._edges_of((name, index)))

    # -- the plan as written

    @property
    def places(self) -> Iterable[Place]:
        """Every verb's, and every step's end, in the plan's order."""
        return self._edges.keys()

    def verb(self, place: Place) -> PlacedVerb | None:
        """None at a step's end."""
        verbs = self.plan.steps[place[0]].verbs
        return verbs[place[1]] if place[1] < len(verbs) else None

    def edges(self, place: Place) -> tuple[Edge, ...]:
        """The ways on from there. The ``next`` edge after a subroutine is among them only where the
        subroutine can come back."""
        edges = self._edges[place]
        calls = [edge for edge in edges if edge.kind == "call" and edge.target is not None]
        if calls and not any(edge.target in self.can_return for edge in calls):
            return tuple(edge for edge in edges if edge.kind != "next")
        return edges

    def successors(self, place: Place, *kinds: EdgeKind) -> Iterator[Place]:
        """Yield the targets of those edges."""
        for edge in self.edges(place):
            if edge.target is not None and edge.kind in kinds:
                yield edge.target

    @cached_property
    def order(self) -> dict[Place, int]:
        """Every place's number in the plan's order."""
        return {place: number for number, place in enumerate(self._edges)}

    # -- what can be reached

    @cached_property
    def can_return(self) -> frozenset[Place]:
        """Places from which a running subroutine can reach its return, or to the end of a step."""
        before: dict[Place, list[Place]] = {}
        waiting: dict[Place, list[Place]] = {}  # a subroutine's first place to the places that call it
        todo: list[Place] = []
        for place, edges in self._edges.items():
            calls = [edge.target for edge in edges if edge.kind == "call" and edge.target is not None]
            for edge in edges:
                if edge.kind == "return":
                    todo.append(place)
                elif edge.target is not None and edge.kind in ("goto", "error"):
                    before.setdefault(edge.target, []).append(place)
                elif edge.target is not None and edge.kind == "next":
                    if calls:
                        for callee in calls:
                            waiting.setdefault(callee, []).append(place)
                    else:
                        before.setdefault(edge.target, []).append(place)
        found = set(todo)
        while todo:
            place = todo.pop()
            after = [(caller[0], caller[1] + 1) for caller in waiting.get(place, ())]
            # A caller of a subroutine that returns comes back itself where what follows the call does.
            for follow, caller in zip(after, waiting.get(place, ()), strict=True):
                before.setdefault(follow, []).append(caller)
                if follow in found and caller not in found:
                    found.add(caller)
                    todo.append(caller)
            for earlier in before.get(place, ()):
                if earlier not in found:
                    found.add(earlier)
                    todo.append(earlier)
        return frozenset(found)

    @cached_property
    def roots(self) -> tuple[Place, ...]:
        """The places where calls begin: ``starts``, then the first of ``on_hangup``."""
        return self.starts + (((self.plan.on_hangup, 0),) if self.plan.on_hangup is not None else ())

    @cached_property
    def starts(self) -> tuple[Place, ...]:
        """The places where calls begin with a caller: the plan's start, then those of its routes."""
        names = [self.plan.start, *(route.start for route in self.plan.routes if route.start is not None)]
        return tuple((name, 0) for name in dict.fromkeys(names))

    @cached_property
    def top(self) -> frozenset[Place]:
        """What is reached outside of subroutines, with the caller on the line."""
        return self.reach(self.starts, calls=False)

    @cached_property
    def entered(self) -> frozenset[Place]:
        """What is reached inside of subroutines, wherever they are called from."""
        reached = self.reached
        firsts = {target for place in reached for target in self.successors(place, "call")}
        return self.reach(firsts, calls=True)

    @cached_property
    def reached(self) -> frozenset[Place]:
        """Places reachable by any call."""
        return self.reach(self.roots, calls=True)

    def reach(self, starts: Iterable[Place], *, calls: bool) -> frozenset[Place]:
        """``starts`` and what follows them, into subroutines too where ``calls``."""
        kinds: tuple[EdgeKind, ...] = ("next", "goto", "error", *(("call",) if calls else ()))
        todo = list(starts)
        found = set(todo)
        while todo:
            for target in self.successors(todo.pop(), *kinds):
                if target not in found:
                    found.add(target)
                    todo.append(target)
        return frozenset(found)

    def reaching(self, goals: Iterable[Place], *kinds: EdgeKind) -> frozenset[Place]:
        """``goals`` and all places from which one of them can be reached along those edges."""
        before: dict[Place, list[Place]] = {}
        for place in self.places:
            for target in self.successors(place, *kinds):
                before.setdefault(target, []).append(place)
        todo = list(goals)
        found = set(todo)
        while todo:
            for earlier in before.get(todo.pop(), ()):
                if earlier not in found:
                    found.add(earlier)
                    todo.append(earlier)
        return frozenset(found)

    def _edges_of(self, place: Place) -> Iterator[Edge]:
        name, index = place
        placed = self.verb(place)
        if placed is None:
            yield Edge(place, None, "return", "end of step")
            return
        verb = placed.verb
        entered = set(verb.subroutines())
        for why, step in verb.may_go_to():
            yield Edge(place, (step, 0), "call" if (why, step) in entered else "goto", why)
        if verb.may_end():
            yield Edge(place, None, "end", verb.name)
        if verb.returns:
            yield Edge(place, None, "return", verb.name)
        if not verb.always_leaves():
            yield Edge(place, (name, index + 1), "next")
        after = verb.on_error or self.plan.on_error
        if after is not None:
            yield Edge(place, (after, 0), "error", "error")


def components(
    places: Iterable[Place], after: Mapping[Place, Iterable[Place]]
) -> Iterator[tuple[Place, ...]]:
    """The strongly connected components among ``places``, those that lead nowhere else first (R. Tarjan,
    1972; without recursion, since plans are long)."""
    inside = dict.fromkeys(places)
    number: dict[Place, int] = {}
    low: dict[Place, int] = {}
    stack: list[Place] = []
    on_stack: set[Place] = set()
    for root in inside:
        if root in number:
            continue
        work: list[tuple[Place, Iterator[Place]]] = []
        pending: Place | None = root
        while work or pending is not None:
            if pending is not None:
                number[pending] = low[pending] = len(number)
                stack.append(pending)
                on_stack.add(pending)
                work.append((pending, iter(tuple(after.get(pending, ())))))
                pending = None
            place, targets = work[-1]
            for target in targets:
                if target not in inside:
                    continue
                if target not in number:
                    pending = target
                    break
                if target in on_stack:
                    low[place] = min(low[place], number[target])
            if pending is not None:
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[place])
            if low[place] == number[place]:
                component = []
                while True:
                    member = stack.pop()
                    on_stack.discard(member)
                    component.append(member)
                    if member == place:
                        break
                yield tuple(component)
