"""Requests inside a dialog reach a phone behind NAT, whose Contact is a private address."""

from collections.abc import Iterator

import pytest

from tests.hostile.messages import Established, Request, Target, sdp
from tests.ports import free_port

PRIVATE = ["10.1.2.3", "172.31.0.9", "192.168.1.5", "100.64.7.7", "169.254.1.1"]
TRUNKS = [
    {"name": "behind NAT", "addresses": ["127.0.0.31"], "behind_nat": True},
    {"name": "plain", "addresses": ["127.0.0.32"]},
]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), accept_from=["any", "trunks"], trunks=TRUNKS, host="127.0.0.30")
    yield running
    running.close()


def received(caller: Target, method: str) -> str:
    """The next request of that method; it is answered."""
    while message := caller.receive(3):
        if message.startswith(f"{method} "):
            lines = [
                line
                for line in message.split("\r\n")
                if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
            ]
            caller.send("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode())
            return message
    raise AssertionError(f"no {method} came")


def hung_up(caller: Target, call: Established) -> str:
    """The BYE that we send."""
    caller.clear()
    caller.command(f"hangup {call.invite.call_id}")
    return received(caller, "BYE")


@pytest.mark.parametrize("host", PRIVATE)
def test_a_bye_goes_to_where_the_call_came_from(target: Target, host: str) -> None:
    call = target.call(Request(body=sdp(), contact=f"<sip:x@{host}:5099>"))
    target.wait("confirmed", call=call.invite.call_id)
    bye = hung_up(target, call)
    assert bye.startswith(f"BYE sip:x@{target.host}:{target.port} ")


def test_a_re_invite_does_not_undo_it_and_a_refer_goes_there_too(target: Target) -> None:
    private = "<sip:x@10.1.2.3:5099;ob>"
    call = target.call(Request(body=sdp(), contact=private))
    target.wait("confirmed", call=call.invite.call_id)
    assert target.status(call.request("INVITE", sdp(), contact=private)) == 200
    target.send(call.request("ACK"))
    assert target.status(call.request("UPDATE", contact=private)) == 200
    target.clear()
    target.command(f"transfer {call.invite.call_id} sip:201@127.0.0.30")
    refer = received(target, "REFER")
    assert refer.startswith(f"REFER sip:x@{target.host}:{target.port};ob ")
    hung_up(target, call)


def test_a_public_contact_is_used_as_it_is(target: Target) -> None:
    other = target.beside("127.0.0.33")
    call = target.call(Request(body=sdp(), contact=f"<sip:x@{other.host}:{other.port}>"))
    target.wait("confirmed", call=call.invite.call_id)
    target.command(f"hangup {call.invite.call_id}")
    received(other, "BYE")


def test_a_trunks_contact_is_replaced_where_its_option_says_so(target: Target) -> None:
    elsewhere = target.beside("127.0.0.33")
    for host, name, replaced in (("127.0.0.31", "behind NAT", True), ("127.0.0.32", "plain", False)):
        trunk = target.beside(host)
        call = trunk.call(Request(body=sdp(), contact=f"<sip:x@{elsewhere.host}:{elsewhere.port}>"))
        assert target.wait("confirmed", call=call.invite.call_id)["peer"] == name
        target.command(f"hangup {call.invite.call_id}")
        received(trunk if replaced else elsewhere, "BYE")


def test_a_route_is_kept_and_the_contact_behind_it(target: Target) -> None:
    route = f"Record-Route: <sip:{target.host}:{target.port};lr>\r\n"
    call = target.call(Request(body=sdp(), contact="<sip:x@10.1.2.3:5099>", more=route))
    target.wait("confirmed", call=call.invite.call_id)
    bye = hung_up(target, call)
    assert bye.startswith("BYE sip:x@10.1.2.3:5099 ") and f"Route: <sip:{target.host}" in bye
