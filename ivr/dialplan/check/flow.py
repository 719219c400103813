"""Which variables have a value where: definite assignment, a forward data flow over a plan's graph that
keeps, for every verb, the names that have a value on every path to it. Sets of names are the bits of an
integer.
"""

from collections import deque
from collections.abc import Iterable

from ivr.dialplan.check.subject import Subject
from ivr.dialplan.plan.graph import Edge, Graph, Place

MAX_STEPS_SHOWN = 6
"""Steps shown of the way to a variable without a value."""
ERROR = "error"
"""The variable with the last failure: it has a value where an ``on_error`` led."""


class VariableFlow:
    """Finds which names have a value at which place, whatever path led there."""

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
        self.returned = self._behind_subroutines()
        self._states = self._forward()

    def certain(self, place: Place) -> frozenset[str]:
        """Return the names with a value on every path to ``place``."""
        visible = self._states[place][2]
        return frozenset(name for name, bit in self.bits.items() if visible & bit)

    def without(self, name: str, place: Place) -> list[str]:
        """Return the steps of a shortest way to ``place`` on which nothing sets ``name``, without the middle
        of a long one; [] where there is none.
        """
        bit = self.bits[name]
        before: dict[Place, Place | None] = {
            root: None for root in self.graph.roots if not self._mask(self.graph.plan.variables) & bit
        }
        todo = deque(before)
        while todo and place not in before:
            at = todo.popleft()
            through = self.through(at, self.returned)
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
        """Return the names that have a value once an edge is taken; after a failed verb only the error."""
        if edge.kind == "error":
            return self.bits[ERROR]
        known = self._set.get((edge.source, edge.why))
        if known is None:
            placed = self.graph.verb(edge.source)
            why = edge.why if edge.kind in ("goto", "call") else ""
            known = self._mask(placed.verb.sets_when(why)) if placed is not None else 0
            if placed is not None:
                # A verb that went on had what it needs: one finding for a variable is enough.
                known |= self._mask(frozenset(placed.verb.requires()) & frozenset(placed.verb.reads()))
            self._set[edge.source, edge.why] = known
        return known

    def _behind_subroutines(self) -> dict[Place, int]:
        """Return for every place what is certainly set between there and the return of a subroutine;
        everything, where nothing returns. Backward, to the greatest fixed point.
        """
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
            through = self.through(place, state)
            for edge in self.graph.edges(place):
                if edge.kind == "return":
                    new = 0
                elif edge.target is not None and edge.kind != "call":
                    after = through if edge.kind == "next" else 0
                    new &= self._sets(edge) | after | state[edge.target]
            if new != state[place]:
                state[place] = new
                todo.update(dict.fromkeys(users.get(place, ())))
        return state

    def through(self, place: Place, returned: dict[Place, int]) -> int:
        """Return what the subroutines that a verb enters certainly set before they return."""
        firsts = list(self.graph.successors(place, "call"))
        if not firsts:
            return 0
        mask = self._all
        for first in firsts:
            mask &= returned[first] & ~self._params[first[0]]
        return mask

    def _forward(self) -> dict[Place, tuple[int, int, int]]:
        """Return for every place reached the variables of the call that have a value, the params of the
        running subroutine that have one, and both.
        """
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
            through = self.through(place, self.returned)
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
