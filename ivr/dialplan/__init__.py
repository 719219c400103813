"""The dialplan: what the service says and where the caller's answers lead."""

from ivr.dialplan.errors import PlanError, Problem
from ivr.dialplan.loader import load_plan
from ivr.dialplan.plan import Plan
from ivr.dialplan.run import CallControl, TransferResult, run_plan

__all__ = ["CallControl", "Plan", "PlanError", "Problem", "TransferResult", "load_plan", "run_plan"]
