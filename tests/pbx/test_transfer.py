"""The service hands its callers over to the PBX: blind transfers by REFER."""

import time

import pytest

from tests.e2e.running import Service
from tests.pbx.calls import hear_each_other, over, through
from tests.pbx.phone import Phone
from tests.pbx.running import Pbx

pytestmark = pytest.mark.system

BOTH = pytest.mark.parametrize("number", ["400", "401"], ids=["registered", "by_ip"])


@BOTH
def test_to_an_extension(number: str, service: Service, one: Phone, two: Phone) -> None:
    call, there = through(one, service, number)
    call.media.press("5")
    taken = two.wait_incoming(5)
    taken.answer()
    ended = over(service, there)
    assert ended["reason"] == "transferred"
    reported = service.find("transfer_ended", call=there)[0]
    assert reported["outcome"] in ("left", "answered"), reported
    hear_each_other(call, taken)
    assert call.state == "up" and taken.state == "up"
    taken.hangup()
    assert call.ended.wait(5)


def test_to_the_queue(service: Service, one: Phone, two: Phone) -> None:
    call, there = through(one, service, "401")
    call.media.press("6")
    assert over(service, there)["reason"] == "transferred"
    call.media.wait_loud(5)  # its music
    taken = two.wait_incoming(8)
    taken.answer()
    hear_each_other(call, taken)
    call.close()
    assert taken.ended.wait(5)


@BOTH
@pytest.mark.parametrize("key", ["5", "7"], ids=["not_registered", "no_such_number"])
def test_to_nobody(key: str, number: str, pbx: Pbx, service: Service, one: Phone) -> None:
    """The caller stays, hears that, and goes on."""
    assert pbx.contacts("102") == []
    call, there = through(one, service, number)
    call.media.press(key)
    failed = service.wait_event("transfer_failed", 5, call=there)
    assert (failed["outcome"], failed["status"]) == ("failed", 404)
    back = time.time()
    service.wait_event("step_entered", 8, since=back, call=there, step="prompt")
    call.media.wait_loud(5)
    call.media.press("2")
    service.wait_event("choice_matched", 5, since=back, call=there, choice="two", by="keys")
    call.close()
    assert over(service, there)["reason"] == "caller"


def test_to_a_busy_phone(service: Service, one: Phone, two: Phone) -> None:
    """The PBX has taken the caller over before it knows: they wait in the queue."""
    call, there = through(one, service, "401")
    call.media.press("5")
    two.wait_incoming(5).refuse(486, "Busy Here")
    assert over(service, there)["reason"] == "transferred"
    call.media.wait_loud(5)
    two.wait_incoming(8).answer()
    call.close()


def test_the_caller_hangs_up_in_mid_transfer(service: Service, one: Phone, two: Phone) -> None:
    """The PBX says 503 and leaves our leg as it is, with nobody in it: its RTCP goes on, and so does the
    plan, which hears nobody and ends the call in its turn.
    """
    call, there = through(one, service, "401")
    call.media.press("5")
    taken = two.wait_incoming(5)
    call.close()
    assert taken.ended.wait(5)
    reported = service.wait_event("transfer_ended", 5, call=there)
    assert (reported["outcome"], reported["status"]) == ("refused", 503)
    again = "prompt again, to nobody"
    service.wait_until(lambda: len(service.find("step_entered", call=there, step="prompt")) > 1, 10, again)
