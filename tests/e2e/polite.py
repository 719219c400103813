"""A call in which everything happens that a polite prompt has to distinguish: a cough, an "okay", an
interruption, a key. The service is a process with its real engines, the caller is on SIP and RTP.
"""

import time
from pathlib import Path

import numpy as np

from tests.bench.turns.rules import cough
from tests.bench.turns.voices import VOICES, Speaker
from tests.caller import UserAgent, sounds
from tests.e2e.running import Service

LEVEL_DBFS = -20.0
REQUEST = "I would like sales please"
WAIT_S = 15.0
"""Seconds to wait for an answer of the engines, on a busy machine."""


class Caller:
    """What one says, made before the call."""

    def __init__(self, folder: Path) -> None:
        voice = next(each for each in VOICES if each.name == "joe-high")
        speaker = Speaker(folder)
        speaker.prepare([(voice, text) for text in ("okay", REQUEST)])
        self.cough = _loud(cough(6))
        self.okay = _loud(speaker.say(voice, "okay"))
        self.request = _loud(speaker.say(voice, REQUEST))

    def talk(self, service: Service) -> str:
        """One call from its beginning to its end; the Call-ID."""
        with UserAgent() as agent:
            call = agent.call(service.address)
            call.media.wait_loud(WAIT_S, after=call.ack_at)

            def decided(stage: str, **details: object) -> None:
                service.wait_event("turn_taking", WAIT_S, since, call=call.call_id, stage=stage, **details)

            for sound in (self.cough, self.okay):
                time.sleep(1.6)
                since = time.time()
                call.media.play(sound).wait()
                decided("resume")
            time.sleep(2.2)
            since = time.time()
            call.media.play(self.request).wait()
            decided("confirm")
            service.wait_event("choice_matched", WAIT_S, since, call=call.call_id, choice="sales")
            call.media.wait_loud(WAIT_S, after=time.time())
            time.sleep(2.0)
            since = time.time()
            call.media.press("2")
            decided("stop", rule="dtmf")
            service.wait_event("call_ended", WAIT_S, since, call=call.call_id)
            return call.call_id


def _loud(pcm: "np.typing.NDArray[np.int16]") -> bytes:
    return sounds.scale(pcm.astype("<i2").tobytes(), LEVEL_DBFS)
