import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.audio.frames import LINE_FRAME
from ivr.audio.resample import DOUBLE_AFTER, DOUBLE_BEFORE, Resampler, double, resample

RATIOS = [
    (8000, 16000),
    (22050, 8000),
    (24000, 8000),
    (44100, 16000),
    (16000, 8000),
    (8000, 24000),
    (11025, 16000),
]


def tone(hz: float, rate: int, seconds: float = 1.0, amplitude: float = 16000) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


def level_at(y: np.ndarray, hz: float, rate: int) -> float:
    """dB of the spectrum's highest bin near ``hz``."""
    spectrum = np.abs(np.fft.rfft(y * np.blackman(y.size)))
    middle = round(hz * y.size / rate)
    return float(20 * np.log10(spectrum[middle - 4 : middle + 5].max() + 1e-9))


def in_blocks(x: np.ndarray, sizes: list[int], resampler: Resampler) -> np.ndarray:
    parts, at, i = [], 0, 0
    while at < x.size:
        size = sizes[i % len(sizes)]
        parts.append(resampler.process(x[at : at + size]))
        at += size
        i += 1
    parts.append(resampler.flush())
    return np.concatenate(parts)


@pytest.mark.parametrize("hz", [300, 440, 1000, 1800, 2600, 3000, 3200, 3300, 3400])
def test_image_of_the_telephone_band_is_50_db_down(hz: float) -> None:
    """A tone at f of 8 kHz has an image at 8000 - f once doubled; the filter must remove it."""
    y = Resampler(8000, 16000).process(tone(hz, 8000))[1000:-1000]
    assert level_at(y, hz, 16000) - level_at(y, 8000 - hz, 16000) >= 50


@pytest.mark.parametrize("hz", [100, 300, 1000, 2000, 3000, 3400])
def test_the_telephone_band_passes_flat(hz: float) -> None:
    y = resample(tone(hz, 8000), 8000, 16000)[1000:-1000]
    gain = 20 * np.log10(y.astype(float).std() / tone(hz, 8000).astype(float).std())
    assert abs(gain) < 0.1


@pytest.mark.parametrize("rates", RATIOS[1:5])
def test_nothing_folds_back_when_the_rate_is_lowered(rates: tuple[int, int]) -> None:
    src, dst = rates
    for hz in (dst / 2 + 30, dst / 2 * 1.1, min(dst * 0.8, src * 0.45)):
        y = resample(tone(hz, src), src, dst)[500:-500].astype(float)
        assert 20 * np.log10(y.std() / 11314 + 1e-9) < -50
    kept = resample(tone(dst / 2 * 0.8, src), src, dst)[500:-500].astype(float)
    assert abs(20 * np.log10(kept.std() / 11314)) < 0.1


def test_delay_of_the_upsampler_is_short() -> None:
    r = Resampler(8000, 16000)
    assert r.delay / 16000 <= 0.003
    y = r.process(np.concatenate([[20000], np.zeros(99)]).astype(np.int16))
    # The half-band filter's even phase peaks on both sides of the middle, which is the sample itself.
    assert int(np.argmax(y)) == r.delay
    assert y[int(r.delay)] == 20000


@settings(max_examples=60, deadline=None)
@given(
    rates=st.sampled_from(RATIOS),
    sizes=st.lists(st.integers(0, 700), min_size=1, max_size=12).filter(lambda sizes: sum(sizes) > 0),
    length=st.integers(0, 3000),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_split_gives_the_same_bits(
    rates: tuple[int, int], sizes: list[int], length: int, seed: int
) -> None:
    x = np.random.default_rng(seed).integers(-32768, 32767, length, dtype=np.int16, endpoint=True)
    whole = in_blocks(x, [max(length, 1)], Resampler(*rates))
    assert np.array_equal(in_blocks(x, sizes, Resampler(*rates)), whole)


def test_no_click_at_frame_borders() -> None:
    """The largest step of a doubled 1 kHz tone is that of the tone; a click would stand out."""
    y = in_blocks(tone(1000, 8000), [LINE_FRAME], Resampler(8000, 16000))[200:-200].astype(float)
    curvature = np.abs(np.diff(y, 2))
    assert curvature.max() < 16000 * (2 * np.pi * 1000 / 16000) ** 2 * 1.02


@pytest.mark.parametrize("rates", RATIOS)
@pytest.mark.parametrize("n", [0, 1, 7, 160, 22051])
def test_length_and_place_in_time(rates: tuple[int, int], n: int) -> None:
    src, dst = rates
    y = resample(np.zeros(n, np.int16), src, dst)
    assert abs(y.size - n * dst / src) <= 0.5
    assert not y.any()


@pytest.mark.parametrize("rates", RATIOS)
def test_one_shot_is_in_place_in_time(rates: tuple[int, int]) -> None:
    src, dst = rates
    hz = 700
    y = resample(tone(hz, src), src, dst)
    ideal = 16000 * np.sin(2 * np.pi * hz * np.arange(y.size) / dst)
    assert np.abs(y[300:-300] - ideal[300:-300]).max() < 16000 * 0.01


@pytest.mark.parametrize("rates", RATIOS)
def test_a_constant_stays_that_constant(rates: tuple[int, int]) -> None:
    y = Resampler(*rates).process(np.full(3000, 12345, np.int16))
    assert set(y[200:].tolist()) == {12345}


def test_full_scale_is_limited_and_does_not_wrap() -> None:
    square = np.where(np.arange(8000) // 8 % 2, 32767, -32768).astype(np.int16)
    y = Resampler(8000, 16000).process(square)
    assert y.max() == 32767 and y.min() == -32768
    inside = np.repeat(square, 2)[: y.size - 27]
    late = y[27:]
    middle = np.arange(late.size) % 16 == 8
    assert (np.sign(late[middle][20:].astype(int)) == np.sign(inside[middle][20:].astype(int))).all()


def test_same_rate_is_a_copy() -> None:
    r = Resampler(16000, 16000)
    x = np.arange(10, dtype=np.int16)
    y = r.process(x)
    assert r.delay == 0 and np.array_equal(x, y) and y is not x
    assert r.flush().size == 0


def test_reset_and_flush_begin_a_new_stream() -> None:
    x = tone(500, 22050, 0.1)
    r = Resampler(22050, 8000)
    first = np.concatenate([r.process(x), r.flush()])
    second = np.concatenate([r.process(x), r.flush()])
    r.process(x)
    r.reset()
    third = np.concatenate([r.process(x), r.flush()])
    assert np.array_equal(first, second) and np.array_equal(first, third)
    assert first.size == 800 + r.delay


@pytest.mark.parametrize("rates", [(0, 8000), (8000, -1)])
def test_rates_must_be_positive(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Resampler(*rates)


@given(st.integers(1, 5), st.integers(0, 300), st.integers(0, 2**32 - 1))
def test_many_streams_are_doubled_as_one_is(streams: int, n: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(-32768, 32768, (streams, DOUBLE_BEFORE + n + DOUBLE_AFTER))
    x = x.astype(np.int16)
    doubled = double(x)
    assert doubled.shape == (streams, 2 * n) and doubled.dtype == np.int16
    for row, got in zip(x, doubled, strict=True):
        resampler = Resampler(8000, 16000)
        alone = resampler.process(row)[int(resampler.delay) :][2 * DOUBLE_BEFORE :]
        assert np.array_equal(got, alone[: 2 * n])
