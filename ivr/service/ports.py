"""Whether addresses can be bound to: asked before engines are loaded, and by the doctor. Nothing is sent."""

import errno
import socket
from dataclasses import dataclass

TRANSPORTS = ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP"))
"""What SIP listens on."""


@dataclass(frozen=True, slots=True)
class BindError:
    text: str
    remedy: str


def bind_error(host: str, port: int, kind: socket.SocketKind) -> BindError | None:
    """Why the service could not listen there; None when it could. Bound for a moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # As the service does: a port with only closed connections in it counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            return BindError("no such host", "bind to an address of this machine, or 0.0.0.0 for all")
        except OSError as error:
            return BindError(error.strerror or str(error), _remedy(error.errno))
    return None


def _remedy(number: int | None) -> str:
    if number == errno.EADDRNOTAVAIL:
        return "bind to an address of this machine, or 0.0.0.0 for all"
    if number == errno.EACCES:
        return "ports below 1024 need rights: choose another with --bind HOST:PORT"
    return "is ivr running already? Otherwise choose another with --bind HOST:PORT"
