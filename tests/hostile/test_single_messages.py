"""One message of a stranger, or a few: each has its right answer, and other calls never notice."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.messages import AUDIO, Request, Target, sdp
from tests.ports import free_port

LONG = "a" * 254
PARTS = (
    "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/sdp\r\n\r\n"
    + sdp("m=audio 49000 UDP/TLS/RTP/SAVP 0\r\n")
    + "--x--\r\n"
)
PARSED = -400
"""400, or no answer where a newer pjsip refuses to parse it at all."""


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), session_expires_s=90)
    yield running
    running.close()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param(
            {"body": sdp("m=audio 49000 UDP/TLS/RTP/SAVP 0\r\n")}, 488, id="DTLS without fingerprint"
        ),
        pytest.param(
            {"body": sdp("m=audio 49000 UDP/TLS/RTP/SAVPF 0\r\n")}, 488, id="the same with feedback"
        ),
        pytest.param(
            {"body": sdp(AUDIO + "m=audio 49002 UDP/TLS/RTP/SAVP 0\r\n")}, 488, id="the same in a second line"
        ),
        pytest.param({"more": "Content-Type: application/sdp\r\n"}, 400, id="a type and no body"),
        pytest.param({"body": sdp(), "contact": "<sip:[]>"}, PARSED, id="Contact without a host"),
        pytest.param(
            {"body": sdp(), "contact": "<sip:x@[]:5060;lr>"}, PARSED, id="Contact with user, no host"
        ),
        pytest.param(
            {"body": sdp(), "contact": "<sip:x@127.0.0.1:70000>"}, PARSED, id="Contact with a wrong port"
        ),
        pytest.param({"body": sdp(), "contact": f"<sip:x@{LONG}>"}, 400, id="Contact with a long name"),
        pytest.param(
            {"body": sdp(), "more": "Record-Route: <sip:[];lr>\r\n"}, 0, id="Record-Route without a host"
        ),
        pytest.param(
            {"body": sdp(), "more": "Record-Route: <sip:;lr>\r\n"}, 0, id="Record-Route with nothing"
        ),
        pytest.param({"body": sdp(), "sender": "<sip:[]>;tag=x"}, 0, id="From without a host"),
        pytest.param({"body": sdp(), "uri": "sip:[]"}, PARSED, id="Request-URI without a host"),
        pytest.param({"body": sdp(), "contact": "<sip:x@[2001:db8::1]:5060>"}, 400, id="Contact with IPv6"),
        pytest.param(
            {"body": sdp(), "more": "Record-Route: <sip:[2001:db8::1];lr>\r\n"}, 400, id="route with IPv6"
        ),
        pytest.param({"body": sdp(), "sender": "<sip:a@[::1%25lo]>;tag=x"}, 0, id="From with a zone"),
        pytest.param({"body": sdp(), "to": "<sip:a@[1:2]>"}, 0, id="To with half an address"),
        pytest.param({"body": sdp(), "via": "[]:{port}"}, 0, id="Via without a host"),
        pytest.param({"body": sdp(), "via": "127.0.0.1:{port};maddr=[]"}, 0, id="Via with maddr"),
        pytest.param({"body": sdp(connection="IN IP4 ::1")}, 488, id="c= with IPv6 named IPv4"),
        pytest.param({"body": sdp(connection="IN IP6 ::1")}, 488, id="c= with IPv6"),
        pytest.param({"body": sdp(connection=f"IN IP4 {LONG}")}, 488, id="c= with a long name"),
        pytest.param({"body": sdp(connection="IN IP4 phone.example")}, 488, id="c= with a name"),
        pytest.param({"body": sdp(AUDIO * 9)}, 488, id="nine media lines"),
        pytest.param({"body": sdp("m=audio 99999 RTP/AVP 0\r\n")}, 488, id="a port that is none"),
        pytest.param({"body": sdp(AUDIO + "a=fingerprint:\r\n")}, 488, id="an attribute without its value"),
        pytest.param({"body": sdp("m=audio 49000 RTP/AVP 96\r\n")}, 488, id="a format without its rtpmap"),
        pytest.param({"body": sdp(AUDIO.replace("\r\n", "\r")) + "a=x\r\n"}, 488, id="a bare CR in SDP"),
        pytest.param({"body": PARTS, "content_type": "multipart/mixed;boundary=x"}, 488, id="DTLS in a part"),
        pytest.param({"body": sdp(), "more": "c: text/plain\r\n"}, 400, id="two content types"),
        pytest.param({"body": sdp(), "more": "X: a\rY: b\r\n"}, 0, id="a bare CR in a header"),
        pytest.param({"body": sdp(), "more": "X: \0\r\n"}, 0, id="a NUL in a header"),
        pytest.param({"body": sdp(), "cseq": "1 BYE"}, 400, id="CSeq of another method"),
        pytest.param({"cseq": "1 BYE", "sender": "<sip:[]>;tag=x"}, 0, id="the same, From without a host"),
        pytest.param(
            {"cseq": "1 BYE", "more": "Record-Route: <sip:[];lr>\r\n"}, 0, id="the same with Record-Route"
        ),
        pytest.param(
            {"contact": "<sip:[]>", "sender": "<sip:[]>;tag=x"}, 0, id="Contact and From without a host"
        ),
        pytest.param({"method": "ACK"}, 0, id="ACK without an answer's tag"),
        pytest.param({"method": "BYE", "to": "<sip:b@127.0.0.1>;tag=none"}, 481, id="BYE in no dialog"),
        pytest.param({"method": "INFO", "to": "<sip:b@127.0.0.1>;tag=none"}, 481, id="INFO in no dialog"),
    ],
)
def test_an_invite_that_pjsip_cannot_bear_is_refused(
    target: Target, fields: dict[str, Any], status: int
) -> None:
    allowed = {0, 400} if status == PARSED else {status}
    assert target.status(Request(**fields), 3.0 if status > 0 else 1.0) in allowed
    target.check_alive()


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": "<sip:a@[2001:db8::1]:5060>;tag=hostile"},
        {"to": "<sip:b@[::ffff:192.0.2.1]>"},
        {"uri": "sip:b@[::1]"},
        {"via": "[2001:db8::1]:{port};rport"},
        {"more": "Via: SIP/2.0/UDP [2001:db8::2];branch=z9hG4bK1;maddr=192.0.2.1\r\n"},
        {
            "more": "Record-Route: <sip:{here};lr>, <sip:[2001:db8::2];lr>, <sip:{here};lr>\r\n",
        },
    ],
    ids=["From", "To", "Request-URI", "Via", "Via of a hop before", "route of a hop before"],
)
def test_ipv6_addresses_of_who_calls_and_of_hops_further_away_are_taken(
    target: Target, fields: dict[str, str]
) -> None:
    here = f"{target.host}:{target.port}"
    invite = Request(body=sdp(), **{name: value.replace("{here}", here) for name, value in fields.items()})
    call = target.call(invite)
    target.wait("confirmed", call=invite.call_id)
    call.hang_up()
    target.check_alive()


@pytest.mark.parametrize(
    "to", ["<sip:b@127.0.0.1>", "<sip:b@127.0.0.1>;tag=none", '";tag=x" <sip:b@h;tag=y>']
)
@pytest.mark.parametrize("same_branch", [False, True])
def test_an_ack_in_another_transaction_is_dropped(target: Target, to: str, same_branch: bool) -> None:
    """It has the INVITE's Call-ID, From tag and CSeq number: pjsip took it for the same dialog."""
    call = target.call()
    branch = {"branch": call.invite.branch} if same_branch else {}
    target.send(call.request("ACK", to=to, **branch))
    target.check_alive()
    assert target.status(call.request("INFO")) == 200
    call.hang_up()


@pytest.mark.parametrize("media", [AUDIO * 9, "m=text 0 RTP/AVP 98\r\n" + AUDIO])
def test_an_offer_within_a_call_that_its_lines_cannot_bear_is_refused(target: Target, media: str) -> None:
    call = target.call()
    assert target.status(call.request("INVITE", sdp(media))) == 488
    target.check_alive()
    assert target.status(call.request("INVITE", sdp())) == 200
    target.send(call.request("ACK"))
    call.hang_up()
    target.check_alive()


def test_an_offer_without_media_lines_is_answered(target: Target) -> None:
    call = target.call()
    assert target.status(call.request("INVITE", sdp(""))) in (200, 400, 488)
    target.send(call.request("ACK"))
    target.check_alive()
    call.hang_up()


@pytest.mark.parametrize(
    "more", ["m=video 49004 RTP/AVP 96\r\n", AUDIO, "m=text 0 RTP/AVP 98\r\n" + AUDIO * 3]
)
def test_an_update_with_more_media_lines_is_refused(target: Target, more: str) -> None:
    call = target.call()
    assert target.status(call.request("UPDATE", sdp(AUDIO + more))) == 488
    call.hang_up()
    target.check_alive()


def test_a_key_for_an_ended_call_does_not_reach_the_next_one(target: Target) -> None:
    ended = target.call()
    ended.hang_up()
    following = target.call()
    key = ended.request("INFO", "Signal=5\r\nDuration=100\r\n", content_type="application/dtmf-relay")
    assert target.status(key) == 481
    plain = ended.request("INFO", "5", content_type="application/dtmf")
    assert target.status(plain) == 481
    for method, body in (("INVITE", sdp()), ("UPDATE", sdp()), ("NOTIFY", "")):
        assert target.status(ended.request(method, body)) == 481
    own = following.request("INFO", "Signal=7\r\nDuration=100\r\n", content_type="application/dtmf-relay")
    assert target.status(own) == 200
    assert target.wait("key") == {"event": "key", "call": following.invite.call_id, "key": "7"}
    following.hang_up()


@pytest.mark.parametrize("tags", ["to", "sender"])
def test_a_request_with_one_wrong_tag_is_in_no_dialog(target: Target, tags: str) -> None:
    call = target.call()
    wrong = {"to": call.to + "x"} if tags == "to" else {"sender": "<sip:a@127.0.0.1>;tag=other"}
    assert target.status(call.request("BYE", **wrong)) == 481
    assert target.status(call.request("BYE", call_id="another")) == 481
    call.hang_up()


def test_a_full_service_refuses_an_invite_without_a_body(target: Target) -> None:
    calls = [target.call() for _ in range(3)]
    bodies: list[dict[str, str]] = [{}, {"body": sdp()}, {"body": "x", "content_type": "text/plain"}]
    assert [target.status(Request(**fields)) for fields in bodies] == [503] * 3
    for more in ("Content-Type: application/sdp\r\n", "Content-Type: multipart/mixed;boundary=x\r\n"):
        assert target.status(Request(more=more)) in (400, 503)
    for call in calls:
        call.hang_up()
    target.check_alive()


def test_a_burst_of_invites_takes_no_sockets_beyond_the_calls(target: Target) -> None:
    """Forty within half a second used up the 64 handles of the stock wheel."""
    requests = [Request(body=sdp()) for _ in range(40)]
    for request in requests:
        target.send(request)
    target.check_alive()
    statuses: dict[str, str] = {}
    while answer := target.receive(1.0):
        identity = next((line for line in answer.split("\r\n") if line.startswith("Call-ID:")), "")[9:]
        if answer.startswith("SIP/2.0 ") and int(answer[8:11]) >= 200:
            to = next(line[3:].strip() for line in answer.split("\r\n") if line.startswith("To:"))
            request = next((each for each in requests if each.call_id == identity), None)
            if request is None:
                continue
            if answer.startswith("SIP/2.0 200") and identity not in statuses:
                target.send(Request("ACK", to=to, call_id=identity, cseq="1 ACK"))
                target.send(Request("BYE", to=to, call_id=identity, cseq="2 BYE"))
            statuses.setdefault(request.call_id, answer[8:11])
    assert set(statuses.values()) == {"200", "503"}
    target.check_alive()


def test_a_draining_service_refuses_an_invite_without_a_body() -> None:
    draining = Target(free_port())
    draining.command("drain")
    assert draining.status(Request()) == 503
    draining.check_alive()
    draining.close()
