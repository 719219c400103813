"""What a caller may send inside a call, meant or not: a proper answer, and the call goes on."""

import queue
import time
from collections.abc import Iterator

import pytest

from tests.caller import UserAgent
from tests.caller.call import Call
from tests.caller.media import Key, Media
from tests.caller.rtp import event_packets
from tests.e2e.services import Services

SDP = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP {payloads}\r\n"
)


@pytest.fixture
def call(services: Services) -> Iterator[Call]:
    service = services.get()
    with UserAgent() as caller:
        call = caller.call(service.address)
        call.media.wait_loud(5)
        yield call
        call.media.wait_loud(3, after=time.time())
        assert not call.ended.is_set(), "the call goes on"
        assert not [e for e in service.events if e.get("call") == call.call_id and "exception" in e]
        call.hangup()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"Signal=R\r\nDuration=160\r\n", "application/dtmf-relay", 400),
        (b"Signal=!\r\n", "application/dtmf-relay", 400),
        (b"Signal=\r\n", "application/dtmf-relay", 400),
        (b"Signal=99\r\n", "application/dtmf-relay", 400),
        (b"", "application/dtmf-relay", 400),
        (b"x", "application/dtmf", 400),
        (b"\xff\xfe", "application/dtmf", 400),
        (b"hello", "text/plain", 415),
        (b"<x/>", "application/media_control+xml", 415),
    ],
)
def test_an_info_that_is_no_key(call: Call, body: bytes, content_type: str, status: int) -> None:
    assert call.info(body, content_type).status == status


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 200), ("FROBNICATE", 501)])
def test_requests_inside_a_call(call: Call, method: str, status: int) -> None:
    assert call.request(method).final(5).status == status


def test_a_hook_flash_is_no_key(call: Call) -> None:
    flash = Key([(bytes([16]) + payload[1:], marker) for payload, marker in event_packets("1", 100)])
    call.media._keys.append(flash)
    assert flash.done.wait(2)


def test_a_reinvite_without_a_common_codec(call: Call) -> None:
    offer = SDP.format(host="127.0.0.1", port=20000, payloads="97") + "a=rtpmap:97 opus/48000/2\r\n"
    answer = call.request("INVITE", [("Content-Type", "application/sdp")], offer.encode()).final(5)
    assert answer.status == 488


def test_a_caller_cannot_make_us_dial_out(call: Call, services: Services) -> None:
    with UserAgent() as victim:
        target = f"<sip:victim@127.0.0.1:{victim.port}>"
        assert call.request("REFER", [("Refer-To", target)]).final(5).status == 603
        with pytest.raises(queue.Empty):
            victim.wait_incoming(1.0)
    assert services.get().find("transfer_refused", call=call.call_id)


@pytest.mark.parametrize("line", ["a=inactive", "c=0.0.0.0"])
def test_a_call_that_begins_on_hold_is_answered_and_heard_once_resumed(services: Services, line: str) -> None:
    service = services.get()
    with UserAgent() as caller:
        media = Media(caller.host)
        host = "0.0.0.0" if line.startswith("c=") else "127.0.0.1"
        offer = SDP.format(host=host, port=media.port, payloads="0")
        offer += "" if line.startswith("c=") else line + "\r\n"
        call = caller.dial(service.address, body=offer.encode(), media=media)
        assert call.answered(5).status == 200
        time.sleep(0.3)
        resumed = call.reinvite()
        assert resumed.status == 200
        call.media.wait_loud(5)
        call.hangup()


@pytest.mark.parametrize("method", ["SUBSCRIBE", "MESSAGE", "REFER", "PUBLISH", "NOTIFY"])
def test_requests_outside_a_call_that_lead_nowhere_are_refused(services: Services, method: str) -> None:
    with UserAgent() as caller:
        headers = [("Event", "presence"), ("Refer-To", "<sip:x@127.0.0.1>")]
        assert caller.request(method, services.get().address, headers=headers).final(5).status in (481, 501)
