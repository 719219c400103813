"""Requests that race, are sent twice or name another dialog: each gets its answer, and calls go on."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hostile.messages import Established, Request, Target, sdp
from tests.ports import free_port

RINGING = "sip:ring@127.0.0.1"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), max_calls=3)
    yield running
    assert not [line for line in running.lines if "Traceback" in line or "Assertion" in line]
    running.close()


def answer_to(target: Target, request: Request, cseq: str, timeout: float = 3.0) -> str:
    """The final answer with this Call-ID and CSeq."""
    while message := target.receive(timeout):
        final = message.startswith("SIP/2.0 ") and int(message[8:11]) >= 200
        if final and f"Call-ID: {request.call_id}\r\n" in message and f"CSeq: {cseq}\r\n" in message:
            return message
    raise AssertionError(f"no answer to {cseq}")


def status_of(target: Target, request: Request) -> int:
    target.clear()
    target.send(request)
    return int(answer_to(target, request, request.cseq or f"1 {request.method}")[8:11])


def ringing(target: Target, **fields: Any) -> Established:
    """A call that rings; its ``answer`` is the 180."""
    invite = Request(body=sdp(), uri=RINGING, **fields)
    target.clear()
    target.send(invite)
    target.wait("ringing", call=invite.call_id)
    while not (answer := target.receive(3)).startswith("SIP/2.0 180"):
        assert answer.startswith("SIP/2.0 1"), answer
    to = next(line[3:].strip() for line in answer.split("\r\n") if line.startswith("To:"))
    return Established(target, invite, to, answer)


def cancel_of(call: Established, **fields: Any) -> Request:
    invite = call.invite
    kept = {"call_id": invite.call_id, "branch": invite.branch, "uri": invite.uri, "sender": invite.sender}
    return Request("CANCEL", cseq="1 CANCEL", **(kept | fields))


def ack_of(call: Established, **fields: Any) -> Request:
    """The ACK of the INVITE, whatever was sent since."""
    return dataclasses.replace(call.request("ACK", **fields), cseq="1 ACK")


def gone(target: Target, call: Established) -> None:
    """The INVITE was cancelled; its ACK ends the transaction."""
    answer = answer_to(target, call.invite, "1 INVITE")
    assert answer.startswith("SIP/2.0 487"), answer
    target.send(ack_of(call, branch=call.invite.branch))
    assert target.wait("ended", call=call.invite.call_id)["reason"] == "cancelled"


@pytest.mark.parametrize("fields", [{}, {"uri": "sip:other@127.0.0.1"}, {"to": "<sip:other@127.0.0.1>"}])
def test_a_request_that_came_by_two_ways_is_merged(target: Target, fields: dict[str, str]) -> None:
    call = target.call()
    merged = Request(body=sdp(), call_id=call.invite.call_id, sender=call.invite.sender, **fields)
    assert status_of(target, merged) == 482
    assert target.status(call.request("INFO", "")) == 200
    call.hang_up()


def test_a_repeated_invite_is_no_second_call(target: Target) -> None:
    call = ringing(target)
    target.send(call.invite)
    assert target.receive(3).startswith("SIP/2.0 180")
    target.command(f"answer {call.invite.call_id}")
    assert answer_to(target, call.invite, "1 INVITE").startswith("SIP/2.0 200")
    target.send(call.invite)
    assert answer_to(target, call.invite, "1 INVITE").startswith("SIP/2.0 200"), "the ACK may be lost"
    target.send(ack_of(call))
    target.wait("confirmed", call=call.invite.call_id)
    target.clear()
    target.send(call.invite)
    target.send(call.request("OPTIONS"))
    assert target.receive(3).startswith("SIP/2.0 200") and not target.receive(0.2)
    call.hang_up()


def test_a_cancel_ends_a_ringing_call(target: Target) -> None:
    call = ringing(target)
    assert status_of(target, cancel_of(call)) == 200
    gone(target, call)


@pytest.mark.parametrize(
    "fields",
    [{"call_id": "another"}, {"sender": "<sip:a@127.0.0.1>;tag=other"}, {"branch": "z9hG4bKother"}],
    ids=["another Call-ID", "another tag", "another branch"],
)
def test_a_cancel_of_another_request_cancels_nothing(target: Target, fields: dict[str, str]) -> None:
    call = ringing(target)
    assert status_of(target, cancel_of(call, **fields)) == 481
    assert status_of(target, cancel_of(call)) == 200
    gone(target, call)


def test_a_cancel_after_the_answer_changes_nothing(target: Target) -> None:
    call = target.call()
    assert status_of(target, cancel_of(call)) in (200, 481)
    assert target.status(call.request("INFO", "")) == 200
    call.hang_up()


@pytest.mark.parametrize("first", ["INVITE", "CANCEL"])
def test_a_cancel_that_races_the_answer_ends_in_one_of_the_two(target: Target, first: str) -> None:
    for _ in range(5):
        call = Established(target, Request(body=sdp()), "", "")
        pair = [call.invite, cancel_of(call)]
        target.clear()
        for request in pair if first == "INVITE" else reversed(pair):
            target.send(request)
        answer = answer_to(target, call.invite, "1 INVITE")
        call.to = next(line[3:].strip() for line in answer.split("\r\n") if line.startswith("To:"))
        if answer.startswith("SIP/2.0 200"):
            target.send(call.request("ACK"))
            target.wait("confirmed", call=call.invite.call_id)
            call.hang_up()
        else:
            assert answer.startswith("SIP/2.0 487"), answer
            target.send(ack_of(call, branch=call.invite.branch))
    target.check_alive()


def test_a_bye_in_an_early_dialog_ends_the_call(target: Target) -> None:
    call = ringing(target)
    assert status_of(target, call.request("BYE")) == 200
    assert answer_to(target, call.invite, "1 INVITE").startswith("SIP/2.0 487")
    target.send(ack_of(call, branch=call.invite.branch))


@pytest.mark.parametrize(
    "body", [sdp(), "", sdp("m=video 49000 RTP/AVP 96\r\n")], ids=["offer", "none", "video"]
)
def test_an_update_while_it_rings_is_answered_and_the_call_is_too(target: Target, body: str) -> None:
    """An offer before the first one was answered gets 500 (RFC 3311, 5.2), or is refused otherwise."""
    call = ringing(target)
    assert status_of(target, call.request("UPDATE", body)) in (200, 488, 491, 500)
    target.command(f"answer {call.invite.call_id}")
    assert answer_to(target, call.invite, "1 INVITE").startswith("SIP/2.0 200")
    target.send(ack_of(call))
    target.wait("confirmed", call=call.invite.call_id)
    call.hang_up()


def test_a_peer_that_requires_reliable_ringing_gets_it_once(target: Target) -> None:
    call = ringing(target, more="Require: 100rel\r\nSupported: 100rel\r\n")
    lines = call.answer.split("\r\n")
    assert "Require: 100rel" in lines
    rseq = next(line.partition(":")[2].strip() for line in lines if line.startswith("RSeq:"))
    for rack in (f"{int(rseq) + 7} 1 INVITE", "x", f"{rseq} 1 INVITE"):
        # pjsip takes a PRACK of another number too, for what it is: a message that ends the repetitions.
        assert status_of(target, call.request("PRACK", more=f"RAck: {rack}\r\n")) in (200, 400, 481)
    target.command(f"answer {call.invite.call_id}")
    assert answer_to(target, call.invite, "1 INVITE").startswith("SIP/2.0 200")
    target.send(ack_of(call))
    target.wait("confirmed", call=call.invite.call_id)
    call.hang_up()


def test_an_extension_that_is_not_known_is_refused_by_name(target: Target) -> None:
    request = Request(body=sdp(), more="Require: frobnicate\r\n")
    target.send(request)
    answer = answer_to(target, request, "1 INVITE")
    assert answer.startswith("SIP/2.0 420") and "Unsupported: frobnicate" in answer


def replaces(call: Established, **changes: str) -> str:
    to_tag = call.to.partition("tag=")[2]
    parts = {"id": call.invite.call_id, "to-tag": to_tag, "from-tag": "hostile"} | changes
    tags = "".join(f";{name}={value}" for name, value in parts.items() if name != "id")
    return f"Replaces: {parts['id']}{tags}\r\n"


@pytest.mark.parametrize(
    ("changes", "statuses"),
    [
        pytest.param({}, {603}, id="somebody's call"),
        pytest.param({"early-only": "true"}, {486, 603}, id="only if it rings"),
        pytest.param({"id": "none"}, {481}, id="no call"),
        pytest.param({"from-tag": "other"}, {481}, id="another tag"),
        pytest.param({"to-tag": "other"}, {481}, id="another tag of ours"),
    ],
)
def test_nobody_takes_over_a_call_by_replaces(
    target: Target, changes: dict[str, str], statuses: set[int]
) -> None:
    call = target.call()
    thief = Request(body=sdp(), sender="<sip:t@127.0.0.1>;tag=thief", more=replaces(call, **changes))
    assert status_of(target, thief) in statuses
    assert target.status(call.request("INFO", "")) == 200
    call.hang_up()


@pytest.mark.parametrize("value", ["", ";", "x;to-tag=1", "x;to-tag=;from-tag="])
def test_a_replaces_that_is_none_is_refused(target: Target, value: str) -> None:
    request = Request(body=sdp(), more=f"Replaces: {value}\r\nRequire: replaces\r\n")
    target.clear()
    target.send(request)
    if value == ";":  # pjsip drops what it cannot parse
        with pytest.raises(AssertionError, match="no answer"):
            answer_to(target, request, "1 INVITE", 0.3)
    else:
        assert answer_to(target, request, "1 INVITE").startswith("SIP/2.0 481")
    target.check_alive()


def test_a_request_that_comes_late_by_its_number_is_refused(target: Target) -> None:
    call = target.call()
    call.cseq = 10
    assert target.status(call.request("INFO", "")) == 200
    late = dataclasses.replace(call.request("INFO"), cseq="3 INFO")
    assert target.status(late) == 500
    call.hang_up()
