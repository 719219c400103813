"""Policy of peers: loopback, the registrars, trunks; everybody only where that is written."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ivr.sip.gate.hosts import HostAddresses
from ivr.sip.gate.request_checks import is_ipv4
from ivr.sip.options import SipOptions, Trunk, password_of

LOOPBACK = ipaddress.IPv4Network("127.0.0.0/8")
EVERYBODY = ipaddress.IPv4Network("0.0.0.0/0")
MAX_SOURCES = 10_000
"""Sources whose refused messages are counted; the one heard from longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A sender that is accepted."""

    name: str
    """``loopback``, ``registrar``, the name of a trunk, ``any``, or the network as it is written."""
    trusted: bool
    """Its word on identities is taken (P-Asserted-Identity, RFC 3325), and it is never banned."""
    behind_nat: bool | None = None
    """Whether its Contact is replaced by where its message came from; None: if it is a private address."""


STRANGER = Peer("", trusted=False)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a message must have to come from a peer: everything that is set."""

    peer: Peer
    networks: tuple[ipaddress.IPv4Network, ...] = ()
    hosts: tuple[str, ...] = ()
    tls_subject: str | None = None
    user: str | None = None
    password: str = ""


def trunk_hosts(trunks: Sequence[Trunk]) -> list[str]:
    """The host names among the addresses of trunks."""
    return [text for trunk in trunks for text in trunk.addresses if _network(text) is None]


class Peers:
    """The policy of ``sip.accept_from``."""

    def __init__(
        self, options: SipOptions, registrars: Callable[[], Iterable[str]], hosts: HostAddresses
    ) -> None:
        """``registrars`` gives the addresses that the registrars' names have now, ``hosts`` those of trunks.
        Raises OSError or ValueError for a password file that cannot be read.
        """
        self._registrars, self._hosts = registrars, hosts
        self._asks_registrars = "registrars" in options.accept_from
        self._rules: list[_Rule] = []
        trunks = {trunk.name: trunk for trunk in options.trunks}
        for entry in options.accept_from:
            if entry == "loopback":
                # A program beside us, such as a health check, comes from the address that is bound to.
                own = options.bind.rpartition(":")[0]
                networks = (LOOPBACK, *([ipaddress.IPv4Network(own)] if is_ipv4(own) else []))
                self._rules.append(_Rule(Peer("loopback", trusted=True, behind_nat=False), networks))
            elif entry == "trunks":
                self._rules += [_rule_of(trunk) for trunk in options.trunks]
            elif entry == "any":
                self._rules.append(_Rule(Peer("any", trusted=False), (EVERYBODY,)))
            elif entry in trunks:
                self._rules.append(_rule_of(trunks[entry]))
            elif entry != "registrars":
                peer = Peer(entry, trusted=True, behind_nat=False)
                self._rules.append(_Rule(peer, (ipaddress.IPv4Network(entry),)))

    def find(self, address: str, tls_names: Sequence[str] = ()) -> Peer | None:
        """The peer that sends from an IPv4 address, over TLS with a certificate for ``tls_names``; None for a
        stranger. A trusted one wins. One that has to prove a password is not among them.
        """
        found = [rule.peer for rule in self._fitting(address, tls_names) if rule.user is None]
        if self._asks_registrars and address in self._registrars():
            found.append(Peer("registrar", trusted=True, behind_nat=False))
        return max(found, key=lambda peer: peer.trusted, default=None)

    def udp_networks(self) -> list[ipaddress.IPv4Network] | None:
        """Networks that a peer's UDP may come from now; None when that is everywhere."""
        found: list[ipaddress.IPv4Network] = []
        for rule in self._rules:
            if rule.tls_subject is not None:
                continue
            if EVERYBODY in rule.networks or not (rule.networks or rule.hosts):
                return None
            found += rule.networks
            found += (ipaddress.IPv4Network(each) for name in rule.hosts for each in self._hosts.of(name))
        if self._asks_registrars:
            found += (ipaddress.IPv4Network(each) for each in self._registrars())
        return found

    def accounts(self, address: str, tls_names: Sequence[str] = ()) -> dict[str, tuple[str, Peer]]:
        """User to password and peer, of the trunks that may prove a password from there."""
        rules = self._fitting(address, tls_names)
        return {rule.user: (rule.password, rule.peer) for rule in rules if rule.user is not None}

    def _fitting(self, address: str, tls_names: Sequence[str]) -> list[_Rule]:
        try:
            sender = ipaddress.IPv4Address(address)
        except ValueError:
            return []
        return [
            rule
            for rule in self._rules
            if (
                not (rule.networks or rule.hosts)
                or any(sender in network for network in rule.networks)
                or any(address in self._hosts.of(name) for name in rule.hosts)
            )
            and (rule.tls_subject is None or rule.tls_subject in tls_names)
        ]


def _rule_of(trunk: Trunk) -> _Rule:
    networks = [(text, _network(text)) for text in trunk.addresses]
    return _Rule(
        Peer(trunk.name, trusted=True, behind_nat=trunk.behind_nat),
        tuple(network for _, network in networks if network is not None),
        tuple(text.lower() for text, network in networks if network is None),
        trunk.tls_subject.lower() if trunk.tls_subject is not None else None,
        trunk.user,
        password_of(trunk) if trunk.user is not None else "",
    )


def _network(text: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text)
    except ValueError:
        return None


@dataclass(slots=True)
class _Source:
    count: float
    """Counted messages, fading with time."""
    at: float
    banned_until: float = 0.0


class SourceLimits:
    """Bans a source of too many messages for a while. Times are seconds of a monotonic clock."""

    def __init__(self, limit: int, window_s: float, ban_s: float) -> None:
        """More than ``limit`` counted messages within about ``window_s`` ban an address for ``ban_s``."""
        self._limit, self._window_s, self._ban_s = limit, window_s, ban_s
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def banned(self, address: str, now: float) -> bool:
        """Whether nothing from ``address`` is looked at now."""
        source = self._sources.get(address)
        return source is not None and now < source.banned_until

    def all_banned(self, now: float) -> list[str]:
        """Every address that is banned now, the one heard from last at the end."""
        return [address for address, source in self._sources.items() if now < source.banned_until]

    def counted(self, address: str, now: float) -> bool:
        """Note a message; whether ``address`` is banned by it."""
        source = self._sources.setdefault(address, _Source(0.0, now))
        self._sources.move_to_end(address)
        if len(self._sources) > MAX_SOURCES:
            self._sources.popitem(last=False)
        # A leaky bucket: what was counted a window ago counts no more.
        left = source.count - (now - source.at) * self._limit / self._window_s
        source.count, source.at = max(0.0, left) + 1, now
        if source.count <= self._limit or now < source.banned_until:
            return False
        source.banned_until, source.count = now + self._ban_s, 0.0
        return True

    def forgive(self, address: str) -> None:
        """Forget what was counted of a source that has shown who it is."""
        self._sources.pop(address, None)
