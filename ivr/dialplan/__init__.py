"""The dialplan: what the service says and where the caller's answers lead."""

from ivr.dialplan.control import CallControl, CallFacts, Dial, TransferResult
from ivr.dialplan.errors import PlanError, Problem
from ivr.dialplan.loader import load_plan
from ivr.dialplan.plan import Plan
from ivr.dialplan.runner import Runner, run_plan
from ivr.dialplan.world import World

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
