"""The dialplan: what the service says and where the caller's answers lead.

The names below load plans, run them, and are what a verb of another package is made of (see
``verbs/README.md``).
"""

from ivr.dialplan.engine.loader import load_plan
from ivr.dialplan.engine.runner import Runner, run_plan
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.plan.verb import End, Enter, GoTo, Next, SpeakingVerb, Verb
from ivr.dialplan.runtime.context import CallContext
from ivr.dialplan.runtime.control import CallControl, CallFacts, Dial, TransferResult
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.runtime.world import World
from ivr.dialplan.source.errors import PlanError, Problem, VerbFailed

__all__ = [
    "CallContext",
    "CallControl",
    "CallFacts",
    "Dial",
    "End",
    "Enter",
    "GoTo",
    "Next",
    "Plan",
    "PlanError",
    "Problem",
    "Run",
    "Runner",
    "SpeakingVerb",
    "TransferResult",
    "Verb",
    "VerbFailed",
    "World",
    "load_plan",
    "run_plan",
]
