import io
import struct
import wave
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.audio import g711
from ivr.audio.wav import WavError, decode_channels, decode_wav, encode_wav, wav_header

RAMP = np.array([0, 256, -256, 32512, -32768, 1024], np.int16)


def wav(
    tag: int, bits: int, body: bytes, channels: int = 1, rate: int = 8000, size: int | None = None
) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(body) if size is None else size) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@settings(deadline=None)
@given(st.lists(st.integers(-32768, 32767), max_size=50), st.sampled_from([8000, 16000, 22050, 44100]))
def test_round_trip(samples: list[int], rate: int) -> None:
    x = np.array(samples, np.int16)
    y, got = decode_wav(encode_wav(x, rate))
    assert got == rate and y.dtype == np.int16 and np.array_equal(x, y)
    assert encode_wav(x.tobytes(), rate) == encode_wav(x, rate)


def test_the_standard_library_reads_what_is_written() -> None:
    with wave.open(io.BytesIO(encode_wav(RAMP, 16000))) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate(), w.getnframes()) == (
            1,
            2,
            16000,
            RAMP.size,
        )
        assert w.readframes(99) == RAMP.tobytes()


CODINGS = {
    "8 bits": (1, 8, ((RAMP >> 8) + 128).astype(np.uint8).tobytes()),
    "16 bits": (1, 16, RAMP.tobytes()),
    "24 bits": (1, 24, b"".join(b"\x7f" + struct.pack("<h", int(s)) for s in RAMP)),
    "32 bits": (1, 32, (RAMP.astype(np.int32) << 16).astype("<i4").tobytes()),
    "float": (3, 32, (RAMP / 32768).astype("<f4").tobytes()),
    "double": (3, 64, (RAMP / 32768).astype("<f8").tobytes()),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_codings(coding: str) -> None:
    tag, bits, body = CODINGS[coding]
    y, rate = decode_wav(wav(tag, bits, body, rate=22050))
    assert rate == 22050 and y.tolist() == RAMP.tolist()


@pytest.mark.parametrize(
    ("tag", "encode", "decode"),
    [
        (7, g711.ulaw_encode, g711.ulaw_decode),
        (6, g711.alaw_encode, g711.alaw_decode),
    ],
)
def test_both_laws(tag: int, encode: Callable[[bytes], bytes], decode: Callable[[bytes], bytes]) -> None:
    coded = encode(RAMP.tobytes())
    y, _ = decode_wav(wav(tag, 8, coded))
    assert y.tobytes() == decode(coded)


def test_float_beyond_full_scale_is_limited() -> None:
    y, _ = decode_wav(wav(3, 32, np.array([1.5, -1.5, np.nan], "<f4").tobytes()))
    assert y.tolist() == [32767, -32768, 0]


def test_stereo_is_averaged() -> None:
    y, _ = decode_wav(
        wav(1, 16, np.array([100, 300, -100, -300, 32767, 32767], np.int16).tobytes(), channels=2)
    )
    assert y.tolist() == [200, -200, 32767]


def test_extensible_format_and_foreign_chunks() -> None:
    guid_tail = bytes.fromhex("000000001000800000aa00389b71")
    form = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 8000, 16000, 2, 16, 22, 16, 4, 1) + guid_tail
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # odd length, padded
    chunks += b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", 4) + b"\1\0\2\0"
    y, rate = decode_wav(b"RIFF\0\0\0\0WAVE" + chunks + b"junk")
    assert (y.tolist(), rate) == ([1, 2], 8000)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF - 36])
def test_open_ended_length_of_a_stream(size: int) -> None:
    y, _ = decode_wav(wav(1, 16, RAMP.tobytes() + b"\1", size=size))
    assert y.tolist() == RAMP.tolist()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "not a WAV file"),
        (b"ID3\4" + bytes(100), "not a WAV file"),
        (b"RIFF\0\0\0\0WAVE", "no fmt chunk"),
        (wav(1, 16, b"")[:36], "no data chunk"),
        (wav(1, 16, b"abcd")[:-2], "cut short: 4 bytes of sound announced, 2 are there"),
        (wav(2, 4, b"abcd"), "unknown coding: format tag 2"),
        (wav(1, 16, b"", channels=0), "0 channels"),
        (wav(1, 16, b"", rate=0), "at 0 Hz"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "before the fmt chunk"),
        (b"RIFF\0\0\0\0WAVEfmt \2\0\0\0\1\0", "2 bytes, 16 are needed"),
    ],
)
def test_the_error_says_what_is_wrong(data: bytes, why: str) -> None:
    with pytest.raises(WavError, match=why):
        decode_wav(data)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60), st.integers(0, 80))
def test_garbage_never_raises_anything_else(noise: bytes, at: int) -> None:
    good = bytearray(wav(1, 16, RAMP.tobytes(), channels=2))
    good[at : at + len(noise)] = noise
    try:
        y, rate = decode_wav(bytes(good))
    except WavError:
        return
    assert y.dtype == np.int16 and rate > 0


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="even number of bytes"):
        encode_wav(b"abc", 8000)


def test_channels_are_kept_apart() -> None:
    x = np.array([[1, -2], [3, -4], [32767, -32768]], np.int16)
    data = wav_header(x.nbytes, 8000, 2) + x.tobytes()
    channels, rate = decode_channels(data)
    assert rate == 8000 and (channels == x).all() and channels.dtype == np.int16
    mono, _ = decode_wav(data)
    assert mono.tolist() == [0, 0, 0]  # -0.5, rounded to even
