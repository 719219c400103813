"""The lines of the log that record a call: one set of fields, whoever writes them.

``call_started`` has ``STARTED_FIELDS``, ``call_ended`` these and the result. The supervisor writes the latter
for a call that was lost with its worker; what only the worker knew is then None.
"""

from collections.abc import Mapping
from typing import Any

from ivr.dialplan.plan.plan import Plan
from ivr.sip.leg import CallLeg
from ivr.sip.stats import RtpStats

STARTED_FIELDS = ("call", "caller", "called", "plan", "plan_hash", "direction", "transport")
"""The fields of ``call_started``."""
PARTY_FIELDS = ("call", "other_call", "to")
"""What is kept of a call to a party: the caller's Call-ID, its own, and the address."""
ENDED_FIELDS = (
    "duration_s",
    "reason",
    "status",
    "encryption",
    "codec",
    "packets_received",
    "packets_sent",
    "packets_lost",
    "jitter_ms",
    "tags",
)
"""The fields that ``call_ended`` has besides these."""


def started_fields(leg: CallLeg, plan: Plan) -> dict[str, Any]:
    """Return what is known from the beginning; the keys are ``STARTED_FIELDS``."""
    return {
        "call": leg.call_id,
        "caller": leg.caller,
        "called": leg.called,
        "plan": plan.name,
        "plan_hash": plan.hash,
        "direction": "out" if leg.outgoing else "in",
        "transport": leg.transport,
    }


def ended_fields(
    started: Mapping[str, Any],
    duration_s: float,
    reason: str,
    status: int = 0,
    stats: RtpStats | None = None,
    tags: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the fields of ``call_ended``. ``status`` is the final SIP status, 0 when there was none."""
    return {
        **started,
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
