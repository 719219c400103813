"""What a speech server sends is recognised by its first bytes, in any pieces; noise is never played."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.audio import g711
from ivr.audio.wav import encode_wav
from ivr.speech.providers.openai.answered_sound import AnsweredSound, NotSound, format_of

RATE = 24_000
TONE = (8000 * np.sin(np.arange(2400) / 5)).astype(np.int16)
PCM = TONE.tobytes()
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf60.16.100\0"
GUID = bytes.fromhex("000000001000800000aa00389b71")
EXTENSIBLE = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, RATE, 2 * RATE, 2, 16, 22, 16, 4, 1) + GUID
PLAIN = struct.pack("<HHIIHH", 1, 1, RATE, 2 * RATE, 2, 16)
MP3 = (b"\xff\xfb\x90\x00" + bytes(413)) * 4


def wav(
    form: bytes, body: bytes, *, before: bytes = b"", size: int | None = None, after: bytes = b""
) -> bytes:
    data = struct.pack("<I", len(body) if size is None else size)
    return (
        b"RIFF\xff\xff\xff\xffWAVEfmt "
        + struct.pack("<I", len(form))
        + form
        + before
        + b"data"
        + data
        + body
        + after
    )


def heard(data: bytes, sizes: list[int], kind: str = "audio/pcm") -> bytes:
    sound, made, at, turn = AnsweredSound(RATE, kind), b"", 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        made += sound.take(data[at : at + size])
        at, turn = at + size, turn + 1
    return made + sound.end()


MANY = {
    "raw": PCM,
    "plain": encode_wav(PCM, RATE),
    "LIST before the sound": wav(PLAIN, PCM, before=LIST),
    "LIST after the sound": wav(PLAIN, PCM, after=LIST),
    "EXTENSIBLE": wav(EXTENSIBLE, PCM),
    "length of a stream": wav(PLAIN, PCM, size=0xFFFFFFFF),
    "length 0": wav(PLAIN, PCM, size=0),
    "length of the first piece alone": wav(PLAIN, PCM, size=960),
    "length too long": wav(PLAIN, PCM, size=len(PCM) + 5000),
    "two files one after the other": encode_wav(PCM[:2000], RATE) + encode_wav(PCM[2000:], RATE),
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("sizes", [[1], [7, 1, 300], [10**6]])
def test_pcm_and_every_kind_of_wav_give_the_same_sound(name: str, sizes: list[int]) -> None:
    assert heard(MANY[name], sizes) == PCM


@pytest.mark.parametrize(
    ("tag", "bits", "body"),
    [
        (1, 8, ((TONE >> 8) + 128).astype(np.uint8).tobytes()),
        (3, 32, (TONE / 32768).astype("<f4").tobytes()),
        (7, 8, g711.ulaw_encode(PCM)),
        (6, 8, g711.alaw_encode(PCM)),
    ],
)
def test_other_codings_of_wav_are_decoded(tag: int, bits: int, body: bytes) -> None:
    form = struct.pack("<HHIIHH", tag, 1, RATE, RATE * bits // 8, bits // 8, bits)
    got = np.frombuffer(heard(wav(form, body, size=0), [333], "audio/mpeg"), np.int16)
    assert got.size == TONE.size and np.abs(got.astype(int) - TONE).max() < 400


def test_a_rate_in_the_content_type_is_used() -> None:
    assert abs(len(heard(PCM, [500], "audio/pcm; rate=48000")) - len(PCM) // 2) < 100


NOISE = {
    "MP3": MP3, "Ogg": b"OggS\0\2", "FLAC": b"fLaC\0\0\0\x22", "AIFF": b"FORM\0\0\1\0AIFF",
    "MP4": b"\0\0\0\x20ftypM4A ", "WebM": b"\x1aE\xdf\xa3", "AMR": b"#!AMR\n", "gzip": b"\x1f\x8b\x08\0",
    "AU": b".snd\0\0\0\x18", "RF64": b"RF64",
    "JSON": b'{"detail": "no such voice"}', "HTML": b"<html><body>Bad Gateway</body></html>",
    "text": b"Internal Server Error", "AAC": (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)) * 300,
}  # fmt: skip


@pytest.mark.parametrize("name", NOISE)
@pytest.mark.parametrize("sizes", [[1], [5], [10**6]])
def test_what_is_no_pcm_is_refused_and_nothing_of_it_is_played(name: str, sizes: list[int]) -> None:
    sound, made = AnsweredSound(RATE), b""
    data = NOISE[name] if name in ("JSON", "HTML", "text") else NOISE[name] + bytes(4000)
    with pytest.raises(NotSound, match=name):
        for at in range(0, len(data), sizes[0]):
            made += sound.take(data[at : at + sizes[0]])
        made += sound.end()
    assert made == b""


def test_tagged_mp3_is_refused_too() -> None:
    with pytest.raises(NotSound, match="MP3"):
        heard(b"ID3\4" + bytes(100) + MP3, [50])


def test_silence_and_soft_noise_are_pcm() -> None:
    dice = np.random.default_rng(7)
    for _ in range(300):
        soft = dice.normal(0, 600, 2400).astype(np.int16).tobytes()
        assert format_of(soft[:3000]) == "" and heard(soft, [960]) == soft
    for first in (b"\xff\xff\xff\xff", b"\xff\xfb\x01\x00", b"\xff\xfb\x90\x00", b"\0\0", b"\x01\0"):
        assert heard(first + PCM, [960]) == first + PCM


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_break_it(data: bytes, size: int) -> None:
    for given_ in (data, wav(PLAIN, b"")[: len(data)] + data):
        try:
            assert len(heard(given_, [size])) % 2 == 0
        except NotSound as error:
            assert str(error).isprintable()
