"""Tests of who may send SIP at all (``sip.accept_from``), over real sockets."""

import pytest

from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port

STRANGER = "127.0.0.9"


def test_a_stranger_gets_no_answer_and_no_call() -> None:
    target = Target(free_port(), host=STRANGER, accept_from=["127.0.0.1"])
    for request in (Request("OPTIONS"), Request(body=sdp()), Request("REGISTER"), Request("FROB")):
        assert target.status(request, 0.5) == 0
    target.close()
    assert not [line for line in target.lines if '"confirmed"' in line or "Traceback" in line]
    refused = [line for line in target.lines if "message_refused" in line]
    assert refused and "not from a peer in sip.accept_from" in refused[0]


def test_where_anybody_may_call_a_scanner_is_banned_and_others_are_served() -> None:
    target = Target(free_port(), host=STRANGER, accept_from=["any"], ban_after=5)
    answers = [target.status(Request("REGISTER"), 0.5) for _ in range(12)]
    assert answers[:5] == [501] * 5 and answers[-1] == 0
    assert target.status(Request(body=sdp()), 0.5) == 0
    other = target.beside("127.0.0.8")
    other.check_alive()
    other.call().hang_up()
    target.close()
    assert [line for line in target.lines if "source_banned" in line]


NOISE = [
    bytes(range(256)),
    b"OPTIONS sip:x@y SIP/2.0\r\nFrom: a\r\n\r\n",
    b"OPTIONS sip:x@y SIP/2.0\r\nFrom: <sip:a@b>\r\n\r\n",
]


@pytest.mark.parametrize("noise", NOISE)
def test_what_cannot_be_parsed_counts_against_its_source_alone(noise: bytes) -> None:
    peer = "127.0.0.7"
    target = Target(free_port(), host=STRANGER, accept_from=["any", peer], ban_after=5)
    trusted = target.beside(peer)
    for _ in range(12):
        target.send(noise)
        trusted.send(noise)
    assert target.status(Request("OPTIONS"), 0.3) == 0
    trusted.check_alive()
    trusted.call().hang_up()
    target.beside("127.0.0.8").check_alive()
    target.close()
    banned = [line for line in target.lines if "source_banned" in line]
    assert len(banned) == 1 and STRANGER in banned[0]


def test_a_trusted_peer_is_never_banned() -> None:
    target = Target(free_port(), host=STRANGER, accept_from=[STRANGER], ban_after=5)
    assert {target.status(Request("REGISTER"), 1) for _ in range(8)} == {501}
    target.call().hang_up()
    target.close()


def test_strangers_never_take_the_calls_that_are_reserved_for_peers() -> None:
    peer = "127.0.0.7"
    target = Target(
        free_port(), host=STRANGER, accept_from=["any", peer], max_calls=2, reserved_calls=1, ban_after=99
    )
    held = target.call()
    for _ in range(30):
        assert target.status(Request(body=sdp()), 1) == 503
    other = target.beside(peer).call()
    held.hang_up()
    other.hang_up()
    target.wait("ended", call=other.invite.call_id)
    target.call().hang_up()  # a stranger's call is there again
    target.close()


CONTACTS = [
    "<sip:x@127.0.0.66>",
    "<sip:+900@127.0.0.9:5099;transport=tcp>",
    '"sip:a@127.0.0.5" <sip:127.0.0.66>',
]


def test_a_bare_extension_is_never_dialled_where_a_contact_says() -> None:
    """A transfer to 201 went, without a registration, to the host of the caller's Contact."""
    trusted = "127.0.0.7"
    target = Target(free_port(), host=STRANGER, accept_from=["any", trusted], max_calls=2)
    peer = target.beside(trusted)
    for contact in CONTACTS:
        for caller, domain in ((target, ""), (peer, f"{trusted}:{peer.port}")):
            call = caller.call(Request(body=sdp(), contact=contact))
            assert target.wait("confirmed", call=call.invite.call_id)["domain"] == domain
            call.hang_up()
    target.close()
