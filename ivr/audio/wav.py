"""WAV files in memory (RIFF; "Multimedia Programming Interface and Data Specifications 1.0", 1991).

The standard library's ``wave`` reads neither float nor G.711, and refuses the open-ended lengths
that speech services send while they are still speaking; so the chunks are read here.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ivr.audio import g711
from ivr.errors import IvrError

Pcm16 = npt.NDArray[np.int16]
_F64 = npt.NDArray[np.float64]

_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
OPEN_ENDED = 0x7FFF_0000
"""A length from here on was written by someone who could not know it (a pipe, a stream)."""


class WavError(IvrError, ValueError):
    """The bytes are not a WAV file this module reads; the text says why."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """What a WAV file's ``fmt`` chunk says."""

    tag: int
    channels: int
    rate: int
    block: int
    bits: int


def decode_wav(data: bytes) -> tuple[Pcm16, int]:
    """A WAV file as (int16 mono of shape (n,), sample rate in Hz).

    Reads what ``decode_channels`` reads; several channels are averaged. Raises WavError.
    """
    x, form = _decode(data)
    return _pcm16_of(_mono(x, form.channels)), form.rate


def decode_channels(data: bytes) -> tuple[Pcm16, int]:
    """A WAV file as (int16 of shape (n, channels), sample rate in Hz).

    Reads PCM of 8, 16, 24 and 32 bits, float of 32 and 64, mu-law and A-law. Raises WavError.
    """
    x, form = _decode(data)
    return _pcm16_of(x.reshape(-1, form.channels)), form.rate


def _decode(data: bytes) -> tuple[_F64 | Pcm16, "WavFormat"]:
    """The samples in the order of the file, channel after channel."""
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise WavError("not a WAV file: it does not begin with RIFF....WAVE")
    form: WavFormat | None = None
    at = 12
    while at + 8 <= len(data):
        name = data[at : at + 4]
        (size,) = struct.unpack_from("<I", data, at + 4)
        at += 8
        if name == b"fmt ":
            form = parse_format(data[at : at + size])
        elif name == b"data":
            if form is None:
                raise WavError("the data chunk comes before the fmt chunk")
            if size == 0:
                size = OPEN_ENDED  # nobody could write it: the file was a stream
            if at + size > len(data) and size < OPEN_ENDED:
                raise WavError(f"cut short: {size} bytes of sound announced, {len(data) - at} are there")
            return _samples(data[at : at + size], form), form
        at += size + size % 2  # chunks are padded to even lengths
    raise WavError("no data chunk" if form is not None else "no fmt chunk")


def decode_samples(body: bytes, form: WavFormat) -> Pcm16:
    """Return the whole samples of ``body``, mono as ``decode_wav`` makes it."""
    return _pcm16_of(_mono(_samples(body, form), form.channels))


def encode_wav(pcm: Pcm16 | bytes, rate: int) -> bytes:
    """PCM16 mono as a WAV file. Raises ValueError on half a sample."""
    body = pcm if isinstance(pcm, bytes) else np.ascontiguousarray(pcm, dtype="<i2").tobytes()
    if len(body) % 2:
        raise ValueError(f"PCM16 needs an even number of bytes, got {len(body)}")
    return wav_header(len(body), rate) + body


def wav_header(body: int, rate: int, channels: int = 1) -> bytes:
    """Return the header (44 bytes) of a file with ``body`` bytes of PCM16."""
    head = struct.pack("<4sI4s", b"RIFF", 36 + body, b"WAVE")
    block = 2 * channels
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, _PCM, channels, rate, rate * block, block, 16)
    return head + form + struct.pack("<4sI", b"data", body)


def parse_format(chunk: bytes) -> WavFormat:
    """Read a ``fmt`` chunk, of the forms PCM, float, mu-law, A-law, and EXTENSIBLE. Raises WavError."""
    if len(chunk) < 16:
        raise WavError(f"the fmt chunk has {len(chunk)} bytes, 16 are needed")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE:
        if len(chunk) < 26:
            raise WavError("the extensible fmt chunk is cut short")
        (tag,) = struct.unpack_from("<H", chunk, 24)
    if not channels or not rate:
        raise WavError(f"{channels} channels at {rate} Hz make no sound")
    if tag in (_ALAW, _ULAW):
        bits = 8
    if (tag, bits) not in _READERS:
        raise WavError(
            f"unknown coding: format tag {tag}, {bits} bits (PCM, float, mu-law and A-law are read)"
        )
    if block != channels * bits // 8:
        raise WavError(f"a block of {block} bytes does not hold {channels} channels of {bits} bits")
    return WavFormat(tag, channels, rate, block, bits)


def _samples(body: bytes, form: WavFormat) -> _F64 | Pcm16:
    whole = len(body) - len(body) % form.block
    return _READERS[form.tag, form.bits](body[:whole])


def _pcm8(body: bytes) -> Pcm16:
    return (np.frombuffer(body, np.uint8).astype(np.int16) - 128) << 8


def _pcm16(body: bytes) -> Pcm16:
    return np.frombuffer(body, "<i2").astype(np.int16)


def _pcm24(body: bytes) -> Pcm16:
    triples = np.frombuffer(body, np.uint8).reshape(-1, 3)
    return triples[:, 1:].copy().view("<i2").reshape(-1).astype(np.int16)


def _pcm32(body: bytes) -> Pcm16:
    return (np.frombuffer(body, "<i4") >> 16).astype(np.int16)


def _float32(body: bytes) -> _F64:
    return np.nan_to_num(np.frombuffer(body, "<f4").astype(np.float64)) * 32768


def _float64(body: bytes) -> _F64:
    return np.nan_to_num(np.frombuffer(body, "<f8").astype(np.float64)) * 32768


def _alaw(body: bytes) -> Pcm16:
    return np.frombuffer(g711.alaw_decode(body), np.int16)


def _ulaw(body: bytes) -> Pcm16:
    return np.frombuffer(g711.ulaw_decode(body), np.int16)


_READERS: dict[tuple[int, int], Callable[[bytes], _F64 | Pcm16]] = {
    (_PCM, 8): _pcm8,
    (_PCM, 16): _pcm16,
    (_PCM, 24): _pcm24,
    (_PCM, 32): _pcm32,
    (_FLOAT, 32): _float32,
    (_FLOAT, 64): _float64,
    (_ALAW, 8): _alaw,
    (_ULAW, 8): _ulaw,
}


def _mono(x: _F64 | Pcm16, channels: int) -> _F64 | Pcm16:
    return x.reshape(-1, channels).mean(axis=1) if channels > 1 else x


def _pcm16_of(x: _F64 | Pcm16) -> Pcm16:
    if x.dtype != np.int16:
        x = np.clip(np.rint(x), -32768, 32767)
    return x.astype(np.int16)
