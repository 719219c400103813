import math

import numpy as np
import pytest

from ivr.audio.level import peak_dbfs, rms_dbfs


def test_full_scale_square_wave_is_zero_db() -> None:
    square = np.tile(np.array([-32768, 32767], np.int16), 100)
    assert rms_dbfs(square) == pytest.approx(0.0, abs=0.001)
    assert peak_dbfs(square) == 0.0


def test_a_full_sine_is_three_db_below_its_peak() -> None:
    sine = (32767 * np.sin(2 * np.pi * np.arange(8000) / 80)).astype(np.int16)
    assert rms_dbfs(sine) == pytest.approx(-3.01, abs=0.01)
    assert peak_dbfs(sine) == pytest.approx(0.0, abs=0.01)


def test_bytes_and_arrays_are_the_same() -> None:
    x = np.array([100, -200, 300], np.int16)
    assert rms_dbfs(x.tobytes()) == rms_dbfs(x)
    assert peak_dbfs(x.tobytes()) == peak_dbfs(x) == pytest.approx(20 * math.log10(300 / 32768))


@pytest.mark.parametrize("nothing", [b"", bytes(320)])
def test_silence_is_infinitely_quiet(nothing: bytes) -> None:
    assert rms_dbfs(nothing) == -math.inf
    assert peak_dbfs(nothing) == -math.inf
