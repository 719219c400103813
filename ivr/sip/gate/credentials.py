"""Whose challenges are answered with an account's credentials: its registrar's, for requests sent there."""

import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence

from ivr.sip.gate.raw_message import RawMessage
from ivr.sip.options import Registration

RESOLVE_EVERY_S = 60.0
"""Seconds after which the registrars' names are looked up again."""

_HOST = re.compile(r"sips?:(?:[^@>]*@)?([^:;>?\s]+)", re.IGNORECASE)
_REALM = re.compile(r'realm\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)


def addresses_of(host: str) -> list[str]:
    """The IPv4 addresses of a host name; empty when it has none or cannot be looked up. May take long."""
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class RegistrarChallenges:
    """Decides whether pjsip may see a challenge (401, 407) to a request of ours.

    pjsua answers a challenge to any request with the credentials of the call's account, whoever asks (RFC
    3261, 22). So a challenge counts only if it comes from an address of the registrar or its outbound proxy,
    if the request was sent there, and if the realm is the one that the registrar named when we registered.
    """

    def __init__(
        self, registrations: Sequence[Registration], resolve: Callable[[str], Iterable[str]] = addresses_of
    ) -> None:
        """``resolve`` gives the addresses of a host name. It may take long; ``allows`` never calls it."""
        hops = [(each.registrar, each.outbound_proxy) for each in registrations]
        self._names = [{host_of(hop) for hop in pair if hop} for pair in hops]
        self._resolve = resolve
        self._addresses: list[frozenset[str]] = [frozenset() for _ in hops]
        self._realms: dict[int, str] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look the names up now, and then from time to time on a thread of its own."""
        if not self._names:
            return
        self.resolve_all()
        threading.Thread(target=self._keep_resolving, name="registrar names", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def resolve_all(self) -> None:
        """Look every registrar up. A name that is not found keeps the addresses it had."""
        found = [
            frozenset(address for name in names for address in self._resolve(name)) for names in self._names
        ]
        # Replaced as a whole: the SIP thread reads it.
        self._addresses = [new or old for new, old in zip(found, self._addresses, strict=True)]

    def all_addresses(self) -> set[str]:
        """The addresses of all registrars, as they were found last."""
        return {address for addresses in self._addresses for address in addresses}

    def allows(self, source: str, request: RawMessage, challenge: RawMessage) -> bool:
        """Whether ``challenge``, which came from the address ``source``, may be answered. SIP thread only."""
        routes = request.addresses("route")
        hop = host_of(routes[0] if routes else request.request_uri)
        realm = _realm_of(challenge)
        for index, (names, addresses) in enumerate(zip(self._names, self._addresses, strict=True)):
            if source not in addresses or not (hop in names or hop in addresses):
                continue
            if request.method == "REGISTER":
                self._realms[index] = realm
                return True
            if self._realms.get(index, realm) == realm:
                return True
        return False

    def _keep_resolving(self) -> None:
        while not self._stopped.wait(RESOLVE_EVERY_S):
            self.resolve_all()


def host_of(address: str) -> str:
    """The host of a SIP URI, or of ``host[:port]``, in small letters; without IPv6 brackets."""
    found = _HOST.search(address)
    return (found[1] if found else address.partition(";")[0].partition(":")[0]).strip().lower()


def _realm_of(challenge: RawMessage) -> str:
    value = challenge.value("www-authenticate") or challenge.value("proxy-authenticate")
    found = _REALM.search(value)
    return found[1] if found else ""
