"""Streaming sample-rate conversion of PCM16 mono by polyphase FIR filters, in numpy.

Every filter's taps are whole numbers (2**20 is one) and are summed in float64. All partial sums are
then integers below 2**53 and exact, so neither the order of the sums nor the way the input is cut
into blocks can change one bit of the output.

Design of the filters: Kaiser-windowed sinc (Kaiser and Schafer, "On the use of the I0-sinh window
for spectrum analysis", 1980), see ``_kaiser_sinc``.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Pcm16 = npt.NDArray[np.int16]
_F64 = npt.NDArray[np.float64]

_ONE = 1 << 20

HALF_BAND_SIDE = 27
"""Taps on each side of the half-band filter's middle; odd, so that every second tap is zero. It is the
delay too, in samples of the output: 1.7 ms at 16 kHz."""
HALF_BAND_DB = 65.0
"""Attenuation that the window is designed for. Pass band to 0.425 of the input rate (3.4 kHz of 8), its image
stopped."""

GENERAL_SIDE = 28
"""Delay of the general filter in periods of the slower rate, and half of the filter's length."""
GENERAL_DB = 68.0
"""Attenuation that the window is designed for, from the slower rate's Nyquist frequency on; pass band to 0.85
of it."""
GENERAL_CUTOFF = 0.925

_BLOCK = 4096
"""Outputs computed at a time in the general path, which bounds its working memory."""


class Resampler:
    """Converts a stream from ``src_rate`` to ``dst_rate`` Hz.

    Outputs come as early as their last input sample allows, so ``process`` of n samples gives about
    ``n * dst_rate / src_rate`` of them. The sound is ``delay`` output samples late; nothing is
    skipped at the start. Not thread-safe. Raises ValueError for rates that are not positive.
    """

    def __init__(self, src_rate: int, dst_rate: int) -> None:
        if src_rate <= 0 or dst_rate <= 0:
            raise ValueError(f"sample rates must be positive, got {src_rate} and {dst_rate}")
        self.src_rate = src_rate
        self.dst_rate = dst_rate
        common = math.gcd(src_rate, dst_rate)
        self._up = dst_rate // common
        self._down = src_rate // common
        self.delay: float
        """Group delay in samples at ``dst_rate``; a whole number for every ratio."""
        if self._up == self._down:
            self.delay = 0.0
            self._history = 0
        elif (self._up, self._down) == (2, 1):
            self._taps = _half_band()
            self.delay = float(HALF_BAND_SIDE)
            self._history = self._taps.size - 1
        else:
            self._phases, delay = _polyphase(self._up, self._down)
            self.delay = float(delay)
            self._history = self._phases.shape[1] - 1
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next sample is the first of a new stream."""
        self._past = np.zeros(self._history, np.float64)
        self._taken = 0
        self._given = 0

    def process(self, x: Pcm16) -> Pcm16:
        """Convert the next samples, an int16 array of shape (n,), n >= 0."""
        self._taken += x.size
        if self._up == self._down:
            self._given += x.size
            return x.copy()
        joined = np.empty(self._history + x.size)
        joined[: self._history] = self._past
        joined[self._history :] = x
        if x.size:
            self._past = joined[x.size :].copy()  # a view would keep the whole block alive
        y = self._double(joined) if (self._up, self._down) == (2, 1) else self._convert(joined)
        self._given += y.size
        return y

    def flush(self) -> Pcm16:
        """The sound still inside the filter, up to ``delay`` after the last sample; then ``reset``."""
        total = _scaled(self._taken, self._up, self._down) + int(self.delay)
        parts = []
        while (missing := total - self._given) > 0:
            zeros = -(-missing * self._down // self._up)
            parts.append(self.process(np.zeros(zeros, np.int16))[:missing])
        self.reset()
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _double(self, joined: _F64) -> Pcm16:
        """Two outputs a sample: one from the filter, the other an input sample as it came."""
        n = joined.size - self._history
        if n == 0:
            return np.zeros(0, np.int16)
        y = np.empty(2 * n, np.int16)
        y[0::2] = _to_pcm16(np.convolve(joined, self._taps, "valid"))
        middle = self._history - HALF_BAND_SIDE // 2
        y[1::2] = joined[middle : middle + n]
        return y

    def _convert(self, joined: _F64) -> Pcm16:
        # Output m is at input m * down / up; it needs that input sample and the history before it.
        start = self._taken - (joined.size - self._history)
        last = -(-self._taken * self._up // self._down)
        if last <= self._given:
            return np.zeros(0, np.int16)
        windows = np.lib.stride_tricks.sliding_window_view(joined, self._history + 1)
        parts = []
        for first in range(self._given, last, _BLOCK):
            at = np.arange(first, min(first + _BLOCK, last), dtype=np.int64) * self._down
            rows = windows[at // self._up - start]
            parts.append(_to_pcm16(np.einsum("ij,ij->i", rows, self._phases[at % self._up])))
        return np.concatenate(parts)


def resample(x: Pcm16, src_rate: int, dst_rate: int) -> Pcm16:
    """The whole of ``x`` (int16, shape (n,)) at another rate.

    In place in time (the filter's delay is taken out), ``round(n * dst_rate / src_rate)`` samples.
    """
    resampler = Resampler(src_rate, dst_rate)
    y = np.concatenate([resampler.process(x), resampler.flush()])
    length = _scaled(x.size, dst_rate, src_rate)
    return y[int(resampler.delay) :][:length]


DOUBLE_BEFORE = HALF_BAND_SIDE // 2
DOUBLE_AFTER = HALF_BAND_SIDE // 2 + 1
"""Input samples that ``double`` needs before the first and after the last one that it doubles."""


def double(x: Pcm16) -> Pcm16:
    """Twice the sample rate for many streams at once, in place in time.

    ``x``: int16 (streams, DOUBLE_BEFORE + n + DOUBLE_AFTER). Gives int16 (streams, 2 * n), to the bit what a
    ``Resampler`` from 8 to 16 kHz gives once its delay is taken out: in both the sums are exact.
    """
    taps = _half_band()
    n = x.shape[1] - taps.size + 1
    wide = x.astype(np.float64)
    acc = np.zeros((x.shape[0], n))
    for k in range(taps.size // 2):  # the filter is symmetric
        acc += taps[k] * (wide[:, k : k + n] + wide[:, taps.size - 1 - k : taps.size - 1 - k + n])
    y = np.empty((x.shape[0], 2 * n), np.int16)
    y[:, 0::2] = x[:, DOUBLE_BEFORE : DOUBLE_BEFORE + n]
    y[:, 1::2] = _to_pcm16(acc)
    return y


def _scaled(n: int, up: int, down: int) -> int:
    """``n * up / down`` rounded to the nearest, a half upwards."""
    return (2 * n * up + down) // (2 * down)


def _to_pcm16(acc: _F64) -> Pcm16:
    acc *= 1 / _ONE  # a power of two: exact
    np.rint(acc, out=acc)
    np.maximum(acc, -32768, out=acc)
    np.minimum(acc, 32767, out=acc)
    return acc.astype(np.int16)


def _kaiser_sinc(side: int, cutoff: float, stop_db: float) -> _F64:
    """A low-pass of ``2 * side + 1`` taps whose sum is near 1; ``cutoff`` (-6 dB) in cycles per sample."""
    n = np.arange(-side, side + 1)
    window = np.kaiser(2 * side + 1, 0.1102 * (stop_db - 8.7))
    taps: _F64 = 2 * cutoff * np.sinc(2 * cutoff * n) * window
    return taps


def _whole_taps(taps: _F64) -> _F64:
    """``taps`` in whole numbers that sum to exactly one, so that a constant stays the same constant."""
    whole: _F64 = np.rint(taps / taps.sum() * _ONE)
    whole[np.argmax(np.abs(whole))] += _ONE - whole.sum()
    return whole


@lru_cache(maxsize=1)
def _half_band() -> _F64:
    """The taps between input samples, shape (HALF_BAND_SIDE + 1,); the other phase is the sample itself."""
    taps = _whole_taps(_kaiser_sinc(HALF_BAND_SIDE, 0.25, HALF_BAND_DB)[0::2])
    taps.setflags(write=False)
    return taps


@lru_cache(maxsize=16)
def _polyphase(up: int, down: int) -> tuple[_F64, int]:
    """Taps of each phase, shape (up, taps of one phase), oldest sample first; and the delay in outputs."""
    slow = max(up, down)
    delay = -(-GENERAL_SIDE * slow // down)
    side = delay * down  # a multiple of ``down``, which makes the delay a whole number of outputs
    prototype = _kaiser_sinc(side, GENERAL_CUTOFF / (2 * slow), GENERAL_DB)
    per_phase = -(-prototype.size // up)
    padded = np.zeros(per_phase * up)
    padded[: prototype.size] = prototype
    phases = np.array([_whole_taps(padded[p::up])[::-1] for p in range(up)])
    phases.setflags(write=False)
    return phases, delay
