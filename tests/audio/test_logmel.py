"""The log-mel spectrogram against an independent one: that of faster-whisper, which feeds Whisper itself."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given
from hypothesis import strategies as st

from ivr.audio.logmel import BANDS, HOP, RATE, log_mel, standardise
from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav

F32 = npt.NDArray[np.float32]


def reference(sound: F32) -> F32:
    features: F32 = FeatureExtractor()(sound, padding=0)
    return features


def noise(seconds: float, level: float, seed: int = 0) -> F32:
    samples = np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * level
    return samples.astype(np.float32)


def sweep(seconds: float) -> F32:
    """Every frequency from 20 Hz to 8 kHz in turn: each band is the loudest once."""
    time = np.arange(int(seconds * RATE)) / RATE
    rate = np.log(8000 / 20) / seconds
    return (0.3 * np.sin(2 * np.pi * 20 * (np.exp(rate * time) - 1) / rate)).astype(np.float32)


SOUNDS = {
    "noise": noise(8, 0.1),
    "silence": np.zeros(8 * RATE, np.float32),
    "a sweep": sweep(8),
    "a click in silence": np.eye(1, 8 * RATE, 4 * RATE, dtype=np.float32)[0],
    "noise after silence": np.concatenate([np.zeros(5 * RATE, np.float32), noise(3, 0.02)]),
    "a loud and a faint tone": (
        np.sin(np.arange(RATE) * 0.1) + 1e-4 * np.sin(np.arange(RATE) * 1.9)  # 80 dB apart
    ).astype(np.float32),
    "less than a second, no whole number of frames": noise(0.7777, 0.3),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_it_equals_whispers_features(name: str) -> None:
    ours, theirs = log_mel(SOUNDS[name]), reference(SOUNDS[name])
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape == (BANDS, SOUNDS[name].size // HOP)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)  # theirs is computed in float32


def test_it_equals_whispers_features_on_recorded_speech(sounds: Path) -> None:
    for name in ("vm-options", "conf-invalid", "digits/7", "tt-weasels"):
        pcm, rate = decode_wav((sounds / f"{name}.wav").read_bytes())
        sound = resample(pcm, rate, RATE).astype(np.float32) / 32768
        np.testing.assert_allclose(log_mel(sound), reference(sound), atol=2e-5)


@given(st.integers(201, 3000), st.floats(1e-6, 1.0), st.integers(0, 99))
def test_any_length_and_level(samples: int, level: float, seed: int) -> None:
    sound = noise(samples / RATE + 1e-6, level, seed)[:samples]
    ours = log_mel(sound)
    assert ours.shape == (BANDS, samples // HOP)
    np.testing.assert_allclose(ours, reference(sound), atol=2e-4)


def test_the_same_sound_gives_the_same_bits() -> None:
    assert log_mel(SOUNDS["noise"]).tobytes() == log_mel(SOUNDS["noise"].copy()).tobytes()


def test_a_column_is_centred_on_its_sound() -> None:
    click = log_mel(SOUNDS["a click in silence"]).max(axis=0)
    assert click.argmax() == 4 * RATE // HOP
    assert np.flatnonzero(click > click.min()).tolist() == [399, 400, 401]


def test_loudness_does_not_matter_once_standardised() -> None:
    loud, quiet = noise(8, 0.5), noise(8, 0.5) * np.float32(0.01)
    scaled = standardise(loud)
    assert abs(scaled.mean()) < 1e-4 and scaled.std() == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(log_mel(scaled), log_mel(standardise(quiet)), atol=1e-3)
    assert not standardise(np.zeros(RATE, np.float32)).any()


def test_too_short_a_sound_is_refused() -> None:
    for size in (0, 1, 200):
        with pytest.raises(ValueError, match="more than 200 samples"):
            log_mel(np.zeros(size, np.float32))
    with pytest.raises(ValueError, match="one row"):
        log_mel(np.zeros((2, 400), np.float32))
