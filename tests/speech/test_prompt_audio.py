"""Level and trimming, measured on made-up sound."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.audio.level import peak_dbfs
from ivr.speech.prompts.audio import (
    LEAD_MS,
    MOST_GAIN_DB,
    PEAK_DBFS,
    TAIL_MS,
    TARGET_DBFS,
    StreamShaper,
    active_dbfs,
    gain_for,
    shape,
    trim,
)

RATE = 8000


def tone(seconds: float, dbfs: float, rate: int = RATE) -> npt.NDArray[np.int16]:
    """A sine with its RMS at ``dbfs``."""
    time = np.arange(int(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * 400 * time) * np.sqrt(2) * 32768 * 10 ** (dbfs / 20)
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def silence(seconds: float, rate: int = RATE) -> npt.NDArray[np.int16]:
    return np.zeros(int(seconds * rate), np.int16)


def test_pauses_do_not_count() -> None:
    assert active_dbfs(tone(1, -26)) == pytest.approx(-26, abs=0.1)
    spoken = np.concatenate([silence(2), tone(1, -26), silence(3)])
    assert active_dbfs(spoken) == pytest.approx(-26, abs=0.1)
    assert active_dbfs(silence(1)) == -np.inf


@pytest.mark.parametrize("before", [-30.0, -26.0, -23.0, -20.0, -14.0])
def test_speech_comes_to_the_target(before: float) -> None:
    line, gain, _ = shape(tone(1, before), RATE)
    assert active_dbfs(line) == pytest.approx(TARGET_DBFS, abs=0.2)
    assert gain == pytest.approx(10 ** ((TARGET_DBFS - before) / 20), rel=0.02)


def test_a_large_correction_of_the_level_is_limited() -> None:
    line, _, _ = shape(tone(1, -38), RATE)
    assert active_dbfs(line) == pytest.approx(-38 + MOST_GAIN_DB, abs=0.3)


def test_a_peak_is_not_clipped() -> None:
    spiky = tone(1, -30)
    spiky[4000] = 20000
    line, gain, _ = shape(spiky, RATE)
    assert peak_dbfs(line) == pytest.approx(PEAK_DBFS, abs=0.1)
    assert gain < 10 ** ((TARGET_DBFS + 30) / 20)


def test_silence_is_not_changed() -> None:
    line, gain, _ = shape(silence(1), RATE)
    assert gain == 1.0
    assert not line.any()
    assert gain_for(line) == 1.0


def test_silence_at_the_ends_is_shortened() -> None:
    speech = tone(0.5, -20)
    kept, trimmed = trim(np.concatenate([silence(0.6), speech, silence(1.0)]))
    assert kept.size == speech.size + (LEAD_MS + TAIL_MS) * RATE // 1000
    assert trimmed == (600 - LEAD_MS) * RATE // 1000
    short = np.concatenate([silence(0.06), speech, silence(0.2)])
    assert np.array_equal(trim(short)[0], short)


@given(
    lead_ms=st.integers(0, 600),
    pieces=st.lists(st.integers(1, 4000), min_size=1, max_size=6),
    rate=st.sampled_from([8000, 22050, 24000]),
)
def test_a_stream_is_trimmed_however_it_is_cut(lead_ms: int, pieces: list[int], rate: int) -> None:
    whole = np.concatenate([silence(lead_ms / 1000, rate), tone(0.3, -26, rate)])
    shaper, parts, at = StreamShaper(rate, 2.0), [], 0
    while at < whole.size:
        size = pieces[len(parts) % len(pieces)] + 200
        parts.append(shaper.process(whole[at : at + size]))
        at += size
    streamed = np.concatenate([*parts, shaper.flush()])
    assert active_dbfs(streamed) == pytest.approx(-20, abs=0.5)
    lead = int(np.flatnonzero(np.abs(streamed) > 300)[0]) * 1000 / RATE
    assert lead == pytest.approx(min(lead_ms, LEAD_MS), abs=22)


def test_a_stream_of_silence_is_given_at_its_end() -> None:
    shaper = StreamShaper(RATE, 2.0)
    assert shaper.process(silence(0.5)).size == 0
    assert shaper.flush().size == 4000
