"""Checks whether addresses can be bound, before engines are loaded and in ``ivr doctor``. Nothing is sent."""

import errno
import socket
from dataclasses import dataclass

from ivr.sip.errors import SipError
from ivr.sip.options import SipOptions, parse_bind


def listeners(sip: SipOptions) -> list[tuple[str, str, socket.SocketKind, str]]:
    """Return what SIP listens on: transport, ``host:port``, kind of socket, and the flag or setting of it."""
    found = [
        ("UDP", sip.bind, socket.SOCK_DGRAM, "--bind"),
        ("TCP", sip.bind, socket.SOCK_STREAM, "--bind"),
    ]
    if sip.tls_bind is not None:
        found.append(("TLS", sip.tls_bind, socket.SOCK_STREAM, "sip.tls_bind"))
    return found


def check_listeners(sip: SipOptions) -> None:
    """Check every address that SIP listens on. Raises SipError, which names the one that cannot be bound."""
    for name, bind, kind, setting in listeners(sip):
        error = bind_error(*parse_bind(bind), kind, setting)
        if error is not None:
            raise SipError(f"cannot listen on {name} {bind}: {error.text}; {error.remedy}")


@dataclass(frozen=True, slots=True)
class BindError:
    text: str
    remedy: str


def bind_error(host: str, port: int, kind: socket.SocketKind, setting: str = "--bind") -> BindError | None:
    """Return why the service cannot listen there; None when it can. The address is bound for a moment.

    ``setting`` is the flag or setting that chooses another.
    """
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # As the service does: a port with only closed connections in it counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            return BindError("no such host", "bind to an address of this machine, or 0.0.0.0 for all")
        except OSError as error:
            return BindError(error.strerror or str(error), _remedy(error.errno, setting))
    return None


def _remedy(number: int | None, setting: str) -> str:
    if number == errno.EADDRNOTAVAIL:
        return "bind to an address of this machine, or 0.0.0.0 for all"
    if number == errno.EACCES:
        return f"ports below 1024 need rights: choose another with {setting} HOST:PORT"
    return f"is ivr running already? Otherwise choose another with {setting} HOST:PORT"
