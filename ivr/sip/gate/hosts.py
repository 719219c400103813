"""The addresses of host names in the settings, looked up by a thread of its own and again every minute."""

import re
import socket
import threading
from collections.abc import Callable, Iterable

RESOLVE_EVERY_S = 60.0
"""Seconds after which the names are looked up again."""
START_S = 5.0
"""Seconds that a start waits for the first answers; what comes later counts from then on."""

_HOST = re.compile(r"sips?:(?:[^@>]*@)?([^:;>?\s]+)", re.IGNORECASE)


def host_of(address: str) -> str:
    """The host of a SIP URI, or of ``host[:port]``, in small letters; without IPv6 brackets."""
    found = _HOST.search(address)
    return (found[1] if found else address.partition(";")[0].partition(":")[0]).strip().lower()


def addresses_of(host: str) -> list[str]:
    """The IPv4 addresses of a host name; empty when it has none or cannot be looked up. May take long."""
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class HostAddresses:
    """Knows the IPv4 addresses of a few host names. Each name's entry is replaced as a whole: the SIP thread
    reads it.
    """

    def __init__(self, names: Iterable[str], resolve: Callable[[str], Iterable[str]] = addresses_of) -> None:
        """``resolve`` gives the addresses of a name and may take long; ``of`` never calls it."""
        self._resolve = resolve
        self._known: dict[str, frozenset[str]] = dict.fromkeys(names, frozenset())
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look the names up, now and from time to time. Waits ``START_S`` at most."""
        if self._known:
            first = threading.Event()
            threading.Thread(
                target=self._keep_resolving, args=(first,), name="host names", daemon=True
            ).start()
            first.wait(START_S)

    def stop(self) -> None:
        self._stopped.set()

    def of(self, name: str) -> frozenset[str]:
        """The addresses of a name as they were found last."""
        return self._known.get(name, frozenset())

    def resolve_all(self) -> None:
        """Look every name up. One that is not found keeps the addresses it had."""
        for name in self._known:
            self._known[name] = frozenset(self._resolve(name)) or self._known[name]

    def _keep_resolving(self, first: threading.Event) -> None:
        self.resolve_all()
        first.set()
        while not self._stopped.wait(RESOLVE_EVERY_S):
            self.resolve_all()
