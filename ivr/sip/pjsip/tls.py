"""SIP over TLS: what the installed build supports, pjsip's TLS transports, and which message came over which.

The listener and the outgoing connections have a transport each: pjsip names all authorities that a listener
knows to everybody who calls, and a system's whole list is 20 kB of names.
"""

import ctypes
from typing import Any

import pjsua2 as pj
import structlog

from ivr.sip.options import SipOptions
from ivr.sip.security.certificates import TlsFiles
from ivr.sip.security.check import Security

log: Any = structlog.get_logger("ivr.sip")

KEYINGS = {"sdes": pj.PJMEDIA_SRTP_KEYING_SDES, "dtls": pj.PJMEDIA_SRTP_KEYING_DTLS_SRTP}
SRTP_USE = {
    "off": pj.PJMEDIA_SRTP_DISABLED,
    "optional": pj.PJMEDIA_SRTP_OPTIONAL,
    "required": pj.PJMEDIA_SRTP_MANDATORY,
}
_UNTRUSTED = pj.PJ_SSL_CERT_EUNTRUSTED | pj.PJ_SSL_CERT_EISSUER_NOT_FOUND | pj.PJ_SSL_CERT_EISSUER_MISMATCH
_RDATA_TRANSPORT = ctypes.sizeof(ctypes.c_void_p)
"""Offset of ``tp_info.transport`` in a ``pjsip_rx_data``: after the pool."""


def build_security() -> Security:
    """Ask the library which OpenSSL it has, and how it agrees on SRTP keys."""
    library = ctypes.CDLL(pj._pjsua2.__file__)
    version = ""
    for name in ("OpenSSL_version", "SSLeay_version"):
        if hasattr(library, name):
            ask = getattr(library, name)
            ask.argtypes, ask.restype = [ctypes.c_int], ctypes.c_char_p
            version = ask(0).decode("ascii", "replace")
            break
    count = ctypes.c_uint(8)
    methods = (ctypes.c_int * 8)()
    library.pjmedia_srtp_enum_keying(ctypes.byref(count), methods)
    there = set(methods[: count.value])
    return Security(version, tuple(name for name, value in KEYINGS.items() if value in there))


class TlsTransports:
    """The TLS transports of an endpoint and the files they read. SIP thread only."""

    def __init__(self, options: SipOptions) -> None:
        """Raises SipError."""
        self._options = options
        self._files = TlsFiles(options) if options.tls_bind else None
        self.client_id = self.listener_id = -1
        """pjsua's numbers of the transport that makes connections, and of the listener; -1: not there."""

    def trust_servers(self) -> None:
        """Load the authorities; call it before there is a transport for connections. Raises SipError."""
        self._files = self._files or TlsFiles(self._options)
        self._files.trust_servers()

    def settings(self, config: pj.TransportConfig, *, client: bool) -> pj.TransportConfig:
        """``config`` with TLS. The transport of outgoing connections listens too, as pjsip would have it, on
        a port of the system's choice: there nobody is accepted without a trusted certificate.
        """
        assert self._files is not None
        options, files, tls = self._options, self._files, config.tlsConfig
        newer = pj.PJ_SSL_SOCK_PROTO_TLS1_3
        tls.proto = newer if options.tls_min_version == "1.3" else newer | pj.PJ_SSL_SOCK_PROTO_TLS1_2
        tls.enableRenegotiation = False
        tls.msecTimeout = round(options.tls_handshake_s * 1000)
        if files.certificate is not None and files.key is not None:
            tls.certFile, tls.privKeyFile = files.certificate.path, files.key.path
        required = client or options.tls_require_client_certificates
        guarded = required or options.asks_for_certificates
        if files.authorities is not None and guarded:
            tls.CaListFile = files.authorities.path
        tls.verifyServer = options.tls_verify_servers
        tls.requireClientCert, tls.verifyClient = required, guarded
        return config

    def renewed(self) -> bool:
        """Called once a second. Returns whether there are new files, so that the listener must be opened
        again."""
        return self._files is not None and self._files.refresh()

    def close(self) -> None:
        """Remove the files; call it after pjsip is gone."""
        if self._files is not None:
            self._files.close()
            self._files = None


class Connections:
    """Knows which transport a message came over, from pjsip's reports of its connections: a Via header only
    repeats what the sender wrote. SIP thread only.
    """

    def __init__(self, tls_bind: str | None) -> None:
        self._kinds: dict[int, str] = {}
        self._names: dict[int, tuple[str, ...]] = {}
        """Names in the certificates that were shown and verified."""
        self._tls_port = tls_bind.rpartition(":")[2] if tls_bind is not None else ""

    def changed(self, state: Any) -> None:
        """``OnTransportStateParam``."""
        if state.state == pj.PJSIP_TP_STATE_DESTROY:
            self._kinds.pop(int(state.hnd), None)
            self._names.pop(int(state.hnd), None)
            return
        self._kinds[int(state.hnd)] = state.type.lower()
        if state.state == pj.PJSIP_TP_STATE_CONNECTED and not state.tlsInfo.isEmpty():
            names = _certificate_names(state.tlsInfo)
            if names and not state.tlsInfo.verifyStatus:
                self._names[int(state.hnd)] = names
        if state.state in (pj.PJSIP_TP_STATE_CONNECTED, pj.PJSIP_TP_STATE_DISCONNECTED):
            self._verified(state.tlsInfo, connected=state.state == pj.PJSIP_TP_STATE_CONNECTED)

    def transport_of(self, rdata: int) -> str:
        """``udp``, ``tcp`` or ``tls``, for a ``pjsip_rx_data`` at that address."""
        where = ctypes.c_void_p.from_address(rdata + _RDATA_TRANSPORT).value
        return self._kinds.get(where or 0, "udp")

    def certificate_names(self, rdata: int) -> tuple[str, ...]:
        """The names, in small letters, in the certificate of who sent a ``pjsip_rx_data``; none when it came
        without one."""
        if not self._names:
            return ()
        return self._names.get(ctypes.c_void_p.from_address(rdata + _RDATA_TRANSPORT).value or 0, ())

    def _verified(self, tls: Any, *, connected: bool) -> None:
        if tls.isEmpty() or not tls.verifyStatus:
            return
        caller = tls.localAddr.rpartition(":")[2] == self._tls_port
        if connected and caller:
            return  # a certificate that was not requested
        reason, remedy = _distrust_reason(tls)
        log.warning(
            "tls_peer_not_verified" if connected else "tls_peer_refused",
            peer=tls.remoteAddr,
            role="caller" if caller else "server",
            reason=reason,
            remedy="set sip.tls_verify_servers = true" if connected else remedy,
        )


def _certificate_names(tls: Any) -> tuple[str, ...]:
    """The host names of the other side's certificate (RFC 5922, 7.1): its alternative names, or else its
    CN."""
    certificate = tls.remoteCertInfo
    if certificate.isEmpty():
        return ()
    names = [str(each.name) for each in certificate.subjectAltName] or [str(certificate.subjectCn)]
    return tuple(name.lower() for name in names if name)


def _distrust_reason(tls: Any) -> tuple[str, str]:
    """Return why the certificate in a ``TlsInfo`` was not accepted, and a remedy."""
    status, certificate = tls.verifyStatus, tls.remoteCertInfo
    names = [str(each.name) for each in certificate.subjectAltName] or [certificate.subjectCn]
    if status & pj.PJ_SSL_CERT_EVALIDITY_PERIOD:
        why = f"its certificate for {', '.join(names)} has expired or is not valid yet"
        return why, "it must be renewed there; check the clock of this machine"
    if status & _UNTRUSTED:
        issuer = certificate.issuerCn
        own = certificate.subjectCn == issuer
        why = "self-signed" if own else f"signed by {issuer!r}, who is not known here"
        return f"its certificate is {why}", "if you trust it, put its authority's into sip.tls_ca_file"
    if status & pj.PJ_SSL_CERT_EIDENTITY_NOT_MATCH:
        return f"its certificate is for {', '.join(names)}", "name the server as its certificate does"
    return "; ".join(tls.verifyMsgs) or f"verification status {status}", "see the certificate of the server"
