"""A telephone line between a caller and the service. Pure, and the same for the same seed.

Sound is PCM16 mono at 8 kHz in frames of 20 ms. A caller's frame is limited to the telephone band, brought to
a level, joined by the line's noise and by the echo of what the service sent, coded in G.711, and may be lost
on its way. Levels are dBm0: a full-scale sine is +3.17 dBm0 in mu-law, +3.14 in A-law (ITU-T G.711).
"""

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ivr.audio.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

RATE = 8000
FRAME = 160
"""Samples of a packet."""

F64 = npt.NDArray[np.float64]
Pcm16 = npt.NDArray[np.int16]

_FULL_DBM0 = 3.14 + 3.01
"""dBm0 of 0 dBFS, where 0 dBFS is the RMS of a full-scale square wave."""
_BAND_HZ = (300.0, 3400.0)
_TAPS = 129
_PLAYOUT_MS = 60.0
"""How late a packet may be (the jitter buffer): later is lost."""
_BURST = 1.5
"""Packets lost in a row, on average."""
_CONCEAL_MS = 80
"""How long a gap is filled; then it is silence."""


@dataclass(frozen=True)
class Echo:
    """An echo of what the service sends: ``loss_db`` below it, ``delay_ms`` late (at least 20: one frame)."""

    delay_ms: float
    loss_db: float


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One line."""

    level_dbm0: float = -18.0
    """Level of the caller's sound where it is loud."""
    noise_dbm0: float | None = -65.0
    """White noise on the line; None: digital silence between."""
    loss: float = 0.0
    """Share of packets lost, in bursts."""
    jitter_ms: float = 0.0
    """Mean of each packet's delay (exponential); what is more than 60 ms late is lost."""
    conceal: bool = True
    """Lost frames are filled from the sound before them; otherwise they are silence."""
    a_law: bool = False
    echo: Echo | None = None
    seed: int = 0


def dbfs(dbm0: float) -> float:
    """dBm0 as dB below a full-scale square wave."""
    return dbm0 - _FULL_DBM0


def level_dbm0(x: npt.NDArray[np.generic]) -> float:
    """Level of the loud part: RMS of the 20 ms frames within 25 dB of the loudest; -200 for silence."""
    frames = x[: len(x) // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME)
    power = (frames**2).mean(axis=1) if len(frames) else np.zeros(1)
    peak = float(power.max())
    if peak < 1e-6:
        return -200.0
    loud = power[power > peak / 10**2.5]
    return float(10 * np.log10(loud.mean() / 32768**2)) + _FULL_DBM0


def at_level(x: npt.NDArray[np.generic], dbm0: float) -> F64:
    """``x`` brought to that level (``level_dbm0``); not clipped."""
    gain: float = 10 ** ((dbm0 - level_dbm0(x)) / 20)
    return x.astype(np.float64) * gain


def band_limited(x: npt.NDArray[np.generic]) -> F64:
    """300 to 3400 Hz, in place: what is at a sample stays there."""
    return np.convolve(x.astype(np.float64), _band(), "same") if len(x) >= _TAPS else x.astype(np.float64)


@functools.cache
def _band() -> F64:
    n = np.arange(_TAPS) - _TAPS // 2
    low, high = (2 * f / RATE * np.sinc(2 * f / RATE * n) for f in _BAND_HZ)
    taps: F64 = (high - low) * np.hamming(_TAPS)
    return taps


def coded(frame: Pcm16, a_law: bool) -> Pcm16:
    """Code a frame in G.711 and back."""
    raw = frame.tobytes()
    out = alaw_decode(alaw_encode(raw)) if a_law else ulaw_decode(ulaw_encode(raw))
    return np.frombuffer(out, np.int16)


def lost_packets(count: int, condition: Condition) -> npt.NDArray[np.bool_]:
    """Which of ``count`` packets do not arrive in time."""
    dice = np.random.default_rng((condition.seed, 1))
    u = dice.random(count)
    lost = np.zeros(count, bool)
    stay = 1 - 1 / _BURST
    begin = condition.loss * (1 - stay) / max(1e-9, 1 - condition.loss)
    before = False
    for n in range(count):
        before = bool(u[n] < (stay if before else begin)) if condition.loss else False
        lost[n] = before
    if condition.jitter_ms:
        lost |= dice.exponential(condition.jitter_ms, count) > _PLAYOUT_MS
    return lost


class Concealer:
    """Fills lost frames with the last pitch period again and again, fading, as pjmedia does or nearly so."""

    def __init__(self) -> None:
        self._past: F64 = np.zeros(3 * FRAME)
        self._gap = 0

    def received(self, frame: Pcm16) -> Pcm16:
        self._past = np.concatenate((self._past[FRAME:], frame.astype(np.float64)))
        self._gap = 0
        return frame

    def lost(self) -> Pcm16:
        period = self._period()
        cycle = np.resize(self._past[-period:], FRAME)
        faded = np.clip(1 - (self._gap + np.arange(FRAME)) / (_CONCEAL_MS * RATE / 1000), 0, 1)
        # The past stays unfaded, so that the fade is not applied twice.
        self._past = np.concatenate((self._past[FRAME:], cycle))
        self._gap += FRAME
        return (cycle * faded).astype(np.int16)

    def _period(self) -> int:
        """2.5 to 15 ms, by autocorrelation of the last 20 ms."""
        tail = self._past[-FRAME:]
        lags = range(20, 121)
        scores = [float(tail @ self._past[-FRAME - lag : -lag]) for lag in lags]
        return lags[int(np.argmax(scores))]


class TelephoneLine:
    """One call's line, frame by frame."""

    def __init__(self, condition: Condition, frames: int) -> None:
        """``frames``: how many will come."""
        self.condition = condition
        self._lost = lost_packets(frames, condition)
        self._dice = np.random.default_rng((condition.seed, 2))
        self._concealer = Concealer()
        self._n = 0
        self._delay = 0
        if condition.echo is not None:
            if condition.echo.delay_ms < 20:
                raise ValueError(f"an echo is at least 20 ms late, got {condition.echo.delay_ms:g}")
            self._delay = round(condition.echo.delay_ms * RATE / 1000)
            self._path = echo_path(condition.echo.loss_db, condition.seed)
            self._far: F64 = np.zeros(self._delay + FRAME + len(self._path))

    def hear(self, near: F64, sent: Pcm16) -> Pcm16:
        """What arrives when the caller's frame is ``near`` (band-limited, at its level) and ``sent`` is the
        frame that the service sent one frame earlier.
        """
        c = self.condition
        x = near
        if c.noise_dbm0 is not None:
            x = x + self._dice.standard_normal(FRAME) * (32768 * 10 ** (dbfs(c.noise_dbm0) / 20))
        if c.echo is not None:
            x = x + self._echo(coded(sent, c.a_law))
        frame = coded(np.clip(np.rint(x), -32768, 32767).astype(np.int16), c.a_law)
        lost = self._n < len(self._lost) and bool(self._lost[self._n])
        self._n += 1
        if not lost:
            return self._concealer.received(frame)
        return self._concealer.lost() if c.conceal else np.zeros(FRAME, np.int16)

    def _echo(self, sent: Pcm16) -> F64:
        # ``sent`` is a frame old already; its echo comes ``delay`` after it was sent.
        self._far = np.concatenate((self._far[FRAME:], sent.astype(np.float64)))
        end = len(self._far) - (self._delay - FRAME)
        part = self._far[end - FRAME - len(self._path) + 1 : end]
        return np.convolve(part, self._path, "valid")


def echo_path(loss_db: float, seed: int) -> F64:
    """An impulse response of 8 ms: the direct echo, and reflections that die away. Its energy is the loss."""
    dice = np.random.default_rng((seed, 3))
    n = np.arange(64)
    tail = dice.standard_normal(64) * np.exp(-n / 12) * 0.35
    tail[0] = 1.0
    path: F64 = tail / np.sqrt((tail**2).sum()) * 10 ** (-loss_db / 20)
    return path
