"""Ports for tests. Each process of the suite (each worker of pytest-xdist) has a range of its own, so that a
port which is free now is still free when the program that is given it binds it.
"""

import contextlib
import itertools
import os
import random
import socket
from collections.abc import Iterator

FIRST, SIZE, RANGES = 10_000, 2_800, 8
"""The ranges end below 32768, where Linux begins to hand out ports of its own choice."""
_LISTENING, _MEDIA, _BLOCK, _TOGETHER = 800, 800, 100, 4

_worker = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_start = FIRST + SIZE * (_worker % RANGES)


def _around(first: int, count: int, step: int) -> Iterator[int]:
    """Every ``step``-th port of a range again and again, from anywhere in it: another run of the suite on
    the same machine most likely begins elsewhere.
    """
    ports = range(first, first + count, step)
    return itertools.islice(itertools.cycle(ports), random.randrange(len(ports)), None)


_listening = _around(_start, _LISTENING, _TOGETHER)
_media = _around(_start + _LISTENING, _MEDIA, 2)
_blocks = _around(_start + _LISTENING + _MEDIA, SIZE - _LISTENING - _MEDIA, _BLOCK)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that is free for UDP and TCP, as are the three above it (further workers of a service, TLS)."""
    return next(port for port in _listening if all(_free(host, port + n) for n in range(_TOGETHER)))


def media_port() -> int:
    """An even port for a caller's RTP. It may be taken: bind it, or ask for another."""
    return next(_media)


def rtp_ports(count: int = _BLOCK) -> str:
    """A range for the RTP of one program, ``"FIRST-LAST"``: no other program of the suite has it now."""
    assert count <= _BLOCK
    first = next(_blocks)
    return f"{first}-{first + count - 1}"


def _free(host: str, port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        socket.socket() as tcp,
    ):
        udp.bind((host, port))
        tcp.bind((host, port))
        return True
    return False
