"""Whether what is set for TLS and SRTP can be done by the installed build and with the files named."""

import re
from dataclasses import dataclass

from ivr.sip.errors import SipError
from ivr.sip.gate.hosts import host_of
from ivr.sip.options import SipOptions, is_loopback
from ivr.sip.security.certificates import authorities_file, check_authorities, check_certificate
from ivr.sip.security.srtp import refusal

OLDEST_OPENSSL = 3
CARRIER = "`make carrier` installs a build of PJSUA2 with the system's OpenSSL 3 (docker/pjsua2)"


@dataclass(frozen=True, slots=True)
class Security:
    """Cryptography of the installed build of PJSUA2."""

    openssl: str
    """``OpenSSL 3.0.19 27 Jan 2026``; empty when there is none."""
    keyings: tuple[str, ...]

    @property
    def tls(self) -> bool:
        """Whether its OpenSSL is one that is still looked after."""
        found = re.match(r"OpenSSL (\d+)\.", self.openssl)
        return found is not None and int(found[1]) >= OLDEST_OPENSSL


def check_security(options: SipOptions, build: Security) -> None:
    """Whether what is set can be done by the build and with the files. Raises SipError: what to change.

    Starts nothing and listens nowhere, so it can come before engines are loaded.
    """
    wanting = [f"sip.tls_bind = {options.tls_bind}"] if options.tls_bind else []
    wanting += [f"the registration at {each.registrar}" for each in options.registrations if each.over_tls]
    if options.srtp == "required":
        wanting.append('sip.srtp = "required"')
    if wanting:
        _need_tls(build, wanting[0], "leave it out")
    if not options.srtp_keying and options.srtp != "off":
        raise SipError('sip.srtp_keying is empty; name sdes, dtls or both, or set sip.srtp = "off"')
    if options.srtp == "required" and not set(options.srtp_keying) & set(build.keyings):
        there = ", ".join(build.keyings) or "none"
        raise SipError(f"sip.srtp_keying: this build of PJSUA2 has {there}; {CARRIER}")
    if options.tls_bind and options.tls_certificate_file is None:
        raise SipError(
            "sip.tls_bind is set and sip.tls_certificate_file is not; name the certificate that callers are "
            "shown"
        )
    if options.tls_require_client_certificates and options.tls_ca_file is None:
        raise SipError(
            "sip.tls_require_client_certificates is set and sip.tls_ca_file is not: name the authority whose "
            "certificates are let in; the system's list would let in almost anybody's"
        )
    for trunk in options.trunks:
        if trunk.tls_subject and not (options.tls_bind and options.tls_ca_file):
            raise SipError(
                f"trunk {trunk.name} has a tls_subject: set sip.tls_bind, and in sip.tls_ca_file name the "
                "authority that signs its certificate"
            )
    if options.tls_certificate_file is not None:
        check_certificate(options.tls_certificate_file, options.tls_key_file or options.tls_certificate_file)
    if options.tls_ca_file is not None:
        check_authorities(options.tls_ca_file)


def check_reach(options: SipOptions, address: str) -> None:
    """Whether requests to ``address`` (a SIP URI, or ``host[:port]``) can leave from where SIP is bound.
    Raises SipError."""
    host = host_of(address)
    if is_loopback(options.bind) and not is_loopback(f"{host}:0"):
        raise SipError(
            f"{host} cannot be reached from sip.bind = {options.bind}, an address of this machine alone; "
            'set sip.bind = "0.0.0.0:5060"'
        )


def check_bind(options: SipOptions, build: Security) -> None:
    """Whether the build may listen where it is bound, and reach its registrars from there. Raises SipError:
    what to change."""
    for registration in options.registrations:
        check_reach(options, registration.outbound_proxy or registration.registrar)
    if build.tls or options.stock_wheel_in_public or is_loopback(options.bind):
        return
    raise SipError(
        f"sip.bind = {options.bind} can be reached from other machines, and this is the stock wheel of "
        "PJSUA2: it has assertions compiled in, so a stranger's packet may end the process, and "
        f"{build.openssl or 'no OpenSSL'}, which has been out of support for years; {CARRIER}. In a network "
        "where everybody is trusted set sip.stock_wheel_in_public = true, or bind to 127.0.0.1"
    )


def check_call(options: SipOptions, build: Security, uri: str, transport: str) -> None:
    """Whether a call to ``uri`` can be placed over ``transport`` (udp, tcp, tls) as the settings ask. Raises
    SipError: what to change."""
    if transport == "tls":
        _need_tls(build, f"a call to {uri}", "call without it")
        if options.tls_verify_servers:
            authorities_file(options)
    reason = refusal(options, transport, "")
    if reason is not None:
        raise SipError(f"{reason}, or set another sip.srtp or sip.srtp_keying")


def _need_tls(build: Security, what: str, otherwise: str) -> None:
    if not build.tls:
        raise SipError(
            f"{what} needs TLS, and this build of PJSUA2 has {build.openssl or 'none'}, which has been "
            f"out of support for years; {CARRIER}, or {otherwise}"
        )
