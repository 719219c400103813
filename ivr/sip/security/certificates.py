"""Certificate, key and trusted authorities of SIP over TLS: checked with the file named, then kept in memory.

pjsip reads these files when it likes: at a listener's first connection, and for each connection it makes. So
it is given copies (memory files), which change only when new files have passed the same checks.
"""

import contextlib
import datetime
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from ivr.sip.errors import SipError
from ivr.sip.options import SipOptions

log: Any = structlog.get_logger("ivr.sip")

SYSTEM_LISTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
"""Lists of trusted authorities on common systems, besides the one that Python's OpenSSL knows."""
SOON = datetime.timedelta(days=14)
"""A certificate that expires within this time is a warning at the start."""

_NOT_YET_VALID, _EXPIRED = 9, 10
"""OpenSSL's X509_V_ERR_*."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Names and expiry of a usable certificate."""

    names: tuple[str, ...]
    expires: datetime.datetime

    @property
    def ends_soon(self) -> bool:
        return self.expires - datetime.datetime.now(datetime.UTC) < SOON

    @property
    def text(self) -> str:
        names = ", ".join(self.names) or "no name at all"
        return f"for {names}, valid until {self.expires:%Y-%m-%d %H:%M} UTC"


def check_certificate(certificate: str, key: str) -> Certificate:
    """Read both PEM files and make a TLS handshake in memory with them. Raises SipError: setting, file,
    remedy."""
    chain = _pem("tls_certificate_file", certificate, "CERTIFICATE")
    setting = "tls_key_file" if key != certificate else "tls_certificate_file"
    _pem(setting, key, "PRIVATE KEY")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encrypted = SipError(
        f"sip.{setting}: {key}: the key is encrypted, and nobody is there to type the password; "
        "write it without one: openssl pkey -in KEY -out PLAIN, readable for this user alone"
    )

    def password() -> str:
        raise encrypted

    try:
        server.load_cert_chain(certificate, key, password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text, remedy = "is not the key of the certificate", "give the key it was requested with"
        else:
            text, remedy = f"cannot be used: {_words(error)}", "both must be PEM and fit this OpenSSL's rules"
        raise SipError(f"sip.{setting}: {key}: {text} in {certificate}; {remedy}") from None
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    # Trusted as its own authority: whether clients trust it is their decision.
    client.load_verify_locations(cadata=chain)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        seen = _handshake(server, client)
    except ssl.SSLCertVerificationError as error:
        remedy = {
            _EXPIRED: "renew it",
            _NOT_YET_VALID: "check the clock of this machine",
        }.get(error.verify_code, "have one issued for a TLS server")
        raise SipError(f"sip.tls_certificate_file: {certificate}: {error.verify_message}; {remedy}") from None
    except ssl.SSLError as error:
        raise SipError(f"sip.tls_certificate_file: {certificate}: {_words(error)}") from None
    expires = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(seen["notAfter"]), datetime.UTC)
    return Certificate(tuple(str(name) for _, name in seen.get("subjectAltName", ())), expires)


def check_authorities(path: str) -> int:
    """Return the number of certificates in the PEM file. Raises SipError when there is none."""
    _pem("tls_ca_file", path, "CERTIFICATE")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise SipError(
            f"sip.tls_ca_file: {path}: {_words(error)}; it must contain certificates in PEM"
        ) from None
    return int(context.cert_store_stats()["x509"])


def authorities_file(options: SipOptions) -> str:
    """Return ``tls_ca_file``, else the system's list. Raises SipError when there is neither."""
    if options.tls_ca_file is not None:
        return options.tls_ca_file
    for path in (ssl.get_default_verify_paths().cafile, *SYSTEM_LISTS):
        if path and Path(path).is_file():
            return path
    raise SipError(
        "sip.tls_ca_file is not set and this system has no list of trusted authorities; "
        "install its package (Debian: ca-certificates) or name a file"
    )


class MemoryFile:
    """A file in memory, of this process alone, with a path that can be opened many times."""

    def __init__(self, name: str, content: bytes) -> None:
        self._fd = os.memfd_create(name)
        self.path = f"/proc/self/fd/{self._fd}"
        self.write(content)

    def write(self, content: bytes) -> None:
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, content, 0)

    def close(self) -> None:
        os.close(self._fd)


class TlsFiles:
    """The files that pjsip reads. SIP thread only, on which pjsip reads them too."""

    def __init__(self, options: SipOptions) -> None:
        """Raises SipError."""
        self._options = options
        self.certificate: MemoryFile | None = None
        self.key: MemoryFile | None = None
        self.authorities: MemoryFile | None = None
        self._sources: list[tuple[str, MemoryFile]] = []
        self._own: tuple[str, str] | None = None
        self._ca = ""
        if options.tls_certificate_file is not None:
            self._own = (
                options.tls_certificate_file,
                options.tls_key_file or options.tls_certificate_file,
            )
            self.certificate = self._keep("certificate", self._own[0])
            self.key = self._keep("key", self._own[1])
        if options.asks_for_certificates:
            self._keep_authorities()
        found = self._check()
        if found is not None and self._own is not None:
            (log.warning if found.ends_soon else log.info)(
                "tls_certificate", file=self._own[0], certificate=found.text
            )
        self._seen = self._stamps()

    def trust_servers(self) -> None:
        """Load the authorities that sign servers' certificates, before connections are made. Raises
        SipError."""
        if self._options.tls_verify_servers and self.authorities is None:
            check_authorities(authorities_file(self._options))
            self._keep_authorities()
            self._seen = self._stamps()

    def _keep_authorities(self) -> None:
        self._ca = authorities_file(self._options)
        self.authorities = self._keep("authorities", self._ca)

    def _keep(self, name: str, path: str) -> MemoryFile:
        setting = {"certificate": "tls_certificate_file", "key": "tls_key_file"}.get(name, "tls_ca_file")
        file = MemoryFile(name, _read(setting, path))
        self._sources.append((path, file))
        return file

    def _check(self) -> Certificate | None:
        if self._ca:
            check_authorities(self._ca)
        return check_certificate(*self._own) if self._own is not None else None

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        stamps = []
        for path, _ in self._sources:
            with contextlib.suppress(OSError):
                stat = Path(path).stat()
                stamps.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        return tuple(stamps)

    def refresh(self) -> bool:
        """Called once a second: use renewed files (returns True). Files that do not pass are logged once, and
        the old ones stay in use.
        """
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        try:
            found = self._check()
            for path, file in self._sources:
                file.write(Path(path).read_bytes())
        except (SipError, OSError) as error:
            log.error(
                "tls_files_refused",
                error=str(error),
                remedy="the previous certificate stays in use; fix the files",
            )
            return False
        log.info("tls_files_renewed", certificate=found.text if found is not None else None)
        return True

    def close(self) -> None:
        for _, file in self._sources:
            file.close()
        self._sources.clear()


def _read(setting: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SipError(
            f"sip.{setting}: {path}: {error.strerror}; name a PEM file that this user may read"
        ) from None


def _pem(setting: str, path: str, kind: str) -> str:
    """Return the text of the first PEM block of that kind."""
    text = _read(setting, path).decode("ascii", "replace")
    begin = next((line for line in text.splitlines() if line.startswith("-----BEGIN") and kind in line), None)
    if begin is None:
        if kind == "CERTIFICATE":
            what, remedy = "certificate", "name the file that has one"
        else:
            what, remedy = "key", "name its file in sip.tls_key_file"
        raise SipError(f"sip.{setting}: {path}: there is no {what} in PEM in it; {remedy}")
    block, end, _ = text[text.index(begin) :].partition(begin.replace("BEGIN", "END"))
    return block + end + "\n"


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, Any]:
    """Make a handshake in memory. Returns the server's certificate as the client sees it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(10):
        waiting = 0
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting += 1
        if not waiting:
            break
    return dict(ends[0].getpeercert() or {})


def _words(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
