"""Tones: their pitch, length and level, and that they begin and end without a click."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from ivr.audio.level import peak_dbfs
from ivr.audio.tones import beep, ringing, waiting


@pytest.mark.parametrize(
    ("tone", "hertz", "seconds", "of", "dbfs"),
    [(beep, 1000, 0.35, 0.35, -15), (ringing, 425, 1.0, 5.0, -20), (waiting, 440, 0.3, 8.0, -32)],
)
def test_pitch_length_and_level(
    tone: Callable[[], bytes], hertz: float, seconds: float, of: float, dbfs: float
) -> None:
    sound = np.frombuffer(tone(), np.int16)
    assert len(sound) == of * 8000
    loud = sound[: int(seconds * 8000)]
    assert not sound[len(loud) :].any()
    spectrum = np.abs(np.fft.rfft(loud))
    assert abs(np.argmax(spectrum) * 8000 / len(loud) - hertz) < 2
    assert abs(peak_dbfs(loud) - dbfs) < 0.2
    steps = [abs(int(b) - int(a)) for a, b in itertools.pairwise(loud)]
    assert loud[0] == 0 and abs(int(loud[-1])) < max(steps)
    assert max(steps[:10] + steps[-10:]) < max(steps) / 2
