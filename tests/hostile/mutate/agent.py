"""The user agent that a campaign is run against: ``python -m tests.hostile.mutate.agent OPTIONS``.

What it does with a call follows from the number that was called, so that a seed repeats it. It reads commands
from its standard input, a line each, and answers each with a JSON object; its own log goes to standard error.
"""

import collections
import json
import logging
import os
import resource
import sys
from typing import Any

import structlog

from ivr.sip.gate.gate import Gate
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.options import Registration, SipOptions
from ivr.sip.user_agent import UserAgent

legs: dict[int, CallLeg] = {}
events: collections.Counter[str] = collections.Counter()


class Behaviour(LegListener):
    """Acts by the last digit of the number that was called."""

    def __init__(self, leg: CallLeg) -> None:
        self._leg = leg
        self._way = (
            9 if leg.outgoing else int((leg.called_user[-1:] or "x") in "0123456789" and leg.called_user[-1])
        )
        legs[leg.key] = leg
        events["calls placed" if leg.outgoing else "calls taken"] += 1

    def offered(self) -> None:
        if self._way == 1:
            self._leg.ring()
        elif self._way == 2:
            self._leg.hangup("busy", 486)
        else:
            if self._way == 3:
                self._leg.ring()
            self._leg.answer()

    def confirmed(self) -> None:
        events["calls confirmed"] += 1
        if self._way == 4:
            self._leg.hangup("test")
        elif self._way == 5:
            self._leg.transfer("sip:9@127.0.0.1", 5)
        elif self._way == 6:
            self._leg.send_dtmf("1#")

    def key_pressed(self, key: str) -> None:
        events["keys"] += 1
        if self._way in (1, 3):
            self._leg.answer()

    def ended(self, reason: str, status: int) -> None:
        legs.pop(self._leg.key, None)


def count(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Count what is logged; the log itself has warnings with a traceback, and errors."""
    events[f"log: {event.get('event')} {event.get('reason') or event.get('error') or ''}".strip()] += 1
    if method in ("error", "critical", "exception") or event.get("exc_info"):
        return event
    if os.environ.get("MUTATE_LOG"):
        return event
    raise structlog.DropEvent


def main() -> None:
    structlog.configure(
        processors=[count, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    options = json.loads(sys.argv[1])
    if options.pop("without_gate", False):
        Gate._request = Gate._response = lambda *_: False  # type: ignore[method-assign,assignment]
    options["registrations"] = tuple(Registration(**each) for each in options.get("registrations", ()))
    agent = UserAgent(SipOptions(**options), Behaviour, on_failed=lambda: os._exit(70))
    say(build=agent.start().build)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "dial":
            try:
                agent.dial(rest, Behaviour)
            except Exception as error:
                events[f"not dialled: {error}"] += 1
        elif word == "answer":
            for leg in list(legs.values()):
                leg.answer()
        elif word == "hangup":
            for leg in list(legs.values()):
                leg.hangup("test", 480)
        elif word == "drain":
            agent.drain()
        size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say(calls=agent.active_calls, rss_kb=size, events=dict(events))
    agent.stop()


def say(**fields: Any) -> None:
    os.write(1, (json.dumps(fields) + "\n").encode())


if __name__ == "__main__":
    main()
