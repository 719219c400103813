"""Which of a service's plans takes a call."""

from collections.abc import Sequence
from datetime import datetime

from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.runtime.control import CallFacts


class Routing:
    """All plans of a service."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        """Not empty. Among routes that say as much, those of the first plan come first."""
        self._plans = list(plans)
        routes = [(route, plan) for plan in plans for route in plan.routes]
        self._routes = sorted(
            (r for r in routes if not r[0].default), key=lambda r: r[0].weight, reverse=True
        )
        self._defaults = [r for r in routes if r[0].default]

    def find(self, facts: CallFacts, now: datetime) -> tuple[Plan, str]:
        """The plan that takes a call and the step it begins with. In this order: the most specific route that
        holds; the plan that is called by its name (sip:NAME@…); a default route; the first plan.
        """
        named = facts.called.lower()
        for route, plan in self._routes:
            if route.takes(facts, plan.hours, now):
                return plan, route.start or plan.start
        for plan in self._plans:
            if plan.name.lower() == named:
                return plan, plan.start
        for route, plan in self._defaults:
            if route.takes(facts, plan.hours, now):
                return plan, route.start or plan.start
        return self._plans[0], self._plans[0].start
