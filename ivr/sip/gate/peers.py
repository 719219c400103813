"""Policy of peers: loopback, the registrars, trunks by address; everybody only where that is written."""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ivr.sip.gate.request_checks import is_ipv4
from ivr.sip.options import SipOptions

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


STRANGER = Peer("", trusted=False)


class Peers:
    """The policy of ``sip.accept_from``."""

    def __init__(self, options: SipOptions, registrars: Callable[[], Iterable[str]]) -> None:
        """``registrars`` gives the addresses that the registrars' names have now."""
        self._registrars = registrars
        self._asks_registrars = False
        self._networks: list[tuple[ipaddress.IPv4Network, Peer]] = []
        trunks = {trunk.name: trunk for trunk in options.trunks}
        for entry in options.accept_from:
            if entry == "loopback":
                self._networks.append((LOOPBACK, Peer("loopback", trusted=True)))
                # A program beside us, such as a health check, comes from the address that is bound to.
                own = options.bind.rpartition(":")[0]
                if is_ipv4(own):
                    self._add((own,), Peer("loopback", trusted=True))
            elif entry == "registrars":
                self._asks_registrars = True
            elif entry == "trunks":
                for trunk in options.trunks:
                    self._add(trunk.addresses, Peer(trunk.name, trusted=True))
            elif entry == "any":
                self._networks.append((EVERYBODY, Peer("any", trusted=False)))
            elif entry in trunks:
                self._add(trunks[entry].addresses, Peer(entry, trusted=True))
            else:
                self._add((entry,), Peer(entry, trusted=True))

    def _add(self, networks: Iterable[str], peer: Peer) -> None:
        self._networks += [(ipaddress.IPv4Network(text), peer) for text in networks]

    def find(self, address: str) -> Peer | None:
        """The peer that sends from an IPv4 address; None for a stranger. A trusted one wins."""
        try:
            sender = ipaddress.IPv4Address(address)
        except ValueError:
            return None
        found = [peer for network, peer in self._networks if sender in network]
        if self._asks_registrars and address in self._registrars():
            found.append(Peer("registrar", trusted=True))
        return max(found, key=lambda peer: peer.trusted, default=None)


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
