"""The PBX's password is proved to the registrar alone (RFC 3261, 22), however a stranger asks."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.caller import UserAgent
from tests.caller.registrar import Registrar
from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port

STRANGER = "127.0.0.9"
KEPT = ("Via:", "From:", "To:", "Call-ID:", "CSeq:")
CHALLENGES = [
    (401, 'WWW-Authenticate: Digest realm="pbx",nonce="chosen",qop="auth"'),
    (407, 'Proxy-Authenticate: Digest realm="pbx",nonce="chosen"'),
]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with UserAgent() as pbx:
        registrar = Registrar(pbx, "400", "secret")
        account = {"registrar": f"127.0.0.1:{pbx.port}", "user": "400", "password": "secret"}
        running = Target(free_port(), host=STRANGER, registrations=[account])
        registrar.wait(1)
        yield running
        running.close()


@pytest.mark.parametrize(("status", "challenge"), CHALLENGES)
def test_a_stranger_who_challenges_our_bye_gets_no_digest(
    target: Target, status: int, challenge: str
) -> None:
    call = target.call(Request(body=sdp(), to="<sip:400@127.0.0.1>", uri="sip:400@127.0.0.1"))
    target.wait("confirmed")
    target.clear()
    target.command(f"hangup {call.invite.call_id}")
    received = []
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and (message := target.receive(1.0)):
        received.append(message)
        if message.startswith("BYE "):
            lines = message.split("\r\n")
            kept = [
                line for line in lines[1:] if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
            ]
            first = f"SIP/2.0 {status} No"
            answer = "\r\n".join([first, *kept, challenge, "Content-Length: 0", "", ""])
            target.send(answer.encode())
    assert any(message.startswith("BYE ") for message in received)
    assert not [message for message in received if "Authorization" in message]
    target.check_alive()


def test_the_registrars_own_challenge_is_answered(target: Target) -> None:
    """It registered: the fixture waited for it. The password went out in a digest only."""
    assert not [line for line in target.lines if "secret" in line]


def test_the_account_has_no_credentials_for_a_request_to_another_host() -> None:
    from ivr.sip.gate.credentials import RegistrarChallenges
    from ivr.sip.gate.hosts import HostAddresses
    from ivr.sip.gate.raw_message import read
    from ivr.sip.options import Registration

    hosts = HostAddresses(["pbx.example"], lambda name: ["192.0.2.7"])
    account = Registration(registrar="pbx.example:5080", user="400", password="x")
    challenges = RegistrarChallenges([account], hosts)
    hosts.resolve_all()
    register = read(b"REGISTER sip:pbx.example:5080 SIP/2.0\r\n\r\n")
    bye = read(b"BYE sip:201@192.0.2.7 SIP/2.0\r\n\r\n")
    elsewhere = read(b"BYE sip:201@192.0.2.9 SIP/2.0\r\n\r\n")
    routed = read(b"BYE sip:201@192.0.2.7 SIP/2.0\r\nRoute: <sip:192.0.2.9;lr>\r\n\r\n")
    asked = read(b'SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm="pbx", nonce="n"\r\n\r\n')
    other_realm = read(b'SIP/2.0 401 No\r\nWWW-Authenticate: Digest realm="other", nonce="n"\r\n\r\n')
    assert challenges.allows("192.0.2.7", register, asked)
    assert challenges.allows("192.0.2.7", bye, asked)
    assert not challenges.allows("192.0.2.7", bye, other_realm)
    assert not challenges.allows("192.0.2.9", bye, asked)
    assert not challenges.allows("192.0.2.9", elsewhere, asked)
    assert not challenges.allows("192.0.2.7", elsewhere, asked)
    assert not challenges.allows("192.0.2.7", routed, asked)
    assert socket.inet_aton(STRANGER)
