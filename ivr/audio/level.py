"""Measure how loud sound is. 0 dBFS is a square wave at full scale (32768); a full sine is -3 dBFS."""

import math

import numpy as np
import numpy.typing as npt

FULL_SCALE = 32768.0


def rms_dbfs(pcm16: bytes | npt.NDArray[np.int16]) -> float:
    """Root mean square of PCM16 mono in dBFS; ``-inf`` for digital silence and for nothing at all."""
    x = _samples(pcm16).astype(np.float64)
    if x.size == 0:
        return -math.inf
    return _db(math.sqrt(float(x @ x) / x.size))


def peak_dbfs(pcm16: bytes | npt.NDArray[np.int16]) -> float:
    """Largest magnitude of PCM16 mono in dBFS; ``-inf`` for digital silence and for nothing at all."""
    x = _samples(pcm16)
    if x.size == 0:
        return -math.inf
    return _db(float(max(-int(x.min()), int(x.max()))))


def fade_in(pcm16: bytes, samples: int) -> bytes:
    """Return PCM16 mono whose first ``samples`` samples rise linearly from silence."""
    x = np.frombuffer(pcm16, np.int16).copy()
    ramp = np.arange(samples)[: x.size] / max(1, samples)
    x[:samples] = np.rint(x[:samples] * ramp)
    return x.tobytes()


def _samples(pcm16: bytes | npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    return pcm16 if isinstance(pcm16, np.ndarray) else np.frombuffer(pcm16, dtype=np.int16)


def _db(value: float) -> float:
    return 20 * math.log10(value / FULL_SCALE) if value > 0 else -math.inf
