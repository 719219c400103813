"""The lines of the log that record a call: one set of fields, whoever writes them.

``call_started`` has ``BEGUN``. ``call_ended`` has these and how it went; of a call that was lost with its
worker the supervisor writes it, and what only the worker knew is None.
"""

from collections.abc import Mapping
from typing import Any

from ivr.dialplan.plan.plan import Plan
from ivr.sip.leg import CallLeg
from ivr.sip.stats import RtpStats

BEGUN = ("call", "caller", "called", "plan", "plan_hash", "direction", "transport")


def begun(leg: CallLeg, plan: Plan) -> dict[str, Any]:
    """What is known from the beginning; the keys are ``BEGUN``."""
    return {
        "call": leg.call_id,
        "caller": leg.caller,
        "called": leg.called,
        "plan": plan.name,
        "plan_hash": plan.hash,
        "direction": "out" if leg.outgoing else "in",
        "transport": leg.transport,
    }


def ended(
    begun: Mapping[str, Any],
    duration_s: float,
    reason: str,
    status: int = 0,
    stats: RtpStats | None = None,
    tags: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The fields of ``call_ended``. ``status`` is the final one of SIP, 0 when there was none; ``tags`` what
    the plan put there."""
    return {
        **begun,
        "duration_s": round(max(0.0, duration_s), 2),
        "reason": reason,
        "status": status,
        "encryption": stats.encryption if stats else None,
        "codec": stats.codec if stats else None,
        "packets_received": stats.received if stats else None,
        "packets_sent": stats.sent if stats else None,
        "packets_lost": stats.lost if stats else None,
        "jitter_ms": round(stats.jitter_ms, 2) if stats else None,
        "tags": dict(tags) if tags else None,
    }
