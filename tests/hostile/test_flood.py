"""A slice of the campaign ``tests.hostile.flood``, and what the kernel's filter keeps from pjsip."""

import socket
import sys

import pytest

from tests.hostile import flood
from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port

SECONDS = 1.5
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux chooses between sockets by a filter")


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("accept_from", "kinds", "rate"),
    [(["127.0.0.1"], flood.KINDS, 2000), (["127.0.0.1", "any"], flood.SCANS, 200)],
    ids=["strangers", "any"],
)
def test_trusted_calls_are_answered_while_a_hundred_sources_flood(
    accept_from: list[str], kinds: tuple[str, ...], rate: float
) -> None:
    target = Target(free_port(), accept_from=accept_from, max_calls=3)
    result = flood.measure(target, 100, rate, SECONDS, 1, kinds)
    target.check_alive()
    target.close()
    assert result.sent > rate and len(result.setup_ms) >= 5
    assert max(result.setup_ms) < flood.LIMIT_MS + max(result.late_ms), result.line()
    if accept_from == ["127.0.0.1"]:
        assert result.answered == 0


@linux
def test_pjsip_parses_nothing_of_a_stranger_and_who_it_was_is_logged() -> None:
    """pjsip reports what it cannot parse as an error; here it sees nothing."""
    target = Target(free_port(), host="127.0.0.9", accept_from=["127.0.0.1"])
    friend = target.beside("127.0.0.1")
    for _ in range(500):
        target.send(b"INVITE sip:x SIP/2.0\r\nVia: \x00\r\n\r\n")
    friend.send(b"INVITE sip:x SIP/2.0\r\nVia: \x00\r\n\r\n")
    friend.check_alive()
    target.close()
    said = "\n".join(target.lines)
    assert "source=127.0.0.9:" in said and "not from a peer in sip.accept_from" in said
    assert "127.0.0.9" not in "\n".join(line for line in target.lines if "pjsip  " in line)
    totals = [line for line in target.lines if "messages_refused_total" in line]
    assert totals and "dropped by the kernel" in totals[0]


@linux
def test_who_was_called_is_answered_though_they_may_not_call() -> None:
    target = Target(free_port(), accept_from=["127.0.0.1"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as callee:
        callee.bind(("127.0.0.77", 0))
        callee.settimeout(3)
        # The answer to our INVITE goes by its Via; the BYE of the call by its Contact: a request of ours.
        contact = f"<sip:x@127.0.0.77:{callee.getsockname()[1]}>"
        call = target.call(Request(body=sdp(), contact=contact))
        # Hung up before the ACK is read, pjsip may send two of them.
        target.wait("confirmed", call=call.invite.call_id)
        target.ask(f"hangup {call.invite.call_id}")
        bye = callee.recv(4096).decode()
        assert bye.startswith("BYE ")
        kept = ("Via", "From", "To", "Call-ID", "CSeq")
        lines = [line for line in bye.split("\r\n") if line.partition(":")[0] in kept]
        callee.sendto(
            "\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0\r\n\r\n"]).encode(), target.address
        )
        with pytest.raises(TimeoutError):
            callee.settimeout(0.8)
            callee.recv(4096)  # it is not sent again, as it would be after half a second
    target.close()
