"""The dialplan: what the service says and where the caller's answers lead."""

from ivr.dialplan.engine.loader import load_plan
from ivr.dialplan.engine.runner import Runner, run_plan
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.runtime.control import CallControl, CallFacts, Dial, TransferResult
from ivr.dialplan.runtime.world import World
from ivr.dialplan.source.errors import PlanError, Problem

__all__ = [
    "CallControl",
    "CallFacts",
    "Dial",
    "Plan",
    "PlanError",
    "Problem",
    "Runner",
    "TransferResult",
    "World",
    "load_plan",
    "run_plan",
]
