"""Callers put through over real SIP and RTP: by calls of ours, bridged or handed over; keys; a queue."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.caller import Call, UserAgent, measure, rtp, sounds
from tests.caller import message as sip
from tests.caller.message import Message
from tests.e2e.running import Service
from tests.e2e.services import Services
from tests.e2e.softphone import Softphone
from tests.timing import machine_delay


@pytest.fixture(scope="module")
def service(services: Services) -> Iterator[Service]:
    with Service([services.plan("through")]) as running:
        yield running


@pytest.fixture
def callee() -> Iterator[UserAgent]:
    with UserAgent(user="callee") as ua:
        yield ua


@pytest.fixture
def caller() -> Iterator[UserAgent]:
    with UserAgent() as ua:
        yield ua


def dial(service: Service, caller: UserAgent, port: int, key: str, user: str = "callee") -> Call:
    """A call in which ``key`` was pressed."""
    call = caller.call(service.address, headers=[("X-Callee", str(port)), ("X-User", user)])
    service.wait_event("step_entered", call=call.call_id, step="menu")
    time.sleep(0.1)
    call.media.press(key)
    return call


def enters(service: Service, call: Call, step: str, timeout: float = 5.0) -> None:
    service.wait_event("step_entered", timeout, call=call.call_id, step=step)


def delay(speaker: Call, hearer: Call) -> float:
    """Seconds from the first loud packet that one sends to the first that the other receives."""
    hearer.media.wait_quiet(5)
    playing = speaker.media.play(sounds.noise(-20, 0.4))
    heard = hearer.media.wait_loud(5)
    playing.wait()
    hearer.media.wait_quiet(5)
    print(f"delay {(heard - playing.sent[0]) * 1000:.0f} ms")
    return heard - playing.sent[0]


def hears(hearer: Call, speaker: Call, within: float = 0.4) -> bool:
    """Return whether it hears in time, while other tests run. A timing test asserts that 0.15 s suffice."""
    with machine_delay() as machine:
        return 0 < delay(speaker, hearer) < within + 2 * machine.worst


def nothing_is_left(service: Service, since: float) -> None:
    """No complaint, and every call of ours over."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(service.find("party_called", since)) > len(
        _over(service, since)
    ):
        time.sleep(0.05)
    assert not service.complaints(since), service.complaints(since)


def _over(service: Service, since: float) -> list[object]:
    ends = [*service.find("party_not_reached", since), *service.find("transfer_completed", since)]
    return [*ends, *service.find("call_ended", since)]


@pytest.mark.timing
def test_both_hear_each_other_and_the_caller_comes_back(
    service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    since = time.time()
    call = dial(service, caller, callee.port, "1")
    taken = callee.wait_incoming(5)
    assert taken.invite is not None
    assert "sip:caller@example.org" in taken.invite.get("From") and taken.invite.get("X-Called") == "ivr"
    taken.ring()
    ringing = call.media.wait_loud(3)  # our ringing
    level = measure.dbfs(b"".join(p.pcm16 for p in call.media.since(ringing)[:30]))
    assert -35 < level < -15
    taken.answer()
    service.wait_event("party_answered", call=call.call_id, other_call=taken.call_id)
    delays = [delay(call, taken), delay(taken, call)]
    assert all(0 < each < 0.15 for each in delays), delays
    # A key goes through, and is none of the plan's.
    call.media.press("7")
    assert taken.media.wait_for(lambda packets: [k.key for k in rtp.keys_of(packets)] == ["7"], 3)
    taken.media.press("8")
    assert call.media.wait_for(lambda packets: [k.key for k in rtp.keys_of(packets)] == ["8"], 3)
    taken.hangup()
    enters(service, call, "talked")
    assert service.find("transfer_completed", since)[0]["seconds"] > 1
    assert not service.find("transcript", since)  # nobody listened
    time.sleep(0.2)
    call.media.press("9")
    assert call.ended.wait(5) and call.ended_by == "them"
    bye = next(request for request in call.requests if request.method == "BYE")
    assert bye.get("Reason") == 'Q.850;cause=16;text="the  end "'
    nothing_is_left(service, since)


def test_early_media_is_heard_and_ours_is_not(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    call = dial(service, caller, callee.port, "1")
    taken = callee.wait_incoming(5)
    taken.ring(183, "Session Progress", early_media=True)
    time.sleep(0.3)
    began = time.time()
    playing = taken.media.play(sounds.noise(-20, 0.4))
    assert 0 < call.media.wait_loud(3, after=began) - playing.sent[0] < 0.15
    call.media.wait_quiet(5, 1.0)  # no ringing of ours
    call.media.play(sounds.recording("digits/2")).wait()
    assert not measure.loud_times(taken.media.packets)  # nor are they heard before they have answered
    taken.answer()
    assert hears(taken, call)
    call.close()
    assert taken.ended.wait(3) and taken.ended_by == "them"


@pytest.mark.parametrize("promises", ["nothing", "sound, and sends none", "sound, and sends silence"])
def test_a_183_without_sound_leaves_our_ringing(
    service: Service, caller: UserAgent, callee: UserAgent, promises: str
) -> None:
    call = dial(service, caller, callee.port, "1")
    taken = callee.wait_incoming(5)
    taken.media.sending = promises != "sound, and sends none"
    taken.ring(183, "Session Progress", early_media=promises != "nothing")
    ringing = call.media.wait_loud(3)
    level = measure.dbfs(b"".join(p.pcm16 for p in call.media.since(ringing)[:30]))
    assert -35 < level < -15
    taken.refuse(486, "Busy Here")
    enters(service, call, "busy", 8)


@pytest.mark.parametrize(
    ("status", "reason", "step"),
    [
        (486, "Busy Here", "busy"),
        (600, "Busy Everywhere", "busy"),
        (480, "Temporarily Unavailable", "noanswer"),
        (404, "Not Found", "failed"),
        (603, "Decline", "failed"),
        (503, "Service Unavailable", "failed"),
    ],
)
def test_who_does_not_answer_leads_elsewhere(
    status: int, reason: str, step: str, service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    call = dial(service, caller, callee.port, "1")
    callee.wait_incoming(5).refuse(status, reason)
    enters(service, call, step, 8)
    reported = service.find("transfer_failed", call=call.call_id)[0]
    assert (reported["outcome"], reported["status"]) == (step, status)
    call.close()


def test_nobody_answers_in_time(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    since = time.time()
    call = dial(service, caller, callee.port, "1")
    taken = callee.wait_incoming(5)
    taken.ring()
    rang = time.time()
    assert taken.ended.wait(6) and any(r.method == "CANCEL" for r in taken.requests)
    assert 2.5 < time.time() - rang < 3.5
    enters(service, call, "noanswer", 8)
    call.media.wait_quiet(8, 0.5)
    call.close()
    nothing_is_left(service, since)


@pytest.mark.parametrize("when", ["ringing", "talking"])
def test_the_caller_hangs_up(when: str, service: Service, caller: UserAgent, callee: UserAgent) -> None:
    since = time.time()
    call = dial(service, caller, callee.port, "1")
    taken = callee.wait_incoming(5)
    taken.ring()
    if when == "talking":
        taken.answer()
        service.wait_event("party_answered", call=call.call_id)
    call.hangup()
    assert taken.ended.wait(3) and taken.ended_by == "them"
    wanted = "BYE" if when == "talking" else "CANCEL"
    assert any(request.method == wanted for request in taken.requests)
    said = service.wait_event("plan_log", call=call.call_id)
    assert said["message"] == f"gone after {callee.port}"  # on_hangup
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "caller"
    nothing_is_left(service, since)


def test_the_callee_hears_it_before_they_are_connected(
    service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    call = dial(service, caller, callee.port, "2")
    taken = callee.wait_incoming(5)
    taken.answer()
    began = taken.media.wait_loud(5)
    taken.media.play(sounds.recording("digits/1"))
    call.media.play(sounds.recording("digits/2"))
    ended = taken.media.wait_quiet(10, 0.5)
    assert ended - began > 1.5
    assert not measure.loud_times([p for p in call.media.packets if p.at < ended - 0.3])
    assert hears(call, taken) and hears(taken, call)
    call.close()


def test_the_first_to_answer_has_it(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    """Three are to be called, and there are two lines left."""
    since = time.time()
    call = dial(service, caller, callee.port, "3")
    first, second = callee.wait_incoming(5), callee.wait_incoming(5)
    assert service.wait_event("call_not_placed", since=since)["reason"] == "full"
    first.ring()
    second.answer()
    assert first.ended.wait(3) and any(request.method == "CANCEL" for request in first.requests)
    assert hears(second, call)
    second.hangup()
    enters(service, call, "talked")
    call.close()
    nothing_is_left(service, since)


def test_one_after_the_other(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    call = dial(service, caller, callee.port, "7")
    first = callee.wait_incoming(5)
    first.ring()
    assert first.ended.wait(3)
    second = callee.wait_incoming(5)
    assert first.invite is not None and second.invite is not None
    assert ("first" in first.invite.uri, "second" in second.invite.uri) == (True, True)
    second.answer()
    assert hears(call, second)
    call.close()


def test_a_caller_on_hold_is_heard_again(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    call = dial(service, caller, callee.port, "1")
    taken = callee.wait_incoming(5)
    taken.answer()
    assert hears(taken, call)
    assert call.reinvite("sendonly").status == 200
    assert call.reinvite("sendrecv").status == 200
    assert taken.reinvite("inactive").status == 200
    assert taken.reinvite("sendrecv").status == 200
    assert hears(taken, call) and hears(call, taken)
    call.close()


def test_a_second_service_is_talked_to(service: Service, caller: UserAgent, services: Services) -> None:
    """It speaks to the caller, and understands what they say, through us."""
    there = services.get()
    since = time.time()
    call = dial(service, caller, there.port, "1")
    call.media.wait_loud(5)
    time.sleep(1)
    call.media.play(sounds.recording("digits/2")).wait()
    there.wait_event("choice_matched", 8, since=since, choice="two", by="speech")
    call.media.press("9")  # by telephone-events through us
    there.wait_event("choice_matched", 8, since=since, choice="bye", by="keys")
    enters(service, call, "talked", 10)
    call.close()


def test_a_softphone_is_talked_to(service: Service, caller: UserAgent, tmp_path: Path) -> None:
    phone = Softphone(tmp_path, sounds.silence(2) + sounds.recording("digits/4") + sounds.silence(30))
    with phone.waiting() as where:
        call = dial(service, caller, sip.address_of(where)[1], "1", "softphone")
        call.media.wait_loud(8)
        call.media.play(sounds.recording("digits/5")).wait()
        time.sleep(1)
        phone.stop()
        enters(service, call, "talked", 8)
        call.close()
    assert measure.dbfs(phone.heard) > -50


# -- handed over


def replaces(refer: Message) -> tuple[str, dict[str, str]]:
    """Return who a REFER names, and the dialog to be replaced: call-id, to-tag, from-tag."""
    uri, _, headers = sip.uri_of(refer.get("Refer-To")).partition("?")
    value = next(each for each in headers.split("&") if each.lower().startswith("replaces="))
    call_id, *tags = unquote(value.partition("=")[2]).split(";")
    return uri, {"call-id": call_id, **dict(tag.split("=") for tag in tags)}


def test_the_callers_side_takes_the_call_over(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    since = time.time()
    call = dial(service, caller, callee.port, "4")
    taken = callee.wait_incoming(5)
    taken.answer()
    refer = call.wait_request("REFER")
    uri, dialog = replaces(refer)
    assert dialog["call-id"] == taken.call_id
    assert dialog["to-tag"] == sip.tag_of(taken.local) and dialog["from-tag"] == sip.tag_of(taken.remote)
    assert sip.address_of(uri) == ("127.0.0.1", callee.port)
    # As a phone does: call them in place of us, and tell.
    value = f"{dialog['call-id']};to-tag={dialog['to-tag']};from-tag={dialog['from-tag']}"
    direct = caller.dial(("127.0.0.1", callee.port), headers=[("Replaces", value)])
    again = callee.wait_incoming(5)
    again.answer()
    assert direct.answered().status == 200
    taken.hangup()
    call.notify("200 OK", "terminated;reason=noresource")
    assert call.ended.wait(5) and call.ended_by == "them"
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "transferred"
    assert hears(again, direct)
    nothing_is_left(service, since)


@pytest.mark.parametrize("how", ["refused", "lost", "failed"])
def test_the_callers_side_does_not_take_it_over(
    how: str, service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    call = dial(service, caller, callee.port, "4")
    if how == "refused":
        call.refer_answer = (603, "Decline", ())
    taken = callee.wait_incoming(5)
    taken.answer()
    call.wait_request("REFER")
    if how == "failed":
        call.notify("503 Service Unavailable", "terminated;reason=noresource")
    enters(service, call, "noanswer" if how == "lost" else "failed", 12)
    assert taken.ended.wait(5) and taken.ended_by == "them"  # who was called for nothing
    assert call.state == "up"
    call.close()


def test_the_caller_hangs_up_while_handed_over(
    service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    since = time.time()
    call = dial(service, caller, callee.port, "4")
    taken = callee.wait_incoming(5)
    taken.answer()
    call.wait_request("REFER")
    call.hangup()
    assert taken.ended.wait(5)
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "transferred"
    nothing_is_left(service, since)


@pytest.mark.parametrize(
    ("answer", "notify", "step"),
    [
        ((603, "Decline", ()), "", "failed"),
        ((202, "Accepted", ()), "486 Busy Here", "busy"),
        ((202, "Accepted", ()), "404 Not Found", "failed"),
        ((202, "Accepted", ()), "", "noanswer"),  # the NOTIFY is lost
    ],
)
def test_a_blind_transfer_that_fails(
    answer: tuple[int, str, tuple[()]],
    notify: str,
    step: str,
    service: Service,
    caller: UserAgent,
    callee: UserAgent,
) -> None:
    call = dial(service, caller, callee.port, "8")
    call.refer_answer = answer
    call.wait_request("REFER")
    if notify:
        call.notify(notify, "terminated;reason=noresource")
    enters(service, call, step, 10)
    call.close()


def test_the_caller_hangs_up_in_a_blind_transfer(service: Service, caller: UserAgent) -> None:
    call = dial(service, caller, 9, "8")
    call.wait_request("REFER")
    call.notify("180 Ringing")
    call.hangup()
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "transferred"


# -- keys


def test_keys_are_sent_with_their_pauses(service: Service, caller: UserAgent) -> None:
    call = dial(service, caller, 9, "5")
    assert call.media.wait_for(lambda packets: len(rtp.keys_of(packets)) == 4, 6)
    keys = rtp.keys_of(call.media.packets)
    assert [key.key for key in keys] == ["1", "2", "3", "#"]
    assert all(max(key.durations) >= 800 and key.markers == 1 for key in keys)  # 100 ms or more
    starts = [key.packets[0].at for key in keys]
    one, pause, other = (b - a for a, b in itertools.pairwise(starts))
    assert 0.1 < one < 0.4 and 0.1 < other < 0.4 and one + 0.9 < pause < one + 1.2
    sent = service.wait_event("digits_sent", call=call.call_id)
    assert sent["_at"] >= keys[-1].packets[-1].at  # only then the plan goes on
    assert sent["_at"] - keys[-1].packets[-1].at < 0.3
    call.close()


def test_keys_go_by_info_where_there_are_no_events(service: Service, caller: UserAgent) -> None:
    headers = [("X-Callee", "9"), ("X-User", "x")]
    call = caller.call(service.address, payloads=(0,), headers=headers)
    enters(service, call, "menu")
    assert call.info_key("5").status == 200
    service.wait_event("digits_sent", 8, call=call.call_id)
    sent = [request for request in call.requests if request.method == "INFO"]
    assert {request.get("Content-Type") for request in sent} == {"application/dtmf-relay"}
    signals = [request.body.decode().split("Signal=")[1][0] for request in sent]
    assert signals == ["1", "2", "3", "#"]
    call.close()


# -- a queue


def test_music_until_somebody_is_free(service: Service, caller: UserAgent, callee: UserAgent) -> None:
    since = time.time()
    call = dial(service, caller, callee.port, "6")
    first = callee.wait_incoming(5)
    heard = call.media.wait_loud(5)
    first.refuse(486, "Busy Here")
    service.wait_event("queue_agent_not_reached", call=call.call_id)
    again = callee.wait_incoming(8)  # later
    assert all(measure.is_loud(p) for p in call.media.since(heard + 0.1) if p.at < time.time() - 0.1)
    again.answer()
    service.wait_event("queue_answered", call=call.call_id)
    assert hears(again, call) and hears(call, again)
    again.hangup()
    enters(service, call, "talked")
    call.close()
    assert not service.complaints(since)


def test_who_leaves_the_queue_is_rung_for_no_more(
    service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    call = dial(service, caller, callee.port, "6")
    taken = callee.wait_incoming(5)
    taken.ring()
    call.media.wait_loud(5)
    call.media.press("1")
    enters(service, call, "noanswer")
    assert taken.ended.wait(3) and any(request.method == "CANCEL" for request in taken.requests)
    call.media.wait_quiet(5)
    call.close()


def test_the_callers_in_a_queue_have_their_turn(
    service: Service, caller: UserAgent, callee: UserAgent
) -> None:
    one = dial(service, caller, callee.port, "6")
    talk = callee.wait_incoming(5)
    talk.answer()
    service.wait_event("queue_answered", call=one.call_id)
    two = dial(service, caller, callee.port, "6")
    two.media.wait_loud(5)
    assert callee.incoming.empty()
    talk.hangup()
    callee.wait_incoming(5).answer()
    service.wait_event("queue_answered", call=two.call_id)
    one.close()
    two.close()


def test_nobody_is_there(service: Service, caller: UserAgent) -> None:
    """The last here: pjsua keeps the slot of a call that nobody answers for half a minute."""
    call = dial(service, caller, 9, "1")
    reported = service.wait_event("transfer_failed", 8, call=call.call_id)
    assert reported["outcome"] in ("noanswer", "failed")
    call.close()


def test_nothing_stays_in_the_bridge(services: Services, caller: UserAgent, callee: UserAgent) -> None:
    with Service([services.plan("through")]) as own:
        for key in "14":
            call = dial(own, caller, callee.port, key)
            taken = callee.wait_incoming(5)
            taken.ring(183, "Session Progress", early_media=True)
            taken.answer()
            own.wait_event("party_answered", call=call.call_id)
            call.close()
            assert taken.ended.wait(5)
        own.signal()
        assert own.wait() == 0
        assert own.find("media_stats")[0]["bridge_ports"] == 0
        assert not own.complaints() and not [x for x in own.other_lines if "Traceback" in x]
