"""What the tests of TLS and SRTP share: is this the build that can do it, certificates, a client over TLS."""

import importlib.metadata
import json
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.caller import message as sip
from tests.caller.authority import Authority, Issued
from tests.caller.message import Message
from tests.caller.tls_registrar import TlsRegistrar

HOW = "the stock wheel of PJSUA2 is installed, which has no TLS; `make carrier` installs the build with it"


def is_carrier() -> bool:
    try:
        importlib.metadata.version("pjsua2-carrier")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


needs_carrier = pytest.mark.skipif(not is_carrier(), reason=HOW)
needs_stock = pytest.mark.skipif(
    is_carrier(), reason="the carrier build of PJSUA2 is installed; `make stock` puts the wheel back"
)


@dataclass(frozen=True)
class Certificates:
    root: Authority
    own: Issued
    """The service's, signed by an authority in between."""
    caller: Issued
    stranger: Authority

    @classmethod
    def issued(cls, folder: Path) -> "Certificates":
        root = Authority(folder / "root", "Root of the tests")
        between = Authority(folder / "between", "Between", root)
        own = between.issue("ivr", "DNS:localhost", "IP:127.0.0.1")
        stranger = Authority(folder / "other", "Stranger")
        return cls(root, own, root.issue("caller", "DNS:caller"), stranger)


def registered(registrar: TlsRegistrar, authority: Path, **settings: str) -> dict[str, str]:
    """The environment of a service with an account there, which trusts ``authority``."""
    account = {"registrar": f"sip:127.0.0.1:{registrar.port};transport=tls", "user": "ivr", "retry_s": 1}
    return {
        "IVR_SIP__REGISTRATIONS": json.dumps([account]),
        "IVR_SIP__TLS_CA_FILE": str(authority),
        **{f"IVR_SIP__{name.upper()}": value for name, value in settings.items()},
    }


def client_context(authority: Path, own: Issued | None = None) -> ssl.SSLContext:
    """Trust ``authority`` alone and check the name."""
    context = ssl.create_default_context(cafile=authority)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


class TlsClient:
    """A connection to the service: requests as text out, messages in. Raises OSError when it is refused."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=5)
        try:
            self.link = context.wrap_socket(plain, server_hostname="127.0.0.1")
        except OSError:
            plain.close()
            raise
        self._data = b""

    def __enter__(self) -> "TlsClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.link.close()

    def send(self, method: str, call_id: str = "", cseq: int = 1, to: str = "", body: bytes = b"") -> str:
        """A request to the service; its Call-ID."""
        host, port = self.link.getsockname()
        call_id = call_id or sip.token(20)
        uri = "sip:test@127.0.0.1;transport=tls"
        headers = [
            ("Via", f"SIP/2.0/TLS {host}:{port};rport;branch=z9hG4bK{sip.token()}"),
            ("Max-Forwards", "70"),
            ("From", f"<sip:caller@{host}>;tag={call_id[:8]}"),
            ("To", to or f"<{uri}>"),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", f"<sip:caller@{host}:{port};transport=tls>"),
        ]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        self.link.sendall(Message(method, uri, headers=headers, body=body).encode())
        return call_id

    def final(self, method: str, timeout: float = 5.0) -> Message:
        """The next final response to ``method``. Raises OSError at the connection's end."""
        deadline = time.monotonic() + timeout
        while True:
            self.link.settimeout(max(0.01, deadline - time.monotonic()))
            message, self._data = sip.first_of(self._data)
            while message is None:
                more = self.link.recv(65536)
                if not more:
                    raise ConnectionResetError("the service has closed the connection")
                message, self._data = sip.first_of(self._data + more)
            if message.status >= 200 and message.cseq[1] == method:
                return message
