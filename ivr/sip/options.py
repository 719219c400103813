"""Options of the user agent, with their defaults and units."""

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CODECS = {"PCMU/8000": 255, "PCMA/8000": 254, "G722/16000": 200}
"""Codecs that are offered and accepted, with pjsip's priority; all others are off."""


_HOST_NAME = re.compile(r"(?=.{1,253}$)(?=.*[A-Za-z])[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One account at a PBX or trunk (RFC 3261, 10)."""

    registrar: str
    """``host[:port]`` or ``sip:host[:port];transport=tcp`` (or ``tls``)."""
    user: str
    """The account's user name, also for authentication."""
    password: str = field(default="", repr=False)
    """The password itself. Better: ``password_file``."""
    password_file: str | None = None
    """A file whose first line is the password (a mounted secret); wins over ``password``."""
    realm: str = "*"
    """The realm that the password is for; ``*`` is any realm of the registrar."""
    expires_s: int = 300
    """Seconds asked for; the registrar may shorten it."""
    retry_s: int = 10
    """Seconds before another try after a loss, give or take a half. After a refusal, such as a wrong
    password, the wait doubles each time, up to half an hour (RFC 5626, 4.5)."""
    outbound_proxy: str | None = None
    """The SIP URI of a proxy that requests of this account go through (RFC 3261, 8.1.2)."""

    @property
    def over_tls(self) -> bool:
        """Whether the first hop is reached over TLS: ``;transport=tls`` or ``sips:`` (RFC 3261, 26.2)."""
        hop = (self.outbound_proxy or self.registrar).lower()
        return hop.startswith("sips:") or "transport=tls" in hop.partition(";")[2].split(";")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """A provider or PBX that sends calls without a registration of ours."""

    name: str
    """What logs and plans call it."""
    addresses: tuple[str, ...] = ()
    """IPv4 addresses, networks or host names that its SIP comes from, such as ``192.0.2.0/24`` or
    ``sip.example.org`` (its A records, looked up again every minute). When not set, anywhere."""
    tls_subject: str | None = None
    """The host name in the certificate that it shows when it connects over TLS, signed by ``tls_ca_file``."""
    user: str | None = None
    """The user name with which it answers our challenge of each call (401, digest)."""
    password: str = field(default="", repr=False)
    """The password itself. Better: ``password_file``."""
    password_file: str | None = None
    """A file whose first line is the password (a mounted secret); wins over ``password``."""
    behind_nat: bool = False
    """Requests inside its calls go to where its own come from, whatever its Contact says."""

    def __post_init__(self) -> None:
        """Raises ValueError for a trunk that anybody could claim to be."""
        if not (self.addresses or self.tls_subject or self.user):
            raise ValueError(f"trunk {self.name!r} needs addresses, tls_subject or user")
        if self.user and not (self.password or self.password_file):
            raise ValueError(f"trunk {self.name!r} has a user and no password")
        for text in self.addresses:
            if not _HOST_NAME.fullmatch(text):
                _check_network(text, "nor a host name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SipOptions:
    bind: str = "127.0.0.1:5060"
    """Address and port for SIP over UDP and TCP, ``host:port``. 127.0.0.1 is reached from this machine alone;
    0.0.0.0 is every address of it."""
    stock_wheel_in_public: bool = False
    """Start the stock wheel of PJSUA2 on an address that other machines reach. It has assertions compiled in
    that end the process, and an OpenSSL that is out of support; the carrier build has neither."""
    public_address: str | None = None
    """Address that phones are given (Contact, SDP), where it is not the bound one: behind NAT."""
    rtp_ports: str = "16384-16583"
    """UDP ports for sound, ``first-last``; a call takes two."""
    random_rtp_start: bool = False
    """Start at a random port of ``rtp_ports``. For a process that may follow one that was killed: phones of
    lost calls still send to the old ports, and PJSIP sends back to where RTP comes from."""
    max_calls: int | None = None
    """Calls held at once; when not set, all the PJSUA2 build can hold, less the one slot that refusing
    needs."""
    reserved_calls: int | None = None
    """The last calls, which only trusted senders (see ``accept_from``) may begin, so that strangers never
    take them all; when not set, a tenth of the most, at least one where there are four or more."""
    retry_after_s: int = 10
    """Seconds in ``Retry-After`` of a 503."""
    ring_s: float = 0.0
    """Seconds of 180 Ringing before the answer."""
    dial_timeout_s: float = 30.0
    """Seconds a call that we place may ring; then it is cancelled."""
    redirects: Literal["refuse", "follow"] = "refuse"
    """What a call that we place does when it is answered with another address (3xx): it ends, or it goes
    there, to the host that was dialled or one of ``redirect_hosts``."""
    redirect_hosts: tuple[str, ...] = ()
    """Other hosts (``host[:port]``) that a redirect may lead to."""
    rtp_timeout_s: float = 30.0
    """Seconds without one RTP packet after which a call (not on hold) is ended."""
    hold_timeout_s: float = 600.0
    """Seconds a caller may keep us on hold; a caller on hold cannot be distinguished from one who is gone."""
    drain_s: float = 30.0
    """Seconds running calls may go on after the first stop signal."""
    session_expires_s: int = 1800
    """Session timer (RFC 4028); accepted when the peer asks for it."""
    accept_from: tuple[str, ...] = ("loopback", "registrars", "trunks")
    """Senders whose SIP is accepted: ``loopback``, ``registrars`` (their addresses), ``trunks`` (all of
    them), the name of one, an IPv4 address or network, or ``any``. What others send is dropped."""
    trunks: tuple[Trunk, ...] = ()
    """Providers and PBXs that send calls without a registration of ours."""
    ban_after: int = 20
    """Refused messages within 10 s, from a source that is not trusted, after which it is banned."""
    ban_s: float = 300.0
    """Seconds of a ban: nothing from the source is looked at."""
    user_agent: str = "ivr"
    """The name in the ``User-Agent`` and ``Server`` headers."""
    registrations: tuple[Registration, ...] = ()

    tls_bind: str | None = None
    """``host:port`` for SIP over TLS, usually port 5061; when not set, there are no calls over TLS."""
    tls_certificate_file: str | None = None
    """PEM: the certificate shown to callers and to servers that request one, followed by intermediate
    ones."""
    tls_key_file: str | None = None
    """PEM, not encrypted; when not set, the key is in ``tls_certificate_file``."""
    tls_ca_file: str | None = None
    """PEM: the authorities trusted to sign certificates of others; when not set, the system's list."""
    tls_min_version: Literal["1.2", "1.3"] = "1.2"
    """The oldest version of TLS that is accepted."""
    tls_verify_servers: bool = True
    """Servers reached over TLS (registrars, and servers that we call) must show a certificate for their name,
    signed by a trusted authority."""
    tls_require_client_certificates: bool = False
    """Callers over TLS must show a certificate signed by ``tls_ca_file``, which must then be set."""
    tls_handshake_s: float = 10.0
    """Seconds for a TLS handshake; then the connection is closed."""
    srtp: Literal["off", "optional", "required"] = "optional"
    """``optional`` encrypts media when the other side offers it; ``required`` refuses others (488)."""
    srtp_keying: tuple[Literal["sdes", "dtls"], ...] = ("sdes", "dtls")
    """Key agreement for SRTP: in the SDP (``sdes``, RFC 4568), or by DTLS on the media path (RFC 5764). The
    first one is for calls where the offer is ours."""
    srtp_sdes_without_tls: bool = False
    """Offer SDES keys, and count them as encryption where it is required, although the signalling is not
    encrypted."""

    def __post_init__(self) -> None:
        """Raises ValueError for a peer that is neither a word, the name of a trunk nor a network."""
        words = {"loopback", "registrars", "trunks", "any", *(trunk.name for trunk in self.trunks)}
        for text in self.accept_from:
            if text not in words:
                _check_network(text, "nor loopback, registrars, trunks, any or the name of a trunk")
        users = [trunk.user for trunk in self.trunks if trunk.user]
        if len(users) != len(set(users)):
            raise ValueError("two trunks have the same user")

    @property
    def asks_for_certificates(self) -> bool:
        """Whether who connects over TLS is asked for a certificate, which is then verified."""
        return self.tls_require_client_certificates or any(trunk.tls_subject for trunk in self.trunks)


def _check_network(text: str, otherwise: str) -> None:
    """Raises ValueError."""
    try:
        ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is neither an IPv4 address or network such as 192.0.2.0/24 ({error}) {otherwise}"
        ) from None


def password_of(account: Registration | Trunk) -> str:
    """The password of an account, out of its file if it names one. Raises OSError or ValueError."""
    if account.password_file is None:
        return account.password
    with Path(account.password_file).open(encoding="utf-8") as file:
        return file.readline().strip()


def parse_bind(text: str) -> tuple[str, int]:
    """Parse ``host:port``. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be HOST:PORT, the port 1 to 65535")
    if ":" in host:
        raise ValueError("must be HOST:PORT with an IPv4 address or a name: PJSUA2 as built has no IPv6")
    return host, int(port)


def is_loopback(bind: str) -> bool:
    """Return whether nothing but this machine reaches the address of ``host:port``."""
    host = bind.rpartition(":")[0]
    return host == "localhost" or host.startswith("127.")


def parse_ports(text: str) -> tuple[int, int]:
    """Parse ``first-last``. Raises ValueError."""
    first, dash, last = text.partition("-")
    if not dash or not first.strip().isdecimal() or not last.strip().isdecimal():
        raise ValueError("must be FIRST-LAST")
    low, high = int(first), int(last)
    if not 1024 <= low < high <= 65535 or high - low < 3:
        raise ValueError("must be FIRST-LAST between 1024 and 65535, at least four ports")
    return low, high
