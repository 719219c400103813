"""Whose challenges are answered with an account's credentials: its registrar's, for requests sent there."""

import re
from collections.abc import Sequence

from ivr.sip.gate.hosts import HostAddresses, host_of
from ivr.sip.gate.raw_message import RawMessage
from ivr.sip.options import Registration

_REALM = re.compile(r'realm\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)


def registrar_hosts(registrations: Sequence[Registration]) -> list[set[str]]:
    """The host names of each account's registrar and outbound proxy."""
    hops = [(each.registrar, each.outbound_proxy) for each in registrations]
    return [{host_of(hop) for hop in pair if hop} for pair in hops]


class RegistrarChallenges:
    """Decides whether pjsip may see a challenge (401, 407) to a request of ours.

    pjsua answers a challenge to any request with the credentials of the call's account, whoever asks (RFC
    3261, 22). So a challenge counts only if it comes from an address of the registrar or its outbound proxy,
    if the request was sent there, and if the realm is the one that the registrar named when we registered.
    """

    def __init__(self, registrations: Sequence[Registration], hosts: HostAddresses) -> None:
        """``hosts`` knows the addresses of ``registrar_hosts``."""
        self._names = registrar_hosts(registrations)
        self._hosts = hosts
        self._realms: dict[int, str] = {}

    def _addresses(self, names: set[str]) -> frozenset[str]:
        return frozenset().union(*(self._hosts.of(name) for name in names))

    def all_addresses(self) -> frozenset[str]:
        """The addresses of all registrars, as they were found last."""
        return frozenset().union(*(self._addresses(names) for names in self._names))

    def allows(self, source: str, request: RawMessage, challenge: RawMessage) -> bool:
        """Whether ``challenge``, which came from the address ``source``, may be answered. SIP thread only."""
        routes = request.addresses("route")
        hop = host_of(routes[0] if routes else request.request_uri)
        realm = _realm_of(challenge)
        for index, names in enumerate(self._names):
            addresses = self._addresses(names)
            if source not in addresses or not (hop in names or hop in addresses):
                continue
            if request.method == "REGISTER":
                self._realms[index] = realm
                return True
            if self._realms.get(index, realm) == realm:
                return True
        return False


def _realm_of(challenge: RawMessage) -> str:
    value = challenge.value("www-authenticate") or challenge.value("proxy-authenticate")
    found = _REALM.search(value)
    return found[1] if found else ""
