import numpy as np
import pytest

from ivr.audio import g711

LAWS = {
    "mu-law": (g711.ulaw_encode, g711.ulaw_decode),
    "A-law": (g711.alaw_encode, g711.alaw_decode),
}


@pytest.mark.parametrize("law", LAWS)
def test_every_code_survives_a_round_trip(law: str) -> None:
    encode, decode = LAWS[law]
    codes = bytes(range(256))
    pcm = decode(codes)
    assert len(pcm) == 512
    # Mu-law has two codes for zero; all others must come back as they were.
    assert decode(encode(pcm)) == pcm
    assert sum(a != b for a, b in zip(encode(pcm), codes, strict=True)) <= 1


@pytest.mark.parametrize("law", LAWS)
def test_a_sine_keeps_a_signal_to_noise_ratio_of_35_db(law: str) -> None:
    encode, decode = LAWS[law]
    x = (12000 * np.sin(2 * np.pi * 1004 * np.arange(8000) / 8000)).astype(np.int16)
    y = np.frombuffer(decode(encode(x.tobytes())), np.int16)
    noise = y.astype(float) - x
    assert 10 * np.log10((x.astype(float) ** 2).sum() / (noise**2).sum()) > 35


def test_known_codes() -> None:
    """Silence is 0xFF in mu-law and 0xD5 in A-law (G.711, tables 1 and 2)."""
    assert g711.ulaw_encode(b"\0\0") == b"\xff"
    assert g711.alaw_encode(b"\0\0") == b"\xd5"
    assert np.frombuffer(g711.ulaw_decode(b"\x80\x00"), np.int16).tolist() == [32124, -32124]
    assert np.frombuffer(g711.alaw_decode(b"\xaa\x2a"), np.int16).tolist() == [32256, -32256]


@pytest.mark.parametrize("law", LAWS)
def test_half_a_sample_is_refused(law: str) -> None:
    with pytest.raises(ValueError, match="even number of bytes, got 3"):
        LAWS[law][0](b"abc")
