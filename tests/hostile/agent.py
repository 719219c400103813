"""A user agent that answers every call, in a process of its own: ``python -m tests.hostile.agent OPTIONS``.

OPTIONS is a JSON object of ``SipOptions``. The process prints a JSON line for each thing that happens,
``{"event": "ready"}`` first, and ends with its standard input. It obeys ``drain``, ``hangup CALL-ID``,
``tone CALL-ID`` (play one), ``heard CALL-ID`` (report the loudness of what came since the last time),
``dial URI``, ``transfer CALL-ID URI`` and ``answer CALL-ID``, for calls to the user ``ring``.
"""

import json
import os
import sys
from typing import Any

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import RING
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.options import Registration, SipOptions, Trunk
from ivr.sip.user_agent import UserAgent


def say(event: str, **fields: Any) -> None:
    # In one piece: the SIP thread and the main thread both write.
    os.write(1, (json.dumps({"event": event, **fields}) + "\n").encode())


class Reporter(LegListener):
    """Answers a call and reports what happens to it."""

    def __init__(self, leg: CallLeg) -> None:
        self._leg = leg
        legs[leg.call_id] = leg

    def dialed(self) -> None:
        legs[self._leg.call_id] = self._leg
        say("dialed", call=self._leg.call_id)

    def offered(self) -> None:
        if self._leg.called_user == RING_USER:
            self._leg.ring()
            say("ringing", call=self._leg.call_id)
        else:
            self._leg.answer()

    def confirmed(self) -> None:
        leg = self._leg
        who = {"peer": leg.peer, "verified": leg.verified, "account": leg.account, "domain": leg.domain}
        say("confirmed", call=leg.call_id, **who)

    def key_pressed(self, key: str) -> None:
        say("key", call=self._leg.call_id, key=key)

    def ended(self, reason: str, status: int) -> None:
        say("ended", call=self._leg.call_id, reason=reason, status=status)


RING_USER = "ring"
"""The user whose calls ring until the command ``answer``."""
legs: dict[str, CallLeg] = {}
looked: dict[str, int] = {}
"""Samples of each call that ``heard`` has reported."""


def play_tone(leg: CallLeg) -> None:
    """Play a minute of 500 Hz."""
    wave = 8000 * np.sin(2 * np.pi * 500 / 8000 * np.arange(60 * 8000))
    playback = leg.player.playback()
    playback.write(wave.astype(np.int16).tobytes())
    leg.player.play(playback)


def heard(leg: CallLeg) -> list[int]:
    """The loudness (root mean square) of each 20 ms since the last look, of the last 3 s at most."""
    line = leg.line
    end = line.written
    begin = max(looked.get(leg.call_id, 0), end - RING + LINE_FRAME)
    looked[leg.call_id] = end
    ring = line.bank.received[line.row].astype(np.float64)
    frames = [ring[np.arange(at, at + LINE_FRAME) % RING] for at in range(begin, end, LINE_FRAME)]
    return [int(np.sqrt(np.mean(frame**2))) for frame in frames]


def main() -> None:
    options = json.loads(sys.argv[1])
    options["registrations"] = tuple(Registration(**each) for each in options.get("registrations", ()))
    options["trunks"] = tuple(Trunk(**each) for each in options.get("trunks", ()))
    agent = UserAgent(SipOptions(**options), Reporter)
    say("ready", build=agent.start().build)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "drain":
            agent.drain()
        elif word == "hangup":
            legs[rest].hangup("test", 0)
        elif word == "tone":
            play_tone(legs[rest])
        elif word == "heard":
            leg = legs[rest]
            stats = {"arrived": leg.stats.arrived, "codec": leg.stats.codec, "held": leg.held}
            say("heard", call=rest, levels=heard(leg), **stats)
        elif word == "dial":
            agent.dial(rest, Reporter)
        elif word == "answer":
            legs[rest].answer()
        elif word == "transfer":
            call, to = rest.split()
            legs[call].transfer(to, 5)
        say("done", command=word)
    agent.stop()


if __name__ == "__main__":
    main()
