"""The log-mel spectrogram that Whisper's encoder takes, and the models built on that encoder.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), section 2.2, as the
published models compute it: frames of 400 samples every 160, a periodic Hann window, the mel scale and
the area-normalised triangles of Slaney's Auditory Toolbox (1998), log10, 8 decades of range.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

RATE = 16_000
"""Hz of the sound."""
HOP = 160
"""Samples from one column to the next (10 ms)."""
FRAME = 400
"""Samples that one column looks at (25 ms), its middle on the column's time."""
BANDS = 80
FLOOR = 1e-10
"""Power below which a band counts as silence."""
RANGE = 8.0
"""Decades below the loudest band at which everything is cut off."""

_LINEAR_HZ = 200 / 3
"""Hz of one mel below 1 kHz; above it 27 mels are a factor of 6.4 (Slaney)."""
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27

_F32 = npt.NDArray[np.float32]
_F64 = npt.NDArray[np.float64]


def standardise(sound: _F32) -> _F32:
    """The sound with mean 0 and variance 1; silence stays silence.

    What Hugging Face's ``WhisperFeatureExtractor`` does under ``do_normalize``: the loudness of the line
    no longer matters.
    """
    scaled: _F32 = (sound - sound.mean()) / np.sqrt(sound.var() + np.float32(1e-7))
    return scaled


def log_mel(sound: _F32) -> _F32:
    """Sound of shape (n,) at 16 kHz to float32 of shape (BANDS, n // HOP), 10 ms a column.

    The sound is mirrored at both ends, so its first column is centred on its first sample; a last column that
    would be centred on the end is left out, as Whisper does. ``n`` must be more than ``FRAME / 2``.
    """
    side = FRAME // 2
    if sound.ndim != 1 or sound.size <= side:
        raise ValueError(f"needs one row of more than {side} samples, got shape {sound.shape}")
    # In float64, as the reference: it costs a millisecond for 8 s and leaves nothing to explain.
    padded = np.pad(sound.astype(np.float64), side, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[: sound.size - HOP + 1 : HOP]
    spectrum = np.fft.rfft(frames * _window(), axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    bands = np.log10(np.maximum(_triangles() @ power.T, FLOOR))
    np.maximum(bands, bands.max() - RANGE, out=bands)
    return ((bands + 4.0) / 4.0).astype(np.float32)


@lru_cache(maxsize=1)
def _window() -> _F64:
    window: _F64 = np.hanning(FRAME + 1)[:-1]
    window.setflags(write=False)
    return window


@lru_cache(maxsize=1)
def _triangles() -> _F64:
    """Weights of the spectrum's lines in each band, shape (BANDS, FRAME // 2 + 1), from 0 to 8 kHz."""
    lines = np.arange(FRAME // 2 + 1) * (RATE / FRAME)
    corners = _hz(np.linspace(0.0, _mel(RATE / 2), BANDS + 2))
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (lines - left) / (middle - left), (right - lines) / (right - middle)
    weights: _F64 = np.maximum(0.0, np.minimum(rising, falling)) * (2 / (right - left))
    weights.setflags(write=False)
    return weights


def _mel(hz: float) -> float:
    """Convert a frequency above the knee to mel."""
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _hz(mel: _F64) -> _F64:
    above = _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, above)
