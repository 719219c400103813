"""The registrar lets in who proves the password, and nobody else (RFC 2617, 3.5 for the known answer)."""

import pytest

from tests.caller import UserAgent, digest
from tests.caller.registrar import Registrar


def test_the_known_answer_of_the_rfc() -> None:
    header = (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", '
        'response="6629fae49393a05397450978507c4ef1"'
    )
    assert digest.proves(header, "GET", "Mufasa", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093")
    assert not digest.proves(header, "GET", "Mufasa", "circle of life", "dcd98b7102dd2f0e8b11d0f600bfb0c093")
    assert not digest.proves(header, "GET", "Mufasa", "Circle Of Life", "another nonce")
    assert not digest.proves("Digest username=Mufasa", "GET", "Mufasa", "Circle Of Life", "")


@pytest.mark.parametrize(("password", "status"), [("right", 200), ("wrong", 403)])
def test_registering(password: str, status: int) -> None:
    with UserAgent() as server, UserAgent() as client:
        registrar = Registrar(server, "ivr", "right")
        target, uri = (server.host, server.port), f"sip:{server.host}:{server.port}"
        first = client.request("REGISTER", target, uri=uri).final()
        assert first.status == 401
        params = digest.parse(first.get("WWW-Authenticate"))
        params |= {"username": "ivr", "uri": uri, "qop": "auth", "nc": "00000001", "cnonce": "x"}
        params["response"] = digest.response(params, "REGISTER", password)
        header = "Digest " + ", ".join(f'{n}="{v}"' for n, v in params.items())
        answer = client.request(
            "REGISTER", target, uri=uri, cseq=2, headers=[("Authorization", header)]
        ).final()
        assert answer.status == status
        assert len(registrar.bindings) == (status == 200) and registrar.challenged == 1
