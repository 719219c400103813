"""Files of TLS and what the build can do: every fault names its setting, its file and the remedy."""

import datetime
import os
import time
from pathlib import Path

import pytest

from ivr.sip.errors import SipError
from ivr.sip.options import Registration, SipOptions
from ivr.sip.pjsip.tls import build_security
from ivr.sip.security.certificates import TlsFiles, authorities_file, check_authorities, check_certificate
from ivr.sip.security.check import Security, check_bind, check_call, check_security
from tests.caller.authority import Authority, Issued, openssl

NEW = Security("OpenSSL 3.0.19 27 Jan 2026", ("sdes", "dtls"))
OLD = Security("OpenSSL 1.0.2k-fips  26 Jan 2017", ("sdes",))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue("ivr.test", "DNS:ivr.test", "IP:127.0.0.1")


def fault(certificate: Path, key: Path) -> str:
    with pytest.raises(SipError) as caught:
        check_certificate(str(certificate), str(key))
    return str(caught.value)


def test_a_good_certificate_says_for_whom_and_until_when(authority: Authority, issued: Issued) -> None:
    found = check_certificate(str(issued.certificate), str(issued.key))
    assert found.names == ("ivr.test", "127.0.0.1")
    left = found.expires - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(days=29) < left <= datetime.timedelta(days=30) and not found.ends_soon
    soon = authority.issue("soon", "DNS:soon", days=3)
    assert check_certificate(str(soon.certificate), str(soon.key)).ends_soon


def test_certificate_and_key_may_be_one_file_and_carry_a_chain(tmp_path: Path, authority: Authority) -> None:
    issued = Authority(tmp_path / "between", "Between", authority).issue("chained", "DNS:chained")
    both = tmp_path / "both.pem"
    both.write_bytes(issued.key.read_bytes() + issued.certificate.read_bytes())
    assert check_certificate(str(both), str(both)).names == ("chained",)


def test_what_is_not_there_or_not_readable(tmp_path: Path, issued: Issued) -> None:
    said = fault(tmp_path / "none.pem", issued.key)
    assert "sip.tls_certificate_file: " in said and "none.pem: No such file" in said and "name a PEM" in said
    said = fault(issued.certificate, tmp_path)
    assert said.startswith("sip.tls_key_file: ") and "directory" in said
    if os.geteuid() != 0:
        locked = tmp_path / "locked.key"
        locked.write_bytes(issued.key.read_bytes())
        locked.chmod(0)
        assert "Permission denied" in fault(issued.certificate, locked)


def test_what_is_in_the_wrong_file(tmp_path: Path, issued: Issued) -> None:
    assert "there is no key in PEM" in fault(issued.certificate, issued.certificate)
    assert "there is no certificate in PEM" in fault(issued.key, issued.key)
    noise = tmp_path / "noise.pem"
    noise.write_bytes(os.urandom(500))
    assert "there is no certificate in PEM" in fault(noise, issued.key)
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    assert "broken.pem" in fault(broken, issued.key)


def test_another_ones_key(authority: Authority, issued: Issued) -> None:
    other = authority.issue("other", "DNS:other")
    said = fault(issued.certificate, other.key)
    assert said.startswith("sip.tls_key_file: ") and "is not the key of the certificate" in said


@pytest.mark.parametrize("form", [("pkey", "-aes128"), ("rsa", "-aes128", "-traditional")])
def test_an_encrypted_key(form: tuple[str, ...], tmp_path: Path, issued: Issued) -> None:
    locked = tmp_path / "locked.key"
    openssl(form[0], "-in", issued.key, *form[1:], "-passout", "pass:secret", "-out", locked)
    said = fault(issued.certificate, locked)
    assert "the key is encrypted" in said and "openssl pkey -in KEY -out PLAIN" in said


def test_out_of_date_or_for_another_purpose(authority: Authority) -> None:
    old = authority.issue("old", "DNS:old", start="20200101000000Z")
    assert "certificate has expired; renew it" in fault(old.certificate, old.key)
    early = authority.issue("early", "DNS:early", start="20450101000000Z")
    assert "not yet valid; check the clock" in fault(early.certificate, early.key)
    client = authority.issue("client", "DNS:client", usage="clientAuth")
    assert "issued for a TLS server" in fault(client.certificate, client.key)


def test_authorities(tmp_path: Path, authority: Authority, issued: Issued) -> None:
    assert check_authorities(str(authority.certificate)) == 1
    with pytest.raises(SipError, match=r"sip\.tls_ca_file: .*no certificate in PEM"):
        check_authorities(str(issued.key))
    with pytest.raises(SipError, match=r"sip\.tls_ca_file: .*No such file"):
        check_authorities(str(tmp_path / "none"))
    assert authorities_file(SipOptions(tls_ca_file="mine.pem")) == "mine.pem"


# -- what the build can do


def test_the_installed_build_says_what_it_has() -> None:
    build = build_security()
    assert build.openssl.startswith("OpenSSL ") and "sdes" in build.keyings
    assert build.tls is ("dtls" in build.keyings)


def said(options: SipOptions, build: Security) -> str:
    with pytest.raises(SipError) as caught:
        check_security(options, build)
    return str(caught.value)


def test_an_old_openssl_is_not_used(issued: Issued) -> None:
    tls = SipOptions(tls_bind="127.0.0.1:5061", tls_certificate_file=str(issued.certificate))
    registration = Registration(registrar="sip:pbx.test;transport=tls", user="u")
    for options, what in (
        (tls, "sip.tls_bind = 127.0.0.1:5061"),
        (SipOptions(registrations=(registration,)), "the registration at sip:pbx.test;transport=tls"),
        (SipOptions(srtp="required"), 'sip.srtp = "required"'),
    ):
        text = said(options, OLD)
        assert what in text and "OpenSSL 1.0.2k" in text and "make carrier" in text
    assert "has none" in said(tls, Security("", ()))
    check_security(SipOptions(), OLD)
    check_security(SipOptions(registrations=(registration,)), NEW)
    check_security(SipOptions(srtp="required"), NEW)


def test_the_stock_wheel_listens_in_public_only_where_that_is_written() -> None:
    for bind in ("0.0.0.0:5060", "192.0.2.1:5060", "phone.example:5060"):
        with pytest.raises(SipError) as caught:
            check_bind(SipOptions(bind=bind), OLD)
        text = str(caught.value)
        assert "assertions compiled in" in text and "OpenSSL 1.0.2k" in text and "make carrier" in text
        assert "sip.stock_wheel_in_public = true" in text and bind in text
        check_bind(SipOptions(bind=bind, stock_wheel_in_public=True), OLD)
        check_bind(SipOptions(bind=bind), NEW)
    for bind in ("127.0.0.1:5060", "127.1.2.3:5060", "localhost:5060"):
        check_bind(SipOptions(bind=bind), OLD)


@pytest.mark.parametrize("registrar", ["pbx.test", "sip:192.0.2.7;transport=tls"])
def test_a_registrar_elsewhere_is_not_asked_from_loopback(registrar: str) -> None:
    accounts = (Registration(registrar=registrar, user="u"),)
    with pytest.raises(SipError, match=r"cannot be reached from sip\.bind = 127\.0\.0\.1:5060"):
        check_bind(SipOptions(registrations=accounts), NEW)
    check_bind(SipOptions(bind="0.0.0.0:5060", registrations=accounts), NEW)
    check_bind(SipOptions(registrations=(Registration(registrar="127.0.0.1:5080", user="u"),)), NEW)


def test_settings_that_do_not_go_together(tmp_path: Path, issued: Issued) -> None:
    pair = {"tls_certificate_file": str(issued.certificate), "tls_key_file": str(issued.key)}
    bind = "127.0.0.1:5061"
    assert "sip.tls_certificate_file is not" in said(SipOptions(tls_bind=bind), NEW)
    guarded = SipOptions(tls_bind=bind, tls_require_client_certificates=True, **pair)  # type: ignore[arg-type]
    assert "sip.tls_ca_file is not" in said(guarded, NEW)
    assert "sip.srtp_keying is empty" in said(SipOptions(srtp_keying=()), NEW)
    check_security(SipOptions(srtp="off", srtp_keying=()), NEW)
    only = SipOptions(srtp="required", srtp_keying=("dtls",))
    assert "has sdes" in said(only, Security(NEW.openssl, ("sdes",)))
    missing = SipOptions(tls_ca_file=str(tmp_path / "none"))
    assert "sip.tls_ca_file" in said(missing, NEW)
    check_security(SipOptions(tls_bind=bind, **pair), NEW)  # type: ignore[arg-type]


# -- renewed while it runs


def test_renewed_files_are_taken_and_bad_ones_are_not(tmp_path: Path, authority: Authority) -> None:
    first, second = authority.issue("first", "DNS:first"), authority.issue("second", "DNS:second")
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"

    def put(issued: Issued) -> None:
        certificate.write_bytes(issued.certificate.read_bytes())
        key.write_bytes(issued.key.read_bytes())
        stamp = time.time_ns() + put_count.pop() * 10**9
        for path in (certificate, key):
            os.utime(path, ns=(stamp, stamp))

    put_count = [5, 4, 3, 2, 1]
    put(first)
    options = SipOptions(tls_bind="x:1", tls_certificate_file=str(certificate), tls_key_file=str(key))
    files = TlsFiles(options)
    assert files.certificate is not None and files.key is not None and files.authorities is None

    def shown() -> bytes:
        assert files.certificate is not None
        return Path(files.certificate.path).read_bytes()

    try:
        assert check_certificate(files.certificate.path, files.key.path).names == ("first",)
        put(second)
        files.refresh()
        assert check_certificate(files.certificate.path, files.key.path).names == ("second",)
        # A key that has not come yet, a file that is gone: what was good stays.
        certificate.write_bytes(first.certificate.read_bytes())
        files.refresh()
        assert shown() == second.certificate.read_bytes()
        certificate.unlink()
        files.refresh()
        assert shown() == second.certificate.read_bytes()
        put(first)
        files.refresh()
        assert shown() == first.certificate.read_bytes()
    finally:
        files.close()


@pytest.mark.parametrize(
    ("options", "build", "transport", "words"),
    [
        ({}, OLD, "tls", "a call to sip:a@b needs TLS, and this build of PJSUA2 has OpenSSL 1.0.2k"),
        ({"srtp": "required"}, NEW, "udp", "SDES keys over UDP could be read by anybody"),
        ({"srtp": "required"}, NEW, "tls", ""),
        ({"srtp": "required", "srtp_keying": ("dtls", "sdes")}, NEW, "udp", ""),
        ({"srtp": "required", "srtp_sdes_without_tls": True}, NEW, "udp", ""),
        ({}, OLD, "udp", ""),
        ({}, NEW, "tls", ""),
    ],
)
def test_whether_a_call_can_be_placed(
    options: dict[str, object], build: Security, transport: str, words: str, authority: Authority
) -> None:
    settings = SipOptions(tls_ca_file=str(authority.certificate), **options)  # type: ignore[arg-type]
    if not words:
        check_call(settings, build, "sip:a@b", transport)
        return
    with pytest.raises(SipError, match=words):
        check_call(settings, build, "sip:a@b", transport)
