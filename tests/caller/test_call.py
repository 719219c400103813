"""The caller against itself: one dials, the other answers, over real sockets."""

import time
from collections.abc import Iterator

import pytest

from tests.caller import Call, UserAgent, measure, sounds
from tests.caller import message as sip
from tests.caller.message import Message
from tests.caller.rtp import PCMA, keys_of


@pytest.fixture
def pair() -> Iterator[tuple[UserAgent, UserAgent]]:
    with UserAgent(user="alice") as alice, UserAgent(user="bob") as bob:
        yield alice, bob


def connect(alice: UserAgent, bob: UserAgent, payloads: tuple[int, ...] = (0, 8, 101)) -> tuple[Call, Call]:
    ours = alice.dial((bob.host, bob.port), payloads=payloads)
    theirs = bob.wait_incoming()
    theirs.answer(payloads)
    assert ours.answered().status == 200
    return ours, theirs


def test_sound_arrives_and_its_cut_is_measured(pair: tuple[UserAgent, UserAgent]) -> None:
    ours, theirs = connect(*pair)
    prompt = sounds.continuous(("conf-adminmenu",), 0.6)
    playing = theirs.media.play(prompt).wait()
    ours.media.wait_quiet()
    loud = measure.loud_times(ours.media.packets)
    assert len(loud) == 30
    assert 0 <= loud[0] - playing.sent[0] < 0.02
    assert measure.last_loud_before_quiet(ours.media.packets, playing.sent[0]) == loud[-1]
    flow = measure.flow(ours.media.packets)
    assert flow.lost == 0 and flow.gap_max < 0.2
    assert len(measure.heard(ours.media.packets)) >= len(prompt)
    response = ours.hangup()
    assert response is not None and response.status == 200
    assert theirs.ended.wait(2) and theirs.ended_by == "them"


def test_the_law_that_was_agreed_on_is_used(pair: tuple[UserAgent, UserAgent]) -> None:
    ours, theirs = connect(*pair, payloads=(8, 101))
    ours.media.play(sounds.recording("hello"))
    theirs.media.wait_loud()
    assert {p.payload_type for p in theirs.media.packets} == {PCMA}


def test_keys_arrive_as_events(pair: tuple[UserAgent, UserAgent]) -> None:
    ours, theirs = connect(*pair)
    key = ours.media.press("5")
    assert key.done.wait(2)
    assert theirs.media.wait_for(lambda packets: sum(p.payload_type == 101 for p in packets) == 8, 1)
    events = [p for p in theirs.media.packets if p.payload_type == 101]
    assert {p.payload[0] for p in events} == {5} and len({p.ts for p in events}) == 1
    assert 0 <= events[0].at - key.start < 0.02
    assert ours.info_key("7").status == 200
    assert theirs.requests[-1].body == b"Signal=7\r\nDuration=160\r\n"


def test_hold_stops_our_sound_and_resume_brings_it_back(pair: tuple[UserAgent, UserAgent]) -> None:
    ours, theirs = connect(*pair)
    held = ours.reinvite("inactive")
    assert held.status == 200 and b"a=inactive" in held.body
    time.sleep(0.1)
    count = len(theirs.media.packets)
    time.sleep(0.1)
    assert len(theirs.media.packets) == count
    assert ours.reinvite().status == 200
    assert theirs.media.wait_for(lambda packets: len(packets) > count + 3, 1)


def test_cancel_ends_a_ringing_call(pair: tuple[UserAgent, UserAgent]) -> None:
    alice, bob = pair
    ours = alice.dial((bob.host, bob.port))
    theirs = bob.wait_incoming()
    assert theirs.invite is not None
    bob.reply(theirs.invite, 180, "Ringing")
    assert ours.transaction is not None and ours.transaction.provisional().status == 180
    assert ours.cancel().status == 200
    assert ours.answered().status == 487
    assert theirs.ended.is_set()


def test_requests_outside_a_call(pair: tuple[UserAgent, UserAgent]) -> None:
    alice, bob = pair
    assert alice.options((bob.host, bob.port)).status == 200
    assert alice.request("BYE", (bob.host, bob.port)).final().status == 481


def test_a_request_is_repeated_until_it_is_answered(pair: tuple[UserAgent, UserAgent]) -> None:
    alice, bob = pair
    seen: list[float] = []

    def deaf_once(request: Message) -> bool:
        seen.append(time.time())
        return len(seen) == 1

    bob.on_request = deaf_once
    assert alice.options((bob.host, bob.port)).status == 200
    assert len(seen) == 2 and 0.4 < seen[1] - seen[0] < 1.5


def test_refused_while_it_rang(pair: tuple[UserAgent, UserAgent]) -> None:
    alice, bob = pair
    ours = alice.dial((bob.host, bob.port))
    theirs = bob.wait_incoming()
    theirs.ring()
    assert ours.transaction is not None and ours.transaction.provisional().status == 180
    theirs.refuse(486, "Busy Here")
    response = ours.answered()
    assert (response.status, response.reason) == (486, "Busy Here")
    assert sip.tag_of(response.get("To")) == sip.tag_of(theirs.local)


def test_refer_and_what_is_reported_about_it(pair: tuple[UserAgent, UserAgent]) -> None:
    ours, theirs = connect(*pair)
    theirs.refer_answer = (603, "Decline", [("X-Why", "no")])
    declined = ours.request("REFER", [("Refer-To", "<sip:x@y>")]).final()
    assert (declined.status, declined.get("X-Why")) == (603, "no")
    assert theirs.wait_request("REFER").get("Refer-To") == "<sip:x@y>"
    assert theirs.notify("180 Ringing", event="refer;id=2").status == 200
    reported = ours.wait_request("NOTIFY")
    assert reported.body == b"SIP/2.0 180 Ringing\r\n" and reported.get("Event") == "refer;id=2"


def test_keys_are_reported_apart(pair: tuple[UserAgent, UserAgent]) -> None:
    ours, theirs = connect(*pair)
    for key in "11#":
        theirs.media.press(key, 60).done.wait(2)
    assert ours.media.wait_for(lambda packets: len(keys_of(packets)) == 3, 2)
    time.sleep(0.1)
    pressed = keys_of(ours.media.packets)
    assert "".join(press.key for press in pressed) == "11#"
    assert [press.durations for press in pressed] == [[160, 320, 480, 480, 480, 480]] * 3
    assert [(press.markers, press.ends) for press in pressed] == [(1, 3)] * 3
