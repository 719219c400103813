"""Refreshes of a session (RFC 4028) go where the dialog is, and prove nobody's password there.

The input that placed calls at the PBX: an INVITE to the account's user with a short session that we refresh,
a route to the caller, and as its Contact the number to dial at the PBX.
"""

from collections.abc import Iterator

import pytest

from tests.caller import UserAgent
from tests.caller.registrar import Registrar
from tests.hostile.clock import Clock
from tests.hostile.messages import Established, Request, Target, sdp
from tests.ports import free_port

STRANGER = "127.0.0.9"
PASSWORD = "toll-fraud-secret"
HALF_S = 46
"""A session of 90 s, the shortest that RFC 4028 allows, is refreshed after half of it."""


@pytest.fixture(scope="module")
def pbx() -> Iterator[UserAgent]:
    with UserAgent() as running:
        yield running


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def target(pbx: UserAgent, clock: Clock) -> Iterator[Target]:
    registrar = Registrar(pbx, "400", PASSWORD)
    account = {"registrar": f"127.0.0.1:{pbx.port}", "user": "400", "password": PASSWORD}
    running = Target(
        free_port(),
        host=STRANGER,
        environment=clock.environment,
        registrations=[account],
        accept_from=["any"],
        rtp_timeout_s=10_000,
    )
    registrar.wait(1)
    yield running
    running.close()


def refresh_of(target: Target, call: Established) -> str:
    """The next UPDATE or INVITE inside the dialog; it is challenged as the PBX would."""
    while message := target.receive(3):
        if message.startswith(("UPDATE", "INVITE")) and call.invite.call_id in message:
            kept = [
                line
                for line in message.split("\r\n")
                if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))
            ]
            challenge = 'WWW-Authenticate: Digest realm="tests",nonce="the-pbx-made-it",qop="auth"'
            answer = "\r\n".join(["SIP/2.0 401 No", *kept, challenge, "Content-Length: 0", "", ""])
            target.send(answer.encode())
            return message
    raise AssertionError("no refresh came")


@pytest.mark.parametrize("to", ["400", "anybody"])
@pytest.mark.parametrize(
    ("allow", "method"), [("Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n", "UPDATE"), ("", "INVITE")]
)
def test_a_refresh_carries_no_credential_and_follows_the_route(
    target: Target, clock: Clock, pbx: UserAgent, to: str, allow: str, method: str
) -> None:
    at_pbx: list[str] = []
    pbx.on_request = lambda request: (
        bool(at_pbx.append(request.method)) if request.method != "REGISTER" else False
    )
    invite = Request(
        body=sdp(),
        to=f"<sip:{to}@127.0.0.1>",
        uri=f"sip:{to}@127.0.0.1",
        contact=f"<sip:+900123@127.0.0.1:{pbx.port}>",
        more="Session-Expires: 90;refresher=uas\r\nSupported: timer\r\n"
        f"Record-Route: <sip:{STRANGER}:{target.port};lr>\r\n{allow}",
    )
    call = target.call(invite)
    assert "Session-Expires: 90;refresher=uas" in call.answer
    confirmed = target.wait("confirmed", call=invite.call_id)
    assert (confirmed["account"], confirmed["verified"]) == ("", False)
    target.clear()
    clock.advance(HALF_S)
    refresh = refresh_of(target, call)
    assert refresh.startswith(method) and f"Route: <sip:{STRANGER}:{target.port};lr>" in refresh
    # What comes after its challenge is no request with an answer to it.
    after = [message for _ in range(3) if (message := target.receive(0.4))]
    assert not [message for message in [refresh, *after] if "Authorization" in message]
    assert not at_pbx, "nothing of this dialog reached the PBX"
    target.check_alive()


def test_without_a_route_the_refresh_of_a_private_contact_comes_back_to_its_sender(
    target: Target, clock: Clock
) -> None:
    call = target.call(
        Request(
            body=sdp(),
            contact="<sip:x@10.0.0.9:5099>",
            more="Session-Expires: 90;refresher=uas\r\nSupported: timer\r\n",
        )
    )
    target.wait("confirmed", call=call.invite.call_id)
    target.clear()
    clock.advance(HALF_S)
    refresh = refresh_of(target, call)
    assert refresh.split(" ")[1] == f"sip:x@{STRANGER}:{target.port}" and "Authorization" not in refresh
