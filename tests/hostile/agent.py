"""A user agent that answers every call, in a process of its own: ``python -m tests.hostile.agent OPTIONS``.

OPTIONS is a JSON object of ``SipOptions``. The process prints a JSON line for each thing that happens,
``{"event": "ready"}`` first, and ends with its standard input.
"""

import json
import os
import sys
from typing import Any

from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.options import Registration, SipOptions
from ivr.sip.user_agent import UserAgent


def say(event: str, **fields: Any) -> None:
    # In one piece: the SIP thread and the main thread both write.
    os.write(1, (json.dumps({"event": event, **fields}) + "\n").encode())


class Reporter(LegListener):
    """Answers a call and reports what happens to it."""

    def __init__(self, leg: CallLeg) -> None:
        self._leg = leg
        legs[leg.call_id] = leg

    def offered(self) -> None:
        self._leg.answer()

    def confirmed(self) -> None:
        say("confirmed", call=self._leg.call_id)

    def key_pressed(self, key: str) -> None:
        say("key", call=self._leg.call_id, key=key)

    def ended(self, reason: str, status: int) -> None:
        say("ended", call=self._leg.call_id, reason=reason, status=status)


legs: dict[str, CallLeg] = {}


def main() -> None:
    options = json.loads(sys.argv[1])
    options["registrations"] = tuple(Registration(**each) for each in options.get("registrations", ()))
    agent = UserAgent(SipOptions(**options), Reporter)
    say("ready", build=agent.start().build)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "drain":
            agent.drain()
        elif word == "hangup":
            legs[rest].hangup("test", 0)
        say("done", command=word)
    agent.stop()


if __name__ == "__main__":
    main()
