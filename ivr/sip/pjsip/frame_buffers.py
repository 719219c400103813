"""Frame bytes between C++ and Python: without a loop per byte, and without giving up the GIL on the way.

SWIG walks a ``std::vector<unsigned char>`` element by element (about 160 µs a frame), and each of its
calls, an attribute's too, releases the GIL: on the clock thread that means to wait for it again while
others compute. So a ``pj.MediaFrame`` is read in place: ``type`` (int), ``buf`` (a vector, which begins
with its begin and end pointers) and ``size``, at offsets that are tried once, here, before they are
trusted. A requested frame arrives with an empty vector: it is given memory of C++'s own operator new, as
the vector would have taken, and frees it itself. Builds where this does not hold are served
slowly. Builds with ports in C need none of it (``media.py`` decides).
"""

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

import pjsua2 as pj

_Ends = ctypes.c_void_p * 2
_Vector = ctypes.c_void_p * 3
"""Begin, end, end of the memory."""
_BUF = 8
"""Offset of ``buf`` in a MediaFrame, after the enum ``type``."""
_PROBE = bytes(range(256))


class Way(NamedTuple):
    """One way to copy frames."""

    name: str
    read: Callable[[Any], bytes]
    """The bytes of a frame that was received; empty when there are none."""
    write: Callable[[Any, Any, bytes], None]
    """Make a requested frame audio with these bytes, by way of a ByteVector that is kept."""


def _read_in_place(frame: Any) -> bytes:
    begin, end = _Ends.from_address(int(frame.this) + _BUF)
    return ctypes.string_at(begin, end - begin) if begin and end else b""


def _write_in_place(frame: Any, vector: Any, pcm: bytes) -> None:
    size, at = len(pcm), int(frame.this)
    buf = _Vector.from_address(at + _BUF)
    if buf[0] or not size:
        frame.buf = pj.ByteVector(pcm)
    else:
        memory = _operator_new(size)
        (ctypes.c_char * size).from_address(memory).raw = pcm
        buf[0], buf[1], buf[2] = memory, memory + size, memory + size
    ctypes.c_int.from_address(at).value = pj.PJMEDIA_FRAME_TYPE_AUDIO


def _find_operator_new() -> Callable[[int], int] | None:
    """``operator new(size_t)``, called with the GIL held; None where the C++ library is another."""
    try:
        found = ctypes.PyDLL("libstdc++.so.6")._Znwm
    except (OSError, AttributeError):
        return None
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_void_p
    return found


def _no_memory(size: int) -> int:
    raise TypeError("this build's C++ library is not libstdc++")


_operator_new = _find_operator_new() or _no_memory


def _read_slowly(frame: Any) -> bytes:
    return bytes(frame.buf)


def _write_slowly(frame: Any, vector: Any, pcm: bytes) -> None:
    vector.clear()
    for byte in pcm:
        vector.append(byte)
    frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
    frame.buf = vector


IN_PLACE = Way("in place", _read_in_place, _write_in_place)
SLOW = Way("slow", _read_slowly, _write_slowly)


def works(way: Way) -> bool:
    """Try it on this build."""
    frame, empty, vector = pj.MediaFrame(), pj.MediaFrame(), pj.ByteVector()
    frame.type, frame.buf, frame.size = pj.PJMEDIA_FRAME_TYPE_NONE, pj.ByteVector(_PROBE), len(_PROBE)
    if way is IN_PLACE:
        begin, end = _Ends.from_address(int(frame.this) + _BUF)
        kind = ctypes.c_int.from_address(int(frame.this)).value
        # Nothing is followed that does not look like the vector just put there.
        if not begin or not end or end - begin != len(_PROBE) or kind != pj.PJMEDIA_FRAME_TYPE_NONE:
            return False
    try:
        read = way.read(frame)
        way.write(empty, vector, _PROBE[::-1])
        written = bytes(empty.buf)
    except (AttributeError, TypeError, ValueError):
        return False
    return read == _PROBE and written == _PROBE[::-1] and empty.type == pj.PJMEDIA_FRAME_TYPE_AUDIO


chosen: Way = next(way for way in (IN_PLACE, SLOW) if works(way))
"""The way used with this build."""
