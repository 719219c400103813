"""Trunks by password: a call is taken from who proves it, and from nobody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.secure import Certificates, TlsClient, client_context, needs_carrier
from tests.hostile.messages import Request, Target, sdp
from tests.ports import free_port
from tests.sip.gate.test_digest import URI, proof

GUESS = 'Authorization: Digest realm="ivr", username="carrier"\r\n'
LONG = "a" * 254
TRUNK = {"name": "carrier", "user": "carrier", "password": "s3cret"}


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), accept_from=["trunks"], trunks=[TRUNK], ban_after=10)
    yield running
    assert not [line for line in running.lines if "s3cret" in line or "Traceback" in line]
    running.close()


def challenged(target: Target, invite: Request) -> list[str]:
    """The challenges to an INVITE."""
    target.clear()
    target.send(invite)
    answer = target.receive(3)
    assert answer.startswith("SIP/2.0 401"), answer.split("\r\n")[0]
    return [line.partition(":")[2] for line in answer.split("\r\n") if line.startswith("WWW-Authenticate:")]


def proved(target: Target, invite: Request, **changes: str) -> Request:
    challenges = challenged(target, invite)
    more = f"Authorization: {proof(challenges[0], **changes)}\r\n"
    return Request(body=invite.body, call_id=invite.call_id, uri=URI, cseq="2 INVITE", more=more)


def test_a_trunk_that_proves_its_password_is_trusted(target: Target) -> None:
    caller = target.beside("127.0.0.21")
    call = caller.call(proved(caller, Request(body=sdp())))
    confirmed = target.wait("confirmed", call=call.invite.call_id)
    assert (confirmed["peer"], confirmed["verified"]) == ("carrier", True)
    assert caller.status(call.request("INVITE", sdp())) == 200
    caller.send(call.request("ACK"))
    assert caller.status(Request("OPTIONS")) == 200
    call.hang_up()
    assert target.wait("ended", call=call.invite.call_id)["reason"] == "caller"


def test_who_cannot_prove_it_reaches_nothing(target: Target) -> None:
    caller = target.beside("127.0.0.22")
    assert caller.status(Request("OPTIONS"), 0.3) == 0
    assert caller.status(Request("BYE", to="<sip:b@127.0.0.1>;tag=x"), 0.3) == 0
    invite = Request(body=sdp())
    assert caller.status(proved(caller, invite, password="guess")) == 403
    assert caller.status(proved(caller, invite, uri="sip:900@127.0.0.1")) == 403
    assert caller.status(Request(body=sdp())) == 401
    assert caller.status(Request(body=sdp(), more='Authorization: Digest realm="ivr"\r\n')) == 403


@pytest.mark.parametrize(
    ("host", "fields"),
    [
        pytest.param("127.0.0.23", {}, id="who never answers the challenge"),
        pytest.param("127.0.0.24", {"more": GUESS}, id="who guesses"),
        pytest.param("127.0.0.25", {"contact": f"<sip:{LONG}>"}, id="who sends what pjsip cannot bear"),
    ],
)  # fmt: skip
def test_a_source_is_banned(target: Target, host: str, fields: dict[str, Any]) -> None:
    caller = target.beside(host)
    answers = [caller.status(Request(body=sdp(), **fields)) for _ in range(11)]
    assert len(set(answers)) == 1 and answers[0] in (400, 401, 403)
    assert caller.status(Request(body=sdp()), 0.3) == 0
    other = target.beside("127.0.0.26")
    assert other.status(Request(body=sdp())) == 401


def test_what_was_refused_is_counted_by_cause_in_the_log_at_the_end() -> None:
    target = Target(free_port(), accept_from=["127.0.0.1"])
    assert target.status(Request(cseq="1 BYE")) == 400
    assert target.beside("127.0.0.22").status(Request("OPTIONS"), 0.2) == 0
    target.close()
    (line,) = [line for line in target.lines if "messages_refused_total" in line]
    assert "refused=1" in line and "dropped=1" in line and "banned=0" in line
    assert "'not from a peer in sip.accept_from': 1" in line


@needs_carrier
def test_a_trunk_is_known_by_the_certificate_that_it_shows(tmp_path: Path) -> None:
    certificates = Certificates.issued(tmp_path)
    root, own, port = certificates.root, certificates.own, free_port()
    target = Target(
        free_port(),
        accept_from=["trunks"],
        trunks=[{"name": "carrier", "tls_subject": "Caller"}],
        tls_bind=f"127.0.0.1:{port}",
        tls_certificate_file=str(own.certificate),
        tls_key_file=str(own.key),
        tls_ca_file=str(root.certificate),
    )
    try:
        for certificate, answered in (
            (certificates.caller, True),
            (root.issue("other", "DNS:caller.example"), False),
            (None, False),
        ):
            with TlsClient(port, client_context(root.certificate, certificate)) as client:
                client.send("INVITE", body=sdp().encode())
                if answered:
                    assert client.final("INVITE").status == 200
                else:
                    with pytest.raises(TimeoutError):
                        client.final("INVITE", 0.3)
        assert target.status(Request("OPTIONS"), 0.3) == 0, "the same name over UDP proves nothing"
    finally:
        target.close()
