"""Host names looked up beside the SIP thread (RFC 3263, 4.2), so a slow name server stops no call.

pjsip calls ``getaddrinfo`` on the thread that serves every call. It is given this resolver instead: an
address goes back at once, a name is looked up on one of a few threads, and the answer is handed over on the
SIP thread.

Crossing threads: ``NameResolver._pool``: SIP thread → lookup threads, bounded by ``MAX_PENDING``; when full
a name counts as not found. The user agent's commands: lookup threads → SIP thread.
"""

import ctypes
import ipaddress
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from ivr.sip.errors import SipError
from ivr.sip.gate.hosts import addresses_of
from ivr.sip.pjsip import native

log: Any = structlog.get_logger("ivr.sip")

LOOKUP_THREADS = 4
MAX_PENDING = 64
"""Names that are looked up at once; further ones fail."""
CACHE_S = 30.0
"""Seconds that an answer, also that there is none, is used again."""
MAX_CACHED = 1000

_UDP, _TCP, _TLS = 1, 2, 3
_DEFAULT_PORTS = {_UDP: 5060, _TCP: 5060, _TLS: 5061}
_RELIABLE, _SECURE = 1, 2
_PJ_ERESOLVE = 70_018
_MAX_ADDRESSES = 8
"""Addresses of a name that are handed over."""
_ROOM = 64
"""Records that our answer has room for: pjsip copies PJSIP_MAX_RESOLVED_ADDRESSES of them, filled or not,
which is 16, with IPv6 32. A copy beyond our memory ended the process now and then."""


class _HostInfo(ctypes.Structure):
    """``pjsip_host_info``."""

    _fields_ = (
        ("flag", ctypes.c_uint),
        ("type", ctypes.c_int),
        ("host", native._String),
        ("port", ctypes.c_int),
    )


class _Address(ctypes.Structure):
    """``pj_sockaddr_in`` in the room of a ``pj_sockaddr``."""

    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint8 * 2),
        ("address", ctypes.c_uint8 * 4),
        ("padding", ctypes.c_uint8 * 20),
    )


_RECORD: tuple[tuple[str, Any], ...] = (
    ("type", ctypes.c_int),
    ("priority", ctypes.c_uint),
    ("weight", ctypes.c_uint),
    ("address", _Address),
    ("length", ctypes.c_int),
)


def _addresses_type(record: tuple[tuple[str, Any], ...]) -> Any:
    """``pjsip_server_addresses`` with records of these fields."""
    entry: Any = type("_Entry", (ctypes.Structure,), {"_fields_": record})
    fields = (("count", ctypes.c_uint), ("entries", entry * _ROOM))
    return type("_Addresses", (ctypes.Structure,), {"_fields_": fields})


_LAYOUTS = (_addresses_type(_RECORD), _addresses_type((("name", native._String), *_RECORD)))
"""A record begins with the queried name from pjproject 2.16 on."""


_Resolve = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(_HostInfo), ctypes.c_void_p, ctypes.c_void_p
)
_Resolved = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class _ExternalResolver(ctypes.Structure):
    """``pjsip_ext_resolver``."""

    _fields_ = (("resolve", _Resolve),)


class NameResolver:
    """Resolves for one pjsip endpoint. To be kept for as long as that lives."""

    def __init__(
        self,
        hand_over: Callable[[Callable[[], None]], object],
        find: Callable[[str], list[str]] = addresses_of,
    ) -> None:
        """``hand_over`` runs a function on the SIP thread. ``find`` gives the addresses; it may block."""
        self._hand_over, self._find = hand_over, find
        self._callback = _Resolve(self._resolve)
        self._external = _ExternalResolver(self._callback)
        self._pool = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="names")
        self._cache: OrderedDict[str, tuple[float, list[str]]] = OrderedDict()
        self._pending: dict[str, list[Callable[[list[str]], None]]] = {}
        """Waiting callers by name; SIP thread only, as the cache."""
        self._stopped = threading.Event()

    def register(self) -> None:
        """Raises SipError."""
        self._layout = _find_layout()
        install = native._lib.pjsip_endpt_set_ext_resolver
        install.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        status = install(native._get_endpoint(), ctypes.byref(self._external))
        if status:
            raise SipError(f"pjsip did not take the name resolver: status {status}")

    def supervise(self) -> None:
        """Nothing: answers come by themselves."""

    def close(self) -> None:
        """Call nobody back any more. A lookup that is under way ends by itself."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _resolve(self, _resolver: int, _pool: int, target: Any, token: int, callback: int) -> None:
        try:
            info = target.contents
            host = info.host.read().decode("ascii", "replace").lower()
            transport = info.type or _transport(info.flag)
            answer = _Resolved(callback)
            port = info.port or _DEFAULT_PORTS.get(transport, 5060)

            def done(addresses: list[str]) -> None:
                if not self._stopped.is_set():
                    _answer(answer, token, self._layout(), addresses, port, transport)

            self._find_addresses(host, done)
        except Exception:
            log.exception("name_not_resolved")
            _Resolved(callback)(_PJ_ERESOLVE, token, None)

    def _find_addresses(self, host: str, done: Callable[[list[str]], None]) -> None:
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            pass
        else:
            done([host])
            return
        known = self._cache.get(host)
        if known is not None and time.monotonic() < known[0]:
            done(known[1])
        elif host in self._pending:
            self._pending[host].append(done)
        elif len(self._pending) >= MAX_PENDING:
            log.warning("name_not_looked_up", name=host, reason="too many names are looked up already")
            done([])
        else:
            self._pending[host] = [done]
            self._pool.submit(self._look_up, host)

    def _look_up(self, host: str) -> None:
        """A lookup thread."""
        began = time.monotonic()
        addresses = self._find(host)
        if not addresses:
            log.warning("name_not_found", name=host, seconds=round(time.monotonic() - began, 1))
        if not self._stopped.is_set():
            self._hand_over(lambda: self._found(host, addresses))

    def _found(self, host: str, addresses: list[str]) -> None:
        self._cache[host] = (time.monotonic() + CACHE_S, addresses)
        self._cache.move_to_end(host)
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        for done in self._pending.pop(host, ()):
            done(addresses)


def _transport(flag: int) -> int:
    return _TLS if flag & _SECURE else _TCP if flag & _RELIABLE else _UDP


def _find_layout() -> Any:
    """The layout of the loaded build, from pjsip's own answer for an address. Raises SipError."""
    found: list[bytes] = []
    # No more than the first record: how many there are differs too.
    size = max(layout.entries.offset + layout.entries.size // _ROOM for layout in _LAYOUTS)
    callback = _Resolved(lambda _status, _token, records: found.append(ctypes.string_at(records or 0, size)))
    pool = native._create_pool(b"ivr-names", 1024, 1024)
    try:
        text = b"127.0.0.1"
        target = _HostInfo(0, _UDP, native._String(text, len(text)), 5060)
        resolve = native._lib.pjsip_endpt_resolve
        resolve.argtypes = [ctypes.c_void_p] * 5
        resolve.restype = None
        resolve(native._get_endpoint(), pool, ctypes.byref(target), None, callback)
    finally:
        native._release_pool(pool)
    for layout in _LAYOUTS:
        whole = found[0].ljust(ctypes.sizeof(layout), b"\0") if found else b""
        entry = layout.from_buffer_copy(whole).entries[0] if found else None
        if entry is not None and bytes(entry.address.address) == socket.inet_aton("127.0.0.1"):
            return layout
    raise SipError("this build of PJSUA2 answers look-ups in a way that is not known")


def _answer(answer: Any, token: int, found: Any, addresses: list[str], port: int, transport: int) -> None:
    if not addresses:
        answer(_PJ_ERESOLVE, token, None)
        return
    found.count = len(addresses[:_MAX_ADDRESSES])
    for index, address in enumerate(addresses[:_MAX_ADDRESSES]):
        entry = found.entries[index]
        entry.type, entry.priority, entry.length = transport, index, 16
        entry.address.family = socket.AF_INET
        entry.address.port[:] = port.to_bytes(2, "big")
        entry.address.address[:] = socket.inet_aton(address)
    answer(0, token, ctypes.addressof(found))
