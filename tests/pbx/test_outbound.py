"""The service calls into the PBX: through its registration's account, and as the trunk by IP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.caller import rtp, sounds
from tests.caller.call import Call
from tests.e2e.outbound import Placed
from tests.e2e.services import Services
from tests.pbx.calls import hear_each_other
from tests.pbx.phone import Phone
from tests.pbx.running import TRUNK_PASSWORD, Pbx
from tests.ports import free_port

pytestmark = pytest.mark.system

BY_ACCOUNT, BY_IP = "by_account", "by_ip"


@pytest.fixture(scope="module")
def port() -> int:
    """The number by which the PBX knows the service."""
    return free_port()


@pytest.fixture(scope="module")
def pbx(pbx_root: Path, port: int) -> Iterator[Pbx]:
    with Pbx(pbx_root, port, free_port()) as running:
        yield running


class Desk:
    """Places calls to extensions."""

    def __init__(self, services: Services, pbx: Pbx, port: int, way: str) -> None:
        self.plan, self.pbx, self.port, self.way = services.plan("test"), pbx, port, way

    def call(self, extension: str, *options: str) -> Placed:
        if self.way == BY_IP:
            to = f"sip:{extension}@127.0.0.1:{self.pbx.port}"
            return Placed(self.plan, to, "--bind", f"127.0.0.1:{self.port}", *options)
        account = {
            "registrar": f"127.0.0.1:{self.pbx.port}",
            "user": "400",
            "password": TRUNK_PASSWORD,
        }
        return Placed(self.plan, extension, *options, env={"IVR_SIP__REGISTRATIONS": json.dumps([account])})


@pytest.fixture(params=[BY_ACCOUNT, BY_IP])
def desk(request: pytest.FixtureRequest, services: Services, pbx: Pbx, port: int) -> Desk:
    return Desk(services, pbx, port, request.param)


def answered(phone: Phone, placed: Placed) -> Call:
    """The call at the phone, its prompt heard."""
    taken = phone.wait_incoming(10)
    taken.ring()
    placed.wait_event("call_progress", status=180)
    taken.answer()
    taken.media.wait_loud(5)
    return taken


def test_an_extension_is_called_and_understood(desk: Desk, one: Phone) -> None:
    with desk.call("101") as placed:
        taken = answered(one, placed)
        assert taken.description is not None and taken.description.host == "127.0.0.1"
        time.sleep(0.5)
        taken.media.play(sounds.recording("digits/2"))
        placed.wait_event("choice_matched", 10, choice="two", by="speech")
        taken.media.press("1")
        placed.wait_event("choice_matched", 5, choice="one", by="keys")
        taken.media.press("9")
        assert taken.ended.wait(8) and taken.ended_by == "them"
        assert placed.wait() == 0
        assert placed.reported.endswith("answered; ended by hangup")
    # It calls out by its account, and has taken nobody's place there.
    assert desk.pbx.contacts("400") == []


def test_the_extension_hangs_up(desk: Desk, two: Phone) -> None:
    with desk.call("102") as placed:
        answered(two, placed).hangup()
        assert placed.wait() == 0
        assert placed.reported.endswith("answered; ended by callee")


def test_hold_and_another_codec_in_mid_call(desk: Desk, one: Phone) -> None:
    with desk.call("101") as placed:
        taken = answered(one, placed)
        assert taken.reinvite("sendonly").status == 200
        taken.media.sending = False
        if desk.way == BY_IP:  # by the account the service hears the PBX's music instead
            placed.wait_event("call_held")
        time.sleep(1)
        assert taken.reinvite(payloads=(8, 101)).status == 200
        if desk.way == BY_IP:
            placed.wait_event("call_resumed")
        back = time.time()
        taken.media.wait_loud(5)
        taken.media.press("2")
        placed.wait_event("choice_matched", 5, since=back, choice="two", by="keys")
        assert {p.payload_type for p in taken.media.since(back + 0.3)} <= {rtp.PCMA}
        taken.media.wait_loud(5)
        taken.hangup()
        assert placed.wait() == 0


def test_busy(desk: Desk, one: Phone) -> None:
    with desk.call("101") as placed:
        one.wait_incoming(10).refuse(486, "Busy Here")
        assert placed.wait() == 1
        assert placed.reported.endswith(": busy (486 Busy Here)")


def test_nobody_answers(desk: Desk, one: Phone) -> None:
    with desk.call("101", "--dial-timeout", "2") as placed:
        taken = one.wait_incoming(10)
        taken.ring()
        assert placed.wait() == 1
        assert placed.reported.endswith(": no answer")
        assert taken.ended.wait(3) and taken.ended_by == "them"


@pytest.mark.parametrize(
    ("extension", "reported"),
    [("102", "no answer (480 Temporarily Unavailable)"), ("103", "refused (404 Not Found)")],
)
def test_nobody_is_there(extension: str, reported: str, desk: Desk) -> None:
    with desk.call(extension) as placed:
        assert placed.wait() == 1
        assert placed.reported.endswith(f": {reported}")


def test_a_wrong_password(services: Services, pbx: Pbx, one: Phone) -> None:
    account = {"registrar": f"127.0.0.1:{pbx.port}", "user": "400", "password": "wrong"}
    env = {"IVR_SIP__REGISTRATIONS": json.dumps([account])}
    with Placed(services.plan("test"), "101", env=env) as placed:
        assert placed.wait() == 1
        assert placed.reported.endswith(": refused (401 Unauthorized)")
    assert one.incoming.empty()


def test_who_was_called_is_transferred(desk: Desk, one: Phone, two: Phone) -> None:
    with desk.call("101") as placed:
        taken = answered(one, placed)
        taken.media.press("5")
        other = two.wait_incoming(5)
        other.answer()
        assert placed.wait() == 0
        assert placed.reported.endswith("answered; ended by transferred")
        hear_each_other(taken, other)
        taken.close()
        assert other.ended.wait(5)
