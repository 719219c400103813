"""``ivr call`` over TLS: who it trusts, what it offers there, and what it says when it comes to nothing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.caller import measure, sdp, sounds, srtp
from tests.caller import message as sip
from tests.caller.authority import Authority
from tests.caller.media import Media
from tests.caller.message import Message
from tests.caller.tls_registrar import TlsRegistrar
from tests.e2e.outbound import Placed
from tests.e2e.secure import (
    Certificates,
    TlsClient,
    client_context,
    needs_carrier,
    needs_stock,
    registered,
)
from tests.e2e.services import Services
from tests.e2e.softphone import Softphone
from tests.ports import free_port


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.issued(tmp_path_factory.mktemp("certificates"))


def trusting(authority: Authority, **settings: str) -> dict[str, str]:
    """An environment; no account."""
    settings["tls_ca_file"] = str(authority.certificate)
    return {f"IVR_SIP__{name.upper()}": value for name, value in settings.items()}


class Callee:
    """Answers one INVITE at a ``TlsRegistrar``, with sound of its own."""

    def __init__(self, server: TlsRegistrar) -> None:
        self.server = server
        self.media = Media("127.0.0.1")
        self.invite = server.requests.get(timeout=10)
        self.tag = sip.token()

    def __enter__(self) -> "Callee":
        return self

    def __exit__(self, *_: object) -> None:
        self.media.close()

    def reply(self, status: int, reason: str, body: bytes = b"", request: Message | None = None) -> None:
        response = sip.respond(request or self.invite, status, reason, self.tag)
        response.headers.append(("Contact", f"<sip:pbx@127.0.0.1:{self.server.port};transport=tls>"))
        if body:
            response.headers.append(("Content-Type", "application/sdp"))
        response.body = body
        self.server.send(response)

    def wait(self, method: str) -> Message:
        request = self.server.requests.get(timeout=10)
        assert request.method == method
        if method != "ACK":
            self.reply(200, "OK", request=request)
        return request

    def answer_encrypted(self) -> None:
        """Answer with a key of our own; then send, with that key."""
        body = srtp.answer(self.invite.body, "127.0.0.1", self.media.port)
        self.media.protect = srtp.Keys.derived(*srtp.keys_in(body)).protector()
        self.reply(200, "OK", body)
        self.wait("ACK")
        self.media.start(sdp.read(self.invite.body))


def where(server: TlsRegistrar, host: str = "127.0.0.1") -> str:
    return f"sip:101@{host}:{server.port};transport=tls"


@needs_carrier
@pytest.mark.parametrize(
    ("encryption", "keys", "settings"),
    [
        ("srtp", "sdes", {}),
        ("srtp-mand", "sdes", {"srtp": "required"}),
        ("dtls_srtp", "dtls", {"srtp": "required", "srtp_keying": '["dtls"]'}),
        ("", "none", {"srtp": "off"}),
    ],
)
def test_a_softphone_is_called_and_hangs_up(
    encryption: str,
    keys: str,
    settings: dict[str, str],
    services: Services,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    issued = certificates.root.issue(f"phone{keys}{encryption}", "IP:127.0.0.1")
    own = tmp_path / "own.pem"
    own.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
    phone = Softphone(
        tmp_path,
        sounds.silence(3.0) + sounds.recording("digits/2") + sounds.silence(60),
        transport="tls",
        encryption=encryption,
        authority=certificates.root.certificate,
        certificate=own,
    )
    env = trusting(certificates.root, **settings)
    with phone.waiting() as address, Placed(services.plan("test"), address, env=env) as placed:
        placed.wait_event("choice_matched", 12, choice="two", by="speech")
        phone.stop()
        assert placed.wait() == 0
        assert placed.reported == f"{address}: answered; ended by callee"
        ended = placed.find("call_ended")[0]
        assert (ended["transport"], ended["encryption"]) == ("tls", keys)
        assert not placed.complaints()
    assert measure.dbfs(phone.heard[32000:48000]) > -30


@needs_carrier
@pytest.mark.parametrize("required", [False, True])
def test_by_an_account_whose_registrar_is_reached_over_tls(
    required: bool, services: Services, certificates: Certificates
) -> None:
    """A bare extension; keys pressed in SRTP are understood."""
    pbx = certificates.root.issue(f"pbx{required}", "IP:127.0.0.1")
    with TlsRegistrar(pbx) as server:
        settings = {"srtp": "required"} if required else {}
        env = registered(server, certificates.root.certificate, **settings)
        with Placed(services.plan("test"), "101", env=env) as placed, Callee(server) as callee:
            assert callee.invite.uri == where(server) and "sip:ivr@" in callee.invite.get("From")
            assert (b"RTP/SAVP" in callee.invite.body) is required and srtp.keys_in(callee.invite.body)
            callee.answer_encrypted()
            placed.wait_event("media_encrypted", keys="sdes")
            assert callee.media.wait_for(lambda packets: len(packets) > 50, 5)
            callee.media.press("1")
            placed.wait_event("choice_matched", choice="one", by="keys")
            callee.media.press("9")
            callee.wait("BYE")
            assert placed.wait() == 0
            assert placed.reported == f"{where(server)}: answered; ended by hangup"
        assert server.registered == []


@needs_carrier
@pytest.mark.parametrize(
    ("names", "signer", "host", "why", "remedy"),
    [
        (
            "IP:127.0.0.1",
            "stranger",
            "127.0.0.1",
            "signed by 'Stranger', who is not known",
            "sip.tls_ca_file",
        ),
        ("DNS:pbx.test", "root", "127.0.0.1", "is for pbx.test", "name the server as"),
        ("IP:127.0.0.1", "root", "localhost", "is for 127.0.0.1", "name the server as"),
    ],
    ids=["unknown authority", "another name", "name for address"],
)
def test_who_cannot_be_trusted_is_not_spoken_to(
    names: str,
    signer: str,
    host: str,
    why: str,
    remedy: str,
    services: Services,
    certificates: Certificates,
) -> None:
    authority: Authority = getattr(certificates, signer)
    with TlsRegistrar(authority.issue(f"callee{len(why)}{host}", names)) as server:
        to = where(server, host)
        with Placed(services.plan("test"), to, env=trusting(certificates.root)) as placed:
            assert placed.wait() == 1
            refused = placed.find("tls_peer_refused")[0]
            assert refused["role"] == "server" and why in refused["reason"] and remedy in refused["remedy"]
            assert placed.reported.startswith(f"{to}: refused (503 SSL certificate verification error")
        assert server.requests.empty()


@needs_carrier
def test_beside_a_service_that_takes_calls_over_tls(services: Services, certificates: Certificates) -> None:
    """The settings are those of that service: the callee is verified all the same."""
    own, port = certificates.own, free_port()
    env = trusting(
        certificates.root,
        tls_bind=f"127.0.0.1:{port}",
        tls_certificate_file=str(own.certificate),
        tls_key_file=str(own.key),
    )
    with (
        services.start("main", env) as service,
        TlsRegistrar(certificates.root.issue("beside", "IP:127.0.0.1")) as server,
        TlsRegistrar(certificates.stranger.issue("false", "IP:127.0.0.1")) as false,
    ):
        options = ("--bind", f"127.0.0.1:{service.port}")
        with Placed(services.plan("test"), where(server), *options, env=env) as placed:
            with Callee(server) as callee:
                callee.reply(486, "Busy Here")
                assert placed.wait() == 1 and placed.reported == f"{where(server)}: busy (486 Busy Here)"
            assert placed.find("port_changed")
        with Placed(services.plan("test"), where(false), *options, env=env) as placed:
            assert placed.wait() == 1 and placed.find("tls_peer_refused")
        TlsClient(port, client_context(certificates.root.certificate)).link.close()


@needs_carrier
def test_verification_can_be_switched_off(services: Services, certificates: Certificates) -> None:
    with TlsRegistrar(certificates.stranger.issue("unverified", "DNS:elsewhere")) as server:
        env = trusting(certificates.root, tls_verify_servers="false")
        with Placed(services.plan("test"), where(server), env=env) as placed, Callee(server) as callee:
            callee.reply(486, "Busy Here")
            assert placed.wait() == 1 and placed.reported == f"{where(server)}: busy (486 Busy Here)"
            assert placed.find("tls_peer_not_verified")


@needs_carrier
def test_a_plain_answer_ends_the_call_where_srtp_is_required(
    services: Services, certificates: Certificates
) -> None:
    with TlsRegistrar(certificates.root.issue("plain", "IP:127.0.0.1")) as server:
        env = trusting(certificates.root, srtp="required")
        with Placed(services.plan("test"), where(server), env=env) as placed, Callee(server) as callee:
            callee.media.start(sdp.read(callee.invite.body))
            callee.reply(200, "OK", sdp.write("127.0.0.1", callee.media.port, (0, 101)))
            callee.wait("BYE")
            assert placed.wait() == 1
            assert placed.reported.startswith(f"{where(server)}: the call failed (488 ")
            assert placed.find("call_ended")[0]["reason"] == "failed"
            assert "sip.srtp" in placed.find("media_failed")[0]["remedy"]
            assert not callee.media.packets


@needs_carrier
def test_nobody_there_is_reported(services: Services, certificates: Certificates) -> None:
    with TlsRegistrar(certificates.root.issue("gone", "IP:127.0.0.1")) as server:
        to = where(server)
    began = time.monotonic()
    with Placed(services.plan("test"), to, env=trusting(certificates.root)) as placed:
        assert placed.wait() == 1
        assert placed.reported == f"{to}: refused (503 Connection refused)"
    assert time.monotonic() - began < 30


def refusal(plan: Path, to: str, env: dict[str, str]) -> str:
    """What it says when it does not even try."""
    command = [sys.executable, "-m", "ivr.cli", "call", str(plan), to]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False, env={**os.environ, **env}
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@needs_carrier
def test_no_key_is_written_where_it_can_be_read(services: Services) -> None:
    said = refusal(services.plan("test"), "sip:101@127.0.0.1", {"IVR_SIP__SRTP": "required"})
    assert "SDES keys over UDP could be read by anybody" in said and "call over TLS" in said


@needs_stock
def test_the_stock_wheel_does_not_call_over_tls(services: Services) -> None:
    said = refusal(services.plan("test"), "sip:101@127.0.0.1;transport=tls", {})
    assert "needs TLS" in said and "OpenSSL 1.0.2" in said and "make carrier" in said
