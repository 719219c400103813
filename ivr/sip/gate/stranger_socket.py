"""A second UDP socket at the address of pjsip's: the kernel gives it what strangers send. SIP thread only.

pjsip parses what it receives before anybody can look at it. So both sockets are bound with SO_REUSEPORT, and
a filter in the kernel (``source_filter``) chooses between them by the source. pjsip never sees a stranger's
packet; here a few of them are read each second, for the log. The kernel drops the rest, which is counted.
"""

import contextlib
import ctypes
import ipaddress
import socket
import struct
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from ivr.sip.gate import source_filter
from ivr.sip.gate.peers import Peers, SourceLimits
from ivr.sip.options import parse_bind

SUPPORTED = sys.platform == "linux"
"""Elsewhere the gate alone keeps strangers out."""

_SO_ATTACH_REUSEPORT_CBPF, _SO_MEMINFO = 51, 55
_DROPS = 8
"""SK_MEMINFO_DROPS."""
_BUFFER = 32_768
"""Bytes of the socket's buffer, as the kernel counts: some forty packets."""

MAX_CALLED = 1000
"""Addresses that we called and that may send us packets; the oldest is forgotten."""
READ_AT_ONCE = 20
"""Packets of strangers that are looked at in a second."""

Datagram = tuple[bytes, str, int]
"""What was sent, and the address and port that sent it."""


class StrangerSocket:
    """Where packets go that are not for pjsip."""

    def __init__(self, bind: str) -> None:
        """``bind``: ``host:port`` of pjsip's UDP socket."""
        self._bind = bind
        self._socket: socket.socket | None = None
        self._program: list[source_filter.Instruction] = []
        self._dropped = 0

    def open(self) -> None:
        """Bind, after pjsip has. Where the system cannot do it, the gate sees every packet as before."""
        with contextlib.suppress(OSError):
            if not SUPPORTED:
                return
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                made.setblocking(False)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER // 2)
                made.bind(parse_bind(self._bind))
                # Until ``steer`` all is for pjsip. What came to us before is sent again (RFC 3261, 17).
                _attach(made, source_filter.program(None))
            except OSError:
                made.close()
                raise
            self._socket = made

    def steer(self, networks: Sequence[ipaddress.IPv4Network] | None, banned: Sequence[str]) -> None:
        """Take what does not come from ``networks`` (None: from anywhere), and what is from ``banned``."""
        if self._socket is None:
            return
        program = source_filter.program(networks, banned)
        if program != self._program:
            _attach(self._socket, program)
            self._program = program

    def read(self, most: int) -> list[Datagram]:
        """Some of what has come, the oldest first."""
        found: list[Datagram] = []
        with contextlib.suppress(OSError):
            while self._socket is not None and len(found) < most:
                data, (host, port) = self._socket.recvfrom(65_535)
                found.append((data, host, port))
        return found

    def dropped(self) -> int:
        """Packets that the kernel has dropped since the last look."""
        if self._socket is None:
            return 0
        figures = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36)
        drops: int = struct.unpack("9I", figures)[_DROPS]
        new, self._dropped = (drops - self._dropped) % (1 << 32), drops
        return new

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Strangers:
    """Keeps the filter as the policy of peers, the bans and the calls that we place have it."""

    def __init__(self, bind: str, peers: Peers, limits: Sequence[SourceLimits]) -> None:
        self._socket, self._peers, self._limits = StrangerSocket(bind), peers, limits
        self._called: OrderedDict[str, None] = OrderedDict()
        """Addresses that requests of ours went to: their answers are no strangers' packets."""
        self._everybody = False
        """A request went to who knows where."""

    def open(self) -> None:
        """Begin, once pjsip listens."""
        self._socket.open()
        self.update()

    def update(self) -> None:
        """Tell the kernel whose packets pjsip may parse now."""
        networks, now = self._peers.udp_networks(), time.monotonic()
        if networks is not None:
            networks += (ipaddress.IPv4Network(each) for each in self._called)
        banned = [address for limit in self._limits for address in limit.all_banned(now)]
        self._socket.steer(None if self._everybody else networks, banned)

    def called(self, host: str) -> None:
        """A request goes to this IPv4 address (empty: it is not known), and its answer is to come through."""
        known = host in self._called if host else self._everybody
        if known:
            return
        if host:
            self._called[host] = None
        else:
            self._everybody = True
        if len(self._called) > MAX_CALLED:
            self._called.popitem(last=False)
        self.update()

    def read(self) -> Iterator[tuple[bytes, str, int, bool]]:
        """A few of the packets that pjsip did not get: data, address, port, whether it is banned."""
        now = time.monotonic()
        for data, host, port in self._socket.read(READ_AT_ONCE):
            yield data, host, port, any(limit.banned(host, now) for limit in self._limits)

    def dropped(self) -> int:
        """How many more the kernel has dropped since the last look."""
        return self._socket.dropped()

    def close(self) -> None:
        self._socket.close()


def _attach(made: socket.socket, program: Sequence[source_filter.Instruction]) -> None:
    code = source_filter.pack(program)
    memory = ctypes.create_string_buffer(code, len(code))
    described = struct.pack("HL", len(program), ctypes.addressof(memory))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, described)
