"""The position of a call in its plan."""

from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import PlacedVerb, Step, Verb


class PlanPosition:
    """The step and the verb that run. Implements ``ivr.dialplan.runtime.plan_view.Position``."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.place: tuple[str, int] = (plan.start, 0)
        self.reply_steps: dict[str, Step] = {}
        """Verbs from the answer to a request, while they run, by the name they run under."""

    @property
    def step(self) -> str:
        return self.place[0]

    @property
    def line(self) -> int:
        return self.placed().line

    def placed(self) -> PlacedVerb:
        """Return the verb that runs."""
        step, index = self.place
        return self.step_named(step).verbs[index]

    def step_named(self, name: str) -> Step:
        """Return a step of the plan, or one of ``reply_steps``."""
        return self.reply_steps.get(name) or self._plan.steps[name]

    def next_listener(self) -> Verb | None:
        """Return the verb that listens next whatever happens; None where that is not certain."""
        step, index = self.place
        seen: set[str] = set()
        while True:
            for placed in self.step_named(step).verbs[index:]:
                if placed.verb.listens:
                    return placed.verb
                if placed.verb.may_end():
                    return None
                target = placed.verb.always_goes_to()
                if target is not None:
                    break
                if any(placed.verb.may_go_to()):  # it depends on the call which of them it is
                    return None
            else:
                return None
            if target in seen:
                return None
            seen.add(target)
            step, index = target, 0
