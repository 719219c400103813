"""Frame bytes between C++ and Python without a loop per byte.

SWIG walks a ``std::vector<unsigned char>`` element by element (about 160 µs a frame). A vector begins
with its begin and end pointers, so the bytes are copied through those. Builds of PJSUA2 that offer
``copy_to_bytearray`` and ``assign_from_bytes`` are served by these; this file is the one place that
decides, once, by trying.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

_Ends = ctypes.c_void_p * 2
_PROBE = bytes(range(256))


def _read_by_pointer(vector: Any) -> bytes:
    begin, end = _Ends.from_address(int(vector.this))
    return ctypes.string_at(begin, end - begin) if begin and end else b""


def _read_by_copy(vector: Any) -> bytes:
    out = bytearray(vector.size())
    vector.copy_to_bytearray(out)
    return bytes(out)


def _read_slowly(vector: Any) -> bytes:
    return bytes(vector)


def _write_by_pointer(vector: Any, pcm: bytes) -> None:
    begin, end = _Ends.from_address(int(vector.this))
    if not begin or not end or end - begin != len(pcm):
        vector.assign(len(pcm), 0)
        begin, _ = _Ends.from_address(int(vector.this))
    if begin:
        ctypes.memmove(begin, pcm, len(pcm))


def _write_by_assign(vector: Any, pcm: bytes) -> None:
    vector.assign_from_bytes(pcm)


def _write_slowly(vector: Any, pcm: bytes) -> None:
    vector.clear()
    for byte in pcm:
        vector.append(byte)


def _choose() -> tuple[str, Callable[[Any], bytes], Callable[[Any, bytes], None]]:
    ways: list[tuple[str, Callable[[Any], bytes], Callable[[Any, bytes], None]]] = []
    if hasattr(pj.ByteVector, "copy_to_bytearray") and hasattr(pj.ByteVector, "assign_from_bytes"):
        ways.append(("copy", _read_by_copy, _write_by_assign))
    ways.append(("pointer", _read_by_pointer, _write_by_pointer))
    for name, read, write in ways:
        vector = pj.ByteVector(_PROBE)
        try:
            if read(vector) != _PROBE:
                continue
            write(vector, _PROBE[::-1])
            if bytes(vector) == _PROBE[::-1]:
                return name, read, write
        except (TypeError, ValueError, NotImplementedError):
            continue
    return "slow", _read_slowly, _write_slowly


way, read_vector, write_vector = _choose()
"""How frames are copied on this build (``copy``, ``pointer`` or ``slow``), and the two functions."""
