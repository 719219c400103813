"""Calls to the real service: heard, interrupted, understood; the dead, the held and the hostile."""

import time
from collections.abc import Iterator

import pytest

from tests.caller import Call, UserAgent, measure, rtp, sounds
from tests.e2e.running import Service
from tests.e2e.services import Services


@pytest.fixture
def service(services: Services) -> Service:
    return services.get("main")


@pytest.fixture
def caller() -> Iterator[UserAgent]:
    with UserAgent() as ua:
        yield ua


def listening(call: Call) -> float:
    """Wait until the prompt is heard; when it began."""
    return call.media.wait_loud(5, after=call.ack_at)


@pytest.mark.timing
def test_the_prompt_comes_at_once_without_gaps_from_loopback(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    first = listening(call)
    time.sleep(1.5)
    packets = call.media.since(first)
    flow = measure.flow(packets)
    assert first - call.ack_at < 0.5
    assert flow.lost == 0 and flow.reordered == 0 and flow.gap_max < 0.2
    assert {p.payload_type for p in packets} == {rtp.PCMU} and {len(p.payload) for p in packets} == {160}
    assert len({p.ssrc for p in packets}) == 1
    assert {host for host, _ in call.media.sources} == {"127.0.0.1"}
    assert all(measure.is_loud(p) for p in packets)
    call.close()
    ended = service.wait_event("call_ended", call=call.call_id)
    assert ended["reason"] == "caller" and ended["duration_s"] > 1.5 and ended["packets_lost"] == 0
    assert ended["packets_received"] > 50


def test_a_law_calls_are_heard_and_understood(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address, payloads=(8, 101))
    listening(call)
    call.media.play(sounds.recording("digits/2"))
    service.wait_event("choice_matched", 8, call=call.call_id, choice="two", by="speech")
    assert {p.payload_type for p in call.media.packets} == {rtp.PCMA}


@pytest.mark.timing
@pytest.mark.parametrize("word", ["one", "two"])
def test_speech_cuts_the_prompt_and_is_understood(word: str, service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    time.sleep(0.7)
    playing = call.media.play(sounds.recording(f"digits/{['one', 'two'].index(word) + 1}"))
    playing.wait()
    call.media.wait_quiet()
    cut = measure.last_loud_before_quiet(call.media.packets, playing.onset)
    assert cut is not None and 0 < cut - playing.onset < 0.4
    chosen = service.wait_event("choice_matched", 8, call=call.call_id)
    assert (chosen["choice"], chosen["by"]) == (word, "speech")
    ended = service.find("say_ended", call=call.call_id)[0]
    assert ended["interrupted"] and ended["heard_ms"] == pytest.approx(
        (cut - call.media.wait_loud(1, after=call.ack_at)) * 1000, abs=150
    )
    barge_in = service.find("barge_in", call=call.call_id)
    assert len(barge_in) == 1 and barge_in[0]["cause"] == "speech" and barge_in[0]["latency_ms"] > 0
    transcript = service.find("transcript", call=call.call_id)
    assert len(transcript) == 1
    call.media.wait_loud(5)  # the answer


@pytest.mark.timing
def test_a_key_cuts_the_prompt(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    time.sleep(0.3)
    key = call.media.press("2")
    assert key.done.wait(2)
    service.wait_event("choice_matched", call=call.call_id, choice="two", by="keys")
    assert len(service.find("barge_in", call=call.call_id, cause="dtmf")) == 1
    # The answer may follow within the quiet that marks a cut, so the prompt's end is read from the log.
    ended = service.find("say_ended", call=call.call_id)[0]
    assert ended["interrupted"] and ended["_at"] - key.start < 0.3


def test_a_guarded_prompt_is_not_cut(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    call.media.press("3")
    service.wait_event("step_entered", call=call.call_id, step="guarded")
    began = time.time()
    time.sleep(0.5)
    call.media.play(sounds.recording("digits/1"))
    call.media.press("1")
    service.wait_until(lambda: len(service.find("say_ended", began, call=call.call_id)) >= 1, 6, "end")
    ended = service.find("say_ended", began, call=call.call_id)[0]
    assert not ended["interrupted"] and ended["heard_ms"] == pytest.approx(3000, abs=40)


def test_a_prompt_for_keys_is_not_cut_by_speech(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    call.media.press("4")
    service.wait_event("step_entered", call=call.call_id, step="keys")
    since = call.media.wait_loud(3)
    call.media.play(sounds.recording("digits/1")).wait()
    time.sleep(0.5)
    assert all(measure.is_loud(p) for p in call.media.since(since + 0.1))
    call.media.press("2")
    service.wait_event("choice_matched", call=call.call_id, choice="two", by="keys")


def test_quiet_between_prompts_is_sent_as_quiet(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    playing = call.media.play(sounds.recording("digits/1")).wait()
    call.media.wait_quiet()
    silent = [p for p in call.media.since(playing.onset + 0.4) if not measure.is_loud(p)]
    assert len(silent) >= 14  # 280 of the 300 ms at 20 ms each: RTP did not stop
    assert measure.flow(call.media.packets).gap_max < 0.2


def test_the_plan_hangs_up(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    call.media.press("9")
    assert call.ended.wait(6) and call.ended_by == "them"
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "hangup"


def test_three_calls_at_once_do_not_hear_each_other(service: Service, caller: UserAgent) -> None:
    calls = [caller.call(service.address) for _ in range(3)]
    for call in calls:
        listening(call)
    before = time.time()
    calls[0].media.press("2")
    service.wait_event("choice_matched", call=calls[0].call_id, choice="two")
    time.sleep(0.3)
    for other in calls[1:]:
        assert all(measure.is_loud(p) for p in other.media.since(before))
        assert not service.find("barge_in", call=other.call_id)
    fourth = caller.dial(service.address)
    refused = fourth.answered()
    assert refused.status == 503 and int(refused.get("Retry-After")) > 0
    for call in calls:
        call.close()
    service.wait_until(
        lambda: all(service.find("call_ended", call=c.call_id) for c in calls), 3, "three ends"
    )
    again = caller.call(service.address)
    listening(again)


def test_calls_one_after_another_beside_others(service: Service, caller: UserAgent) -> None:
    """The next call sits where one has just ended; nothing of the old one may reach it."""
    others = [caller.call(service.address) for _ in range(2)]
    for _ in range(6):
        call = caller.call(service.address)
        listening(call)
        time.sleep(0.45)
        assert measure.is_loud(call.media.packets[-1]) and time.time() - call.media.packets[-1].at < 0.2
        call.close()
        assert call.ended_by == "us"
        service.wait_event("call_ended", call=call.call_id)
    assert all(call.state == "up" for call in others)


def test_a_held_call_is_silent_and_comes_back(service: Service, caller: UserAgent) -> None:
    call = caller.call(service.address)
    listening(call)
    assert call.reinvite("inactive").status == 200
    time.sleep(0.3)
    held = time.time()
    time.sleep(0.5)
    assert not measure.loud_times(call.media.since(held))
    assert call.reinvite().status == 200
    call.media.wait_loud(3)
    playing = call.media.play(sounds.recording("digits/1"))
    service.wait_event("choice_matched", 8, call=call.call_id, choice="one", by="speech")
    assert playing.done.is_set()


def test_sound_that_is_no_sound_harms_nobody(service: Service, caller: UserAgent) -> None:
    call, other = caller.call(service.address), caller.call(service.address)
    listening(call)
    listening(other)
    assert call.media.remote is not None
    for size in (0, 1, 11, 12, 13, 400, 1400):
        call.media.sock.sendto(b"\x80\x7f" * (size // 2) + b"\xff" * (size % 2), call.media.remote)
    for payload in (b"", b"\xff", b"\x00" * 3, b"\x05\x80", b"\xf0" + b"\xff" * 40):
        data = rtp.pack(1, 1, 101, True, 1, payload)
        call.media.sock.sendto(data, call.media.remote)
    for text in (b"", b"\r\n\r\n", b"INVITE", b"INVITE sip:a SIP/2.0\r\n\r\n", b"\x00" * 900, b"A" * 60000):
        caller.sock.sendto(text, service.address)
    since = time.time()
    time.sleep(0.4)
    assert caller.options(service.address).status == 200
    assert len(measure.loud_times(other.media.since(since))) >= 18


def test_a_dead_caller_is_hung_up_on_and_recorded(services: Services, caller: UserAgent) -> None:
    service = services.get("impatient")
    dead, alive = caller.call(service.address), caller.call(service.address)
    listening(dead)
    listening(alive)
    dead.media.sending = False
    stopped = time.time()
    assert dead.ended.wait(8) and dead.ended_by == "them"
    assert 1.5 < time.time() - stopped < 5
    assert service.wait_event("call_ended", call=dead.call_id)["reason"] == "rtp_timeout"
    assert alive.state == "up"


def test_a_caller_who_never_comes_back_from_hold_is_given_up(services: Services, caller: UserAgent) -> None:
    with services.start("main", {"IVR_SIP__HOLD_TIMEOUT_S": "1"}) as service:
        call = caller.call(service.address)
        listening(call)
        assert call.reinvite("inactive").status == 200
        assert call.ended.wait(4) and call.ended_by == "them"
        assert service.wait_event("call_ended", 3, call=call.call_id)["reason"] == "hold_timeout"


def test_a_held_call_is_not_a_dead_one(services: Services, caller: UserAgent) -> None:
    service = services.get("impatient")
    call = caller.call(service.address)
    listening(call)
    assert call.reinvite("inactive").status == 200
    assert not call.ended.wait(3.5)
    assert call.reinvite().status == 200
    call.media.wait_loud(3)
