"""How a line gives back what it was sent: a delay and a short filter, by least squares. Pure.

The bulk delay is where what was heard is most like what was sent: where their cross-correlation, by the
energy of what was sent then, is largest. Around it the taps solve the normal equations of the covariance
method: nothing outside the stretch heard is assumed to be silent.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_RATE, ms_to_samples

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
_Floats = npt.NDArray[Any]
"""Floats of either width: numpy 1 transforms to float64 what numpy 2 leaves float32."""

TAPS = 64
"""Length of the filter (8 ms at 8 kHz): a hybrid's response with the line's filters. ITU-T G.168 tests with
such."""
LONG = 512
"""Length of the filter for a line that a short one does not describe: rooms, second reflections within 64
ms."""
BEFORE_PEAK = 12
"""Taps before the middle of the loudest 2 ms: a band-limited path begins before its peak."""
_MOVE = 640
"""Samples by which a path is looked for earlier and later (80 ms: two frames of 40, four of 20)."""
_PEAK = 16
"""Samples in which the energy of a delay is gathered."""
_RAMP = np.sin(np.linspace(0, np.pi / 2, 42)[1:-1]).astype(np.float32) ** 2
"""Fades out what the end of the stretch cuts off: two edges at the same time look like a delay of zero."""
_CANDIDATES = 4
"""Delays that are tried: a periodic start matches several delays."""
_APART = 160
"""Samples between them (20 ms): they are not periods of one hum."""
_EMPHASIS = np.float32(0.8)
_FAINT = 0.02
"""Share of the loudest stretch's energy that is added to each: avoids spurious matches in near-silence."""
_STEADY = 1e-4
"""Share of its mean that is added to the normal equations' diagonal. What the taps may do where what was
sent has 40 dB less is noise."""

_STEPS = 8
"""Steps of the long filter, each time: they go on where those of the last time ended."""
_BLOCK = 256
_NOISE = (32768 * 10 ** (-45 / 20)) ** 2
"""Energy of a sample of the loudest steady noise (-45 dBFS) that an echo need not explain."""

_i = np.arange(TAPS)
_LAG = np.abs(_i[:, np.newaxis] - _i)
_j = np.arange(TAPS - 1)
_ROW, _DIAGONAL = _j[:, np.newaxis], _j - _j[:, np.newaxis] + TAPS - 2


@dataclass(frozen=True, slots=True, eq=False)
class EchoPath:
    """What comes back: what was sent ``delay`` samples (8 kHz) ago and before, weighted by the taps."""

    delay: int
    taps: F32
    """(TAPS,) or (LONG,)."""

    def echo(self, sent: F32) -> F32:
        """The echo in ``n`` samples, from the ``n + taps.size - 1`` that end ``delay`` before them."""
        return np.convolve(sent, self.taps, "valid")

    def left(self, sent: F32, heard: F32) -> F32:
        """``heard`` without its echo; ``sent`` ends when it does and begins early enough."""
        last = sent.size - self.delay
        return heard - self.echo(sent[last - heard.size - self.taps.size + 1 : last])


class PathFinder:
    """Finds paths with a delay of ``delay_ms`` at most that lose ``loss_db`` at least, in up to ``stretch``
    samples of sound heard.
    """

    def __init__(self, delay_ms: float, loss_db: float, stretch: int) -> None:
        self._gain = 10 ** (-loss_db / 10)
        self.stretch = stretch
        self._delays = ms_to_samples(delay_ms, LINE_RATE)
        self.before = self._delays + LONG
        """Samples of what was sent that are looked at from before the stretch."""
        self._size = _quick_size(self.before + stretch)
        self._long_size = _quick_size(stretch + LONG - 1)

    def delays(self, sent: F32, heard: F32) -> list[int]:
        """Where a path's taps may begin, the likeliest first. ``sent``: (before + n,), ``heard``: (n,) with n
        at most ``stretch``, which end at the same time.
        """
        sent, heard = _emphasised(sent), _emphasised(heard)
        spectrum = np.fft.rfft(sent, self._size) * np.fft.rfft(heard, self._size).conj()
        cross = np.fft.irfft(spectrum, self._size)[self.before - self._delays : self.before + 1]
        squares = np.concatenate(([0.0], np.cumsum(sent.astype(np.float64) ** 2)))
        energy = (squares[heard.size :] - squares[: -heard.size])[
            self.before - self._delays : self.before + 1
        ]
        alike = np.cumsum((cross * cross / (energy + _FAINT * energy.max() + 1.0))[::-1])
        alike[_PEAK:] -= alike[:-_PEAK].copy()
        found = []
        for _ in range(_CANDIDATES):
            peak = int(np.argmax(alike))
            found.append(max(peak - _PEAK // 2 - BEFORE_PEAK, 0))
            alike[max(peak - _APART, 0) : peak + _APART] = 0
        return found

    def shift(self, sent: F32, heard: F32, path: EchoPath) -> EchoPath:
        """``path`` at the delay, some frames earlier or later, at which it explains ``heard`` (n,) best: a
        jitter buffer has put in or left out a frame.
        """
        earliest, latest = max(path.delay - _MOVE, 0), min(path.delay + _MOVE, self._delays)
        first = self.before - latest - path.taps.size + 1
        echo = path.echo(sent[max(first, 0) : self.before - earliest + heard.size])
        cross = np.correlate(echo, heard, "valid")
        squares = np.concatenate(([0.0], np.cumsum(echo.astype(np.float64) ** 2)))
        energy = squares[heard.size :] - squares[: -heard.size]
        gain = 2 * cross - energy
        latest = earliest + gain.size - 1
        return EchoPath(latest - int(np.argmax(gain)), path.taps)

    def fit(self, sent: F32, heard: F32, delay: int) -> tuple[EchoPath, float]:
        """The taps at that delay, and the share of the energy heard (0..1) that they explain."""
        n = heard.size
        first = self.before - delay - TAPS + 1
        x = sent[first : first + n + TAPS - 1]
        cross = np.correlate(x, heard, "valid")[::-1].astype(np.float64)
        moments = np.correlate(x, x[TAPS - 1 :], "valid")[::-1].astype(np.float64)[_LAG]
        # From one tap to the next the stretch of ``sent`` takes one sample in and leaves one out.
        enters, leaves = x[TAPS - 2 :: -1].astype(np.float64), x[: n - 1 : -1].astype(np.float64)
        skewed = np.zeros((TAPS - 1, 2 * TAPS - 3))
        skewed[_ROW, _DIAGONAL] = enters[:, np.newaxis] * enters - leaves[:, np.newaxis] * leaves
        moments[1:, 1:] += np.cumsum(skewed, axis=0)[_ROW, _DIAGONAL]
        loaded = moments.copy()
        loaded[_i, _i] += _STEADY * moments.trace() / TAPS + 1.0
        taps = np.linalg.solve(loaded, cross)
        path = EchoPath(delay, taps.astype(np.float32))
        # What comes back louder than it went is no echo, whatever it explains.
        explained = float(2 * taps @ cross - taps @ moments @ taps)
        if explained > self._gain * float(moments[0, 0]):
            return path, 0.0
        return path, min(max(explained / above_noise(heard), 0.0), 1.0)

    def extend(self, sent: F32, heard: F32, path: EchoPath) -> EchoPath:
        """``path`` with LONG taps, some steps nearer to those that explain the most: conjugate gradients on
        the same normal equations, by transforms (Hestenes and Stiefel, 1952). Few steps leave alone what
        was hardly sent.
        """
        size, n = self._long_size, heard.size
        first = self.before - path.delay - LONG + 1
        x = np.fft.rfft(sent[first : first + n + LONG - 1], size)
        framed = np.zeros(size, np.float32)

        def gradient(left: _Floats) -> _Floats:
            framed[LONG - 1 : LONG - 1 + n] = left
            return np.fft.irfft(x.conj() * np.fft.rfft(framed), size)[:LONG]

        def echo(taps: _Floats) -> _Floats:
            return np.fft.irfft(x * np.fft.rfft(taps, size), size)[LONG - 1 : LONG - 1 + n]

        taps: _Floats = np.zeros(LONG, np.float32)
        taps[: path.taps.size] = path.taps
        left: _Floats = heard - echo(taps)
        step: _Floats = gradient(left)
        slope = step
        steepness = float(slope @ slope)
        for _ in range(_STEPS):
            moved = echo(step)
            far = steepness / (float(moved @ moved) + 1e-9)
            taps = taps + np.float32(far) * step
            left = left - np.float32(far) * moved
            slope = gradient(left)
            steepness, before = float(slope @ slope), steepness
            step = slope + np.float32(steepness / (before + 1e-9)) * step
        return EchoPath(path.delay, taps.astype(np.float32))


def noise_in(heard: F32) -> float:
    """Energy of a sample of the steady noise in ``heard``: as loud as its quietest 32 ms, at most _NOISE."""
    blocks = heard[: heard.size // _BLOCK * _BLOCK].reshape(-1, _BLOCK).astype(np.float64)
    energies: F64 = (blocks * blocks).sum(axis=1)
    return min(float(energies.min()) / _BLOCK, _NOISE)


def above_noise(heard: F32) -> float:
    """Energy of ``heard`` less that of its noise."""
    return max(float(heard @ heard) - noise_in(heard) * heard.size, 1.0)


def _emphasised(x: F32) -> F32:
    """Sound with its spectrum made flatter, as speech coders do it, and its end faded out."""
    y = x.copy()
    y[1:] -= _EMPHASIS * x[:-1]
    y[-_RAMP.size :] *= _RAMP[::-1]
    return y


def _quick_size(n: int) -> int:
    """The least size from ``n`` on whose only prime factors are 2, 3 and 5."""
    while True:
        left = n
        for factor in (2, 3, 5):
            while left % factor == 0:
                left //= factor
        if left == 1:
            return n
        n += 1
