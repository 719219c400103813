"""SIP over TLS and SRTP, dialled by ``openssl``, by baresip and by our own clients. On the carrier build."""

import asyncio
import audioop
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.caller import UserAgent, sounds, srtp
from tests.caller.authority import Authority, Issued
from tests.caller.media import Media
from tests.caller.message import Message
from tests.caller.tls_registrar import TlsRegistrar
from tests.e2e.running import Service
from tests.e2e.secure import Certificates, TlsClient, client_context, needs_carrier, registered
from tests.e2e.services import DEMO, Services
from tests.e2e.softphone import Softphone
from tests.e2e.test_baresip import transcribe
from tests.ports import free_port

pytestmark = needs_carrier


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.issued(tmp_path_factory.mktemp("certificates"))


def secured(services: Services, own: Issued, *options: str, **settings: str) -> tuple[Service, int]:
    """A service of both plans with TLS, not started yet, and its TLS port."""
    port = free_port()
    env = {
        "IVR_SIP__TLS_BIND": f"127.0.0.1:{port}",
        "IVR_SIP__TLS_CERTIFICATE_FILE": str(own.certificate),
        "IVR_SIP__TLS_KEY_FILE": str(own.key),
        **{f"IVR_SIP__{name.upper()}": value for name, value in settings.items()},
    }
    return Service([DEMO, services.plan("test")], *options, env=env), port


@dataclass(frozen=True)
class Secured:
    service: Service
    port: int


@pytest.fixture(scope="module")
def optional(services: Services, certificates: Certificates) -> Iterator[Secured]:
    """SRTP as it is by default."""
    service, port = secured(services, certificates.own, tls_handshake_s="2")
    with service:
        yield Secured(service, port)


@pytest.fixture(scope="module")
def strict(services: Services, certificates: Certificates) -> Iterator[Secured]:
    """SRTP, client certificates and TLS 1.3 are required."""
    service, port = secured(
        services,
        certificates.own,
        srtp="required",
        tls_require_client_certificates="true",
        tls_ca_file=str(certificates.root.certificate),
        tls_min_version="1.3",
    )
    with service:
        yield Secured(service, port)


# -- the handshake


def s_client(port: int, root: Path, *options: str | Path) -> str:
    """What ``openssl s_client`` prints about a handshake."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-verify_ip", "127.0.0.1"]
    done = subprocess.run(
        [*command, "-CAfile", str(root), *map(str, options)],
        input="",
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_openssl_finds_version_and_chain_good(
    version: str, optional: Secured, certificates: Certificates
) -> None:
    flag = f"-tls{version.replace('.', '_')}"
    said = s_client(optional.port, certificates.root.certificate, flag, "-verify_return_error")
    assert f"New, TLSv{version}, Cipher is" in said and "Verify return code: 0 (ok)" in said
    assert "Certificate chain\n 0 s:CN = ivr\n" in said and " 1 s:CN = Between\n" in said
    assert "Acceptable client certificate CA names" not in said


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(version: str, optional: Secured, certificates: Certificates) -> None:
    said = s_client(optional.port, certificates.root.certificate, version, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in said and "Cipher is (NONE)" in said


def test_the_least_version_can_be_raised(strict: Secured, certificates: Certificates) -> None:
    assert "alert protocol version" in s_client(strict.port, certificates.root.certificate, "-tls1_2")


def test_a_client_certificate_when_asked_for(strict: Secured, certificates: Certificates) -> None:
    root = certificates.root.certificate
    since = time.time()
    with TlsClient(strict.port, client_context(root, certificates.caller)) as client:
        client.send("OPTIONS")
        assert client.final("OPTIONS").status == 200
    with pytest.raises(OSError), TlsClient(strict.port, client_context(root)) as client:
        client.send("OPTIONS")
        client.final("OPTIONS")
    foreign = certificates.stranger.issue("foreign", "DNS:foreign")
    with pytest.raises(OSError), TlsClient(strict.port, client_context(root, foreign)) as client:
        client.send("OPTIONS")
        client.final("OPTIONS")
    refused = strict.service.wait_event("tls_peer_refused", since=since)
    assert refused["role"] == "caller" and "'Stranger', who is not known here" in refused["reason"]
    assert strict.service.complaints(since) == []


# -- calls


@pytest.mark.parametrize(
    ("encryption", "keys"), [("srtp", "sdes"), ("srtp-mand", "sdes"), ("dtls_srtp", "dtls"), ("", "none")]
)
async def test_baresip_hears_the_welcome_and_interrupts_it(
    encryption: str, keys: str, optional: Secured, certificates: Certificates, tmp_path: Path
) -> None:
    service, since = optional.service, time.time()
    # DTLS begins with a second's pause: pjsip's first packet leaves before baresip has heard of the call.
    before = 3.0 if keys == "dtls" else 1.8
    phone = Softphone(
        tmp_path,
        sounds.silence(before) + sounds.recording("hours") + sounds.silence(20),
        transport="tls",
        encryption=encryption,
        authority=certificates.root.certificate,
    )
    await asyncio.to_thread(phone.dial, f"sip:demo@127.0.0.1:{optional.port};transport=tls", 8)
    ended = service.wait_event("call_ended", since=since)
    assert (ended["transport"], ended["encryption"], ended["status"]) == ("tls", keys, 200)
    assert service.find("call_started", since)[0]["transport"] == "tls"
    assert [e["keys"] for e in service.find("media_encrypted", since)] == [keys] * (keys != "none")
    assert service.find("barge_in", since, cause="speech") and service.find("choice_matched", since)
    assert ended["packets_received"] > 200 and ended["packets_lost"] == 0
    heard = phone.heard
    assert audioop.rms(heard, 2) > 500
    welcome, answer = await transcribe(heard[: int(before * 16000)], heard[int(before * 16000) :])
    assert "welcome" in welcome, welcome
    assert "nine" in answer or "9" in answer, answer


def test_who_does_not_know_our_authority_does_not_call(optional: Secured, certificates: Certificates) -> None:
    """Openssl and Python's ssl are asked: Debian's baresip (1.0) does not verify the server it calls."""
    stranger = certificates.stranger.certificate
    assert "unable to get local issuer" in s_client(optional.port, stranger, "-verify_return_error")
    since = time.time()
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsClient(optional.port, client_context(stranger))
    with TlsClient(optional.port, client_context(certificates.root.certificate)) as client:
        client.send("OPTIONS")
        assert client.final("OPTIONS").status == 200
    assert optional.service.complaints(since) == []


@pytest.mark.parametrize("encryption", ["srtp-mand", "dtls_srtp"])
async def test_where_srtp_is_required_it_is_had(
    encryption: str, strict: Secured, certificates: Certificates, tmp_path: Path
) -> None:
    since = time.time()
    own = tmp_path / "own.pem"
    own.write_bytes(certificates.caller.certificate.read_bytes() + certificates.caller.key.read_bytes())
    phone = Softphone(
        tmp_path,
        sounds.silence(20),
        transport="tls",
        encryption=encryption,
        authority=certificates.root.certificate,
        certificate=own,
    )
    await asyncio.to_thread(phone.dial, f"sip:test@127.0.0.1:{strict.port};transport=tls", 4)
    ended = strict.service.wait_event("call_ended", since=since)
    assert ended["encryption"] == ("sdes" if encryption.startswith("srtp") else "dtls")
    assert audioop.rms(phone.heard, 2) > 500


async def test_dtls_over_udp_will_do_where_srtp_is_required(strict: Secured, tmp_path: Path) -> None:
    since = time.time()
    phone = Softphone(tmp_path, sounds.silence(20), encryption="dtls_srtp")
    await asyncio.to_thread(phone.dial, f"sip:test@127.0.0.1:{strict.service.port}", 4)
    ended = strict.service.wait_event("call_ended", since=since)
    assert (ended["transport"], ended["encryption"]) == ("udp", "dtls")
    assert audioop.rms(phone.heard, 2) > 500


def test_plain_sound_is_refused_where_srtp_is_required(strict: Secured, certificates: Certificates) -> None:
    since = time.time()
    with UserAgent() as caller:
        plain = caller.dial(strict.service.address).answered()
        assert plain.status == 488
        media = Media(caller.host)
        body = srtp.offer(caller.host, media.port)
        readable = caller.dial(strict.service.address, body=body, media=media).answered()
        assert readable.status == 488 and "SDES keys over UDP" in readable.get("Warning")
        late = caller.dial(strict.service.address, body=b"").answered()
        assert late.status == 488
    with TlsClient(strict.port, client_context(certificates.root.certificate, certificates.caller)) as client:
        client.send("INVITE", body=srtp.offer("127.0.0.1", 9).split(b"a=crypto")[0].replace(b"SAVP", b"AVP"))
        assert client.final("INVITE").status == 488
    service = strict.service
    refused = service.wait_until(
        lambda: len(found := service.find("call_refused", since)) == 4 and found, 5, "four refusals"
    )
    assert [each["status"] for each in refused] == [488] * 4
    assert ["SRTP is required" in each["reason"] for each in refused] == [True, False, False, True]
    assert strict.service.find("call_started", since) == []


def test_an_offer_of_ours_has_keys_over_tls_alone(optional: Secured, certificates: Certificates) -> None:
    with UserAgent() as caller:
        call = caller.dial(optional.service.address, body=b"")
        offered = call.answered()
        assert offered.status == 200 and b"a=crypto" not in offered.body and b"RTP/AVP" in offered.body
        call.media.wait_loud(5)
        call.close()
        ended = optional.service.wait_event("call_ended", call=call.call_id)
        assert (ended["transport"], ended["encryption"]) == ("udp", "none")
    with TlsClient(optional.port, client_context(certificates.root.certificate)) as client:
        client.send("INVITE")
        offered = client.final("INVITE")
        assert offered.status == 200 and b"a=crypto" in offered.body


def test_a_via_that_lies_changes_nothing(strict: Secured) -> None:
    """The transport is what pjsip received on, not what the message says."""
    with UserAgent() as caller:
        media = Media(caller.host)
        send = caller.send

        def forged(message: object, target: tuple[str, int]) -> None:
            message.headers = [(n, v.replace("/UDP", "/TLS")) for n, v in message.headers]  # type: ignore[attr-defined]
            send(message, target)  # type: ignore[arg-type]

        caller.send = forged  # type: ignore[method-assign]
        since = time.time()
        caller.dial(strict.service.address, body=srtp.offer(caller.host, media.port), media=media)
        refused = strict.service.wait_event("call_refused", since=since)
        assert "SDES keys over UDP" in refused["reason"]


# -- registering


def test_registers_with_a_server_it_trusts_and_is_called(
    services: Services, certificates: Certificates
) -> None:
    pbx = certificates.root.issue("pbx", "IP:127.0.0.1")
    root = certificates.root.certificate
    with TlsRegistrar(pbx) as registrar, services.start("main", registered(registrar, root)) as service:
        request = registrar.wait(1)
        assert "transport=tls" in request.get("Contact").lower() and "SIP/2.0/TLS" in request.get("Via")
        assert service.wait_event("registered")["account"].startswith("ivr@")
        # A call comes down the same connection.
        uri = request.get("Contact").split("<")[1].split(">")[0]
        via = f"SIP/2.0/TLS 127.0.0.1:{registrar.port};branch=z9hG4bKcall"
        own = f"<sip:pbx@127.0.0.1:{registrar.port};transport=tls>"
        headers = [("Via", via), ("From", f"{own};tag=1"), ("To", f"<{uri}>"), ("Contact", own)]
        headers += [("Call-ID", "call"), ("CSeq", "1 INVITE"), ("Max-Forwards", "70")]
        headers += [("Content-Type", "application/sdp")]
        registrar.send(Message("INVITE", uri, headers=headers, body=srtp.offer("127.0.0.1", 9)))
        started = service.wait_event("call_started")
        assert started["transport"] == "tls"
        answers = [registrar.responses.get(timeout=5) for _ in range(2)]
        assert [each.status for each in answers] == [100, 200] and srtp.keys_in(answers[1].body)
        assert service.complaints() == []
        service.stop()
        assert registrar.registered[-1].get("Expires") == "0"


@pytest.mark.parametrize(
    ("names", "start", "authority", "why", "remedy"),
    [
        ("IP:127.0.0.1", "", "stranger", "signed by 'Stranger', who is not known here", "sip.tls_ca_file"),
        ("IP:127.0.0.1", "", "itself", "its certificate is self-signed", "sip.tls_ca_file"),
        ("DNS:pbx.test,IP:127.0.0.9", "", "root", "is for pbx.test, 127.0.0.9", "name the server as"),
        ("IP:127.0.0.1", "20200101000000Z", "root", "has expired", "renewed"),
    ],
    ids=["unknown authority", "self-signed", "another name", "expired"],
)
def test_does_not_register_with_a_server_it_cannot_trust(
    names: str,
    start: str,
    authority: str,
    why: str,
    remedy: str,
    services: Services,
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    if authority == "itself":
        pbx = Authority(tmp_path).self_signed("pbx", names)
    else:
        signer = certificates.stranger if authority == "stranger" else certificates.root
        pbx = signer.issue(f"pbx{len(why)}", *names.split(","), start=start)
    root = certificates.root.certificate
    with TlsRegistrar(pbx) as registrar, services.start("main", registered(registrar, root)) as service:
        refused = service.wait_event("tls_peer_refused", 8)
        assert refused["role"] == "server" and refused["peer"] == f"127.0.0.1:{registrar.port}"
        assert why in refused["reason"] and remedy in refused["remedy"]
        service.wait_event("registration_failed", 8)
        # It is tried again; nothing was said to a peer that cannot be trusted.
        service.wait_until(lambda: registrar.connections >= 2, 8, "a second try")
        assert registrar.registered == []
        with UserAgent() as caller:
            caller.call(service.address).media.wait_loud(5)


def test_verification_can_be_switched_off_and_is_warned_of(
    services: Services, certificates: Certificates
) -> None:
    pbx = certificates.stranger.issue("unverified", "DNS:elsewhere")
    root = certificates.root.certificate
    with TlsRegistrar(pbx) as registrar:
        env = registered(registrar, root, tls_verify_servers="false")
        with services.start("main", env) as service:
            registrar.wait(1)
            assert "signed by 'Stranger'" in service.wait_event("tls_peer_not_verified")["reason"]


def test_shows_its_certificate_to_a_server_that_asks(services: Services, certificates: Certificates) -> None:
    root = certificates.root.certificate
    pbx = certificates.root.issue("mutual", "IP:127.0.0.1")
    own = {
        "tls_certificate_file": str(certificates.own.certificate),
        "tls_key_file": str(certificates.own.key),
    }
    with TlsRegistrar(pbx, client_authority=root) as registrar:
        with services.start("main", registered(registrar, root, **own)) as service:
            registrar.wait(1)
            service.wait_event("registered")
        assert "'commonName', 'ivr'" in str(registrar.shown[0])


# -- the hostile


def test_connections_that_lead_nowhere_are_bounded_and_calls_go_on(
    optional: Secured, certificates: Certificates
) -> None:
    service, port, since = optional.service, optional.port, time.time()
    files = Path(f"/proc/{service.process.pid}/fd")
    before, memory = len(list(files.iterdir())), service.rss_mb
    context = client_context(certificates.root.certificate)
    with UserAgent() as caller:
        call = caller.call(service.address)
        for _ in range(200):
            TlsClient(port, context).link.close()
        for number in range(200):
            junk = os.urandom(200) if number % 2 else b"INVITE sip:x SIP/2.0\r\n\r\n"
            with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
                plain.sendall(junk)
        for number in range(100):
            with TlsClient(port, context) as client:
                client.link.sendall(os.urandom(2000) if number % 2 else b"INVITE sip:x SIP/2.0\r\nVia: ")
        gone = [TlsClient(port, context) for _ in range(20)]
        for client in gone:  # no goodbye: the socket goes without the end of TLS
            client.link.detach()
        half = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(100)]
        silent = TlsClient(port, context)
        # A handshake may take 2 s here; then the half-open ones are closed from the other side.
        deadline = time.monotonic() + 10
        half[-1].settimeout(8)
        assert half[-1].recv(1) == b""
        for each in half:
            each.close()
        while len(list(files.iterdir())) > before + 40 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(list(files.iterdir())) <= before + 40
        assert service.rss_mb - memory < 40
        silent.send("OPTIONS")
        assert silent.final("OPTIONS").status == 200
        silent.link.close()
        call.media.wait_loud(3, after=time.time())
        call.close()
    assert service.complaints(since) == []


# -- renewed, and by many


def test_a_renewed_certificate_is_shown_and_calls_stay(
    services: Services, certificates: Certificates, tmp_path: Path
) -> None:
    root = certificates.root
    old, new = root.issue("old", "IP:127.0.0.1"), root.issue("new", "IP:127.0.0.1")
    own = Issued(tmp_path / "own.pem", tmp_path / "own.key")
    shutil.copy(old.certificate, own.certificate)
    shutil.copy(old.key, own.key)
    service, port = secured(services, own)
    with service, TlsClient(port, client_context(root.certificate)) as client:
        assert "subject=CN = old" in s_client(port, root.certificate)
        call = client.send("INVITE", body=srtp.offer("127.0.0.1", 9))
        answer = client.final("INVITE")
        assert answer.status == 200
        client.send("ACK", call, to=answer.get("To"))
        service.wait_event("media_encrypted")
        shutil.copy(new.key, own.key)
        service.wait_event("tls_files_refused")
        assert "subject=CN = old" in s_client(port, root.certificate)
        shutil.copy(new.certificate, own.certificate)
        service.wait_event("tls_files_renewed")
        service.wait_until(
            lambda: "subject=CN = new" in s_client(port, root.certificate, "-verify_return_error"), 5, "new"
        )
        client.send("BYE", call, 2, answer.get("To"))
        assert client.final("BYE").status == 200
        assert service.wait_event("call_ended")["encryption"] == "sdes"


def test_each_worker_has_a_tls_port(services: Services, certificates: Certificates) -> None:
    service, port = secured(services, certificates.own, "--workers", "2")
    with service:
        for own in (port, port + 1):
            with TlsClient(own, client_context(certificates.root.certificate)) as client:
                call = client.send("INVITE", body=srtp.offer("127.0.0.1", 9))
                answer = client.final("INVITE")
                assert answer.status == 200
                client.send("ACK", call, to=answer.get("To"))
                client.send("BYE", call, 2, answer.get("To"))
                assert client.final("BYE").status == 200
        service.wait_until(lambda: len(service.find("call_ended")) == 2, 5, "two records")
        ended = service.find("call_ended")
        assert {e["worker"] for e in ended} == {0, 1} and {e["transport"] for e in ended} == {"tls"}
