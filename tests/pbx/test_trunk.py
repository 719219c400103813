"""The service on a trunk of a real Asterisk, dialled by its extensions."""

import re
import time

import pytest

from tests.caller import measure, rtp, sounds
from tests.e2e.running import Service
from tests.pbx.calls import over, through
from tests.pbx.phone import Phone
from tests.pbx.running import Pbx

pytestmark = pytest.mark.system

BOTH = pytest.mark.parametrize("number", ["400", "401"], ids=["registered", "by_ip"])


def served(pbx: Pbx) -> set[tuple[str, int]]:
    """Return where it takes SIP and sound. (pjproject has a socket more, to ask for names.)"""
    return {at for at in pbx.sockets() if at[1] == pbx.port or at[1] in pbx.rtp_ports}


def test_the_service_is_registered_and_all_is_on_loopback(pbx: Pbx, service: Service) -> None:
    assert pbx.contacts("400") == [f"sip:400@127.0.0.1:{service.port}"]
    assert served(pbx) == {("127.0.0.1", pbx.port)}


def test_a_wrong_password_registers_nobody(pbx: Pbx) -> None:
    with Phone(pbx, "101", "wrong") as phone:
        assert phone.register().status == 401
    assert pbx.contacts("101") == []


@BOTH
def test_an_extension_calls_the_service(number: str, pbx: Pbx, service: Service, one: Phone) -> None:
    call, there = through(one, service, number)
    time.sleep(0.5)
    playing = call.media.play(sounds.recording("digits/2"))
    chosen = service.wait_event("choice_matched", 8, call=there)
    assert (chosen["choice"], chosen["by"]) == ("two", "speech") and playing.done.is_set()
    # The PBX itself loses none; three are the room for the begin of its stream.
    assert measure.flow(call.media.packets).lost <= 3
    assert call.description is not None and call.description.host == "127.0.0.1"
    assert {host for host, _ in call.media.sources} == {"127.0.0.1"}
    assert {port for _, port in call.media.sources} <= set(pbx.rtp_ports)
    assert {host for host, _ in served(pbx)} == {"127.0.0.1"}
    assert len(served(pbx)) >= 3  # SIP, a leg to the phone, one to the service
    call.close()
    assert over(service, there)["reason"] == "caller"


@BOTH
def test_keys_pass(number: str, service: Service, one: Phone) -> None:
    call, there = through(one, service, number)
    call.media.press("2")
    service.wait_event("choice_matched", 5, call=there, choice="two", by="keys")
    assert len(service.find("barge_in", call=there, cause="dtmf")) == 1
    call.media.press("1")
    service.wait_event("choice_matched", 5, call=there, choice="one", by="keys")
    call.close()
    over(service, there)


def test_the_service_hangs_up(service: Service, one: Phone) -> None:
    call, there = through(one, service, "401")
    call.media.press("9")
    assert call.ended.wait(8) and call.ended_by == "them"
    assert over(service, there)["reason"] == "hangup"


def test_blind_transfer_to_an_extension(pbx: Pbx, service: Service, one: Phone, two: Phone) -> None:
    call, there = through(one, service, "401")
    answer = call.request(
        "REFER",
        [("Refer-To", f"<sip:102@127.0.0.1:{pbx.port}>"), ("Referred-By", "<sip:101@127.0.0.1>")],
    ).final(5)
    assert answer.status == 202
    taken = two.wait_incoming(5)
    assert taken.description is not None and taken.description.host == "127.0.0.1"
    taken.answer()
    # The service's leg is 102's now: its prompt, and keys to it.
    taken.media.wait_loud(5)
    taken.media.press("2")
    service.wait_event("choice_matched", 5, call=there, choice="two", by="keys")
    call.ended.wait(5)
    heard = [r.body for r in call.requests if r.method == "NOTIFY"]
    assert any(re.match(rb"SIP/2.0 200", body) for body in heard), heard
    taken.close()
    assert over(service, there)["reason"] == "caller"


def test_hold_reaches_the_service_and_it_goes_on(service: Service, one: Phone) -> None:
    call, there = through(one, service, "401")
    assert call.reinvite("sendonly").status == 200
    service.wait_event("call_held", 5, call=there)
    call.media.sending = False
    held = time.time()
    time.sleep(1.0)
    assert not measure.loud_times(call.media.since(held + 0.1))
    assert call.reinvite().status == 200
    service.wait_event("call_resumed", 5, call=there)
    call.media.wait_loud(3)
    call.media.press("2")
    service.wait_event("choice_matched", 5, call=there, choice="two", by="keys")
    call.close()
    over(service, there)


def test_hold_with_music_in_mid_prompt(service: Service, one: Phone) -> None:
    call, there = through(one, service, "400")
    assert call.reinvite("sendonly").status == 200
    call.media.sending = False
    time.sleep(3)
    assert not service.find("call_held", call=there)
    assert not service.find("call_ended", call=there)
    assert call.reinvite().status == 200
    back = time.time()
    # Whatever the music was taken for, the caller is answered when he presses a key.
    call.media.press("2")
    service.wait_event("choice_matched", 5, since=back, call=there, choice="two", by="keys")
    call.media.wait_loud(5)
    call.close()
    ended = over(service, there)
    # The phone was silent for 3 s and the service's leg was not: that was the PBX's music.
    assert ended["packets_received"] > 45 * ended["duration_s"]


def test_music_is_what_a_held_phone_hears(one: Phone, two: Phone) -> None:
    call = one.ring("102")
    taken = two.wait_incoming(5)
    taken.answer()
    assert call.answered().status == 200
    assert call.reinvite("sendonly").status == 200
    began = taken.media.wait_loud(5)
    time.sleep(1)
    assert len(measure.loud_times(taken.media.since(began))) > 35
    call.close()


def test_the_codec_changes_in_mid_call(pbx: Pbx, service: Service, one: Phone) -> None:
    call, there = through(one, service, "401")
    # The phone changes: the PBX answers it.
    assert call.reinvite(payloads=(8, 101)).status == 200
    changed = time.time()
    time.sleep(0.5)
    assert {p.payload_type for p in call.media.since(changed + 0.2)} == {rtp.PCMA}
    # The PBX changes its leg to the service: a re-INVITE that offers A-law alone.
    channel = pbx.channel("ivr-trunk")
    assert "ulaw" in pbx.ask(f"core show channel {channel}")
    pbx.ask(f"dialplan set chanvar {channel} PJSIP_MEDIA_OFFER(audio) alaw")
    pbx.ask(f"dialplan set chanvar {channel} PJSIP_SEND_SESSION_REFRESH() invite")
    pbx.wait(lambda: "(alaw)" in _format(pbx, channel), 5, "A-law to the service")
    began = time.time()
    time.sleep(0.5)
    assert len(measure.loud_times(call.media.since(began))) > 15  # the prompt goes on
    call.media.play(sounds.recording("digits/1"))
    chosen = service.wait_event("choice_matched", 8, call=there)
    assert (chosen["choice"], chosen["by"]) == ("one", "speech")
    call.close()
    ended = over(service, there)
    assert ended["codec"] == "PCMA"


def test_the_queue_plays_music_and_rings_the_phones(one: Phone, two: Phone) -> None:
    call = one.reach("600")
    call.media.wait_loud(5)
    taken = two.wait_incoming(5)
    taken.answer()
    taken.media.play(sounds.recording("digits/3"))
    time.sleep(1)
    assert taken.state == "up"
    call.close()
    assert taken.ended.wait(5)


def test_callers_that_the_service_refuses_reach_the_queue(
    pbx: Pbx, service: Service, one: Phone, two: Phone
) -> None:
    """It is full (three calls, see conftest.py): the 503 sends the fourth caller to people."""
    lines = []
    for _ in range(3):
        call, there = through(one, service, "401")
        lines.append((call, there))
    fourth = one.ring("401")
    taken = two.wait_incoming(8)
    assert fourth.answered(8).status == 200  # by the queue
    taken.answer()
    fourth.close()
    for call, there in lines:
        call.close()
        over(service, there)


def test_asterisk_is_restarted_in_mid_registration(pbx: Pbx, service: Service, one: Phone) -> None:
    pbx.kill(forget=True)
    killed = time.time()
    # Registrations are renewed every 5 s; the one that meets nobody fails when RFC 3261's timer F is over.
    service.wait_event("registration_failed", 45, since=killed)
    pbx.start()
    back = time.time()
    assert pbx.contacts("400") == []
    service.wait_event("registered", 40, since=back)
    pbx.wait(lambda: pbx.contacts("400"), 2, "the contact")
    assert one.register().status == 200
    call, there = through(one, service, "400")
    call.close()
    over(service, there)


def _format(pbx: Pbx, channel: str) -> str:
    found = re.search(r"NativeFormats: (\S+)", pbx.ask(f"core show channel {channel}"))
    return found.group(1) if found else ""
