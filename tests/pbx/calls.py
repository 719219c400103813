"""Calls through the PBX, seen from both ends."""

import time

from tests.caller import sounds
from tests.caller.call import Call
from tests.e2e.running import Event, Service
from tests.pbx.phone import Phone


def through(phone: Phone, service: Service, number: str) -> tuple[Call, str]:
    """A call through the PBX whose prompt is heard, and its id at the service."""
    since = time.time()
    call = phone.reach(number)
    try:
        started: Event = service.wait_event("call_started", since=since)
    except TimeoutError as error:
        error.add_note("the PBX's contacts then:\n" + phone.pbx.ask("pjsip show contacts"))
        raise
    call.media.wait_loud(5)
    return call, started["call"]


def over(service: Service, call_id: str, timeout: float = 5.0) -> Event:
    return service.wait_event("call_ended", timeout, call=call_id)


def hear_each_other(first: Call, second: Call) -> None:
    """Nothing else is heard any more, and what one says the other hears."""
    for speaker, listener in ((first, second), (second, first)):
        listener.media.wait_quiet(8, 0.5)
        speaker.media.play(sounds.recording("digits/3"))
        listener.media.wait_loud(5)
