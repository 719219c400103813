"""Prepare synthesised sound for the phone line: 8 kHz, an even level, no silence at its start. Pure."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_RATE, ms_to_samples
from ivr.audio.level import FULL_SCALE, peak_dbfs
from ivr.audio.resample import Resampler, resample

Pcm16 = npt.NDArray[np.int16]

TARGET_DBFS = -20.0
"""Level of the speech itself, pauses not counted. Recorded telephone prompts are at about -18, a normal
caller at about -26 (active speech level, ITU-T P.56)."""
PEAK_DBFS = -1.0
MOST_GAIN_DB = 12.0
"""Largest correction; a level further off is taken for intended."""
ACTIVE_DBFS = -40.0
"""A block of 10 ms below this is a pause, before any gain."""
LEAD_MS = 100
"""Silence allowed before the first sound."""
TAIL_MS = 300
"""Silence allowed after the last sound."""
_BLOCK = ms_to_samples(10, LINE_RATE)


def active_dbfs(pcm: Pcm16) -> float:
    """Return the level of the 10 ms blocks of 8 kHz sound that are not pauses; ``-inf`` when all are."""
    powers = _powers(pcm)
    active = powers[powers > FULL_SCALE**2 * 10 ** (ACTIVE_DBFS / 10)]
    return 10 * math.log10(float(active.mean()) / FULL_SCALE**2) if active.size else -math.inf


def gain_for(pcm: Pcm16) -> float:
    """Return the factor that brings 8 kHz sound to the target level, as far as its peaks and MOST_GAIN_DB
    allow."""
    level = active_dbfs(pcm)
    if level == -math.inf:
        return 1.0
    wanted = max(-MOST_GAIN_DB, min(MOST_GAIN_DB, TARGET_DBFS - level))
    return float(10 ** (min(wanted, PEAK_DBFS - peak_dbfs(pcm)) / 20))


def amplify(pcm: Pcm16, gain: float) -> Pcm16:
    """Return ``pcm`` times ``gain``, clipped at full scale."""
    louder: Pcm16 = np.clip(np.rint(pcm * gain), -32768, 32767).astype(np.int16)
    return louder


def trim(pcm: Pcm16) -> tuple[Pcm16, int]:
    """Return 8 kHz sound without the silence beyond LEAD_MS at its start and TAIL_MS at its end, and the
    number of samples removed from its start.
    """
    loud = np.flatnonzero(_powers(pcm) > FULL_SCALE**2 * 10 ** (ACTIVE_DBFS / 10))
    if not loud.size:
        return pcm, 0
    first = max(0, int(loud[0]) * _BLOCK - ms_to_samples(LEAD_MS, LINE_RATE))
    last = (int(loud[-1]) + 1) * _BLOCK + ms_to_samples(TAIL_MS, LINE_RATE)
    return pcm[first:last], first


class Shaped(NamedTuple):
    pcm: Pcm16
    """8 kHz."""
    gain: float
    """Factor that was applied."""
    trimmed: int
    """Samples removed from the start."""


def shape(pcm: Pcm16, rate: int) -> Shaped:
    """Convert a whole prompt at ``rate`` Hz to the form in which it is kept."""
    line, trimmed = trim(resample(pcm, rate, LINE_RATE))
    gain = gain_for(line)
    return Shaped(amplify(line, gain), gain, trimmed)


class StreamShaper:
    """Shapes sound that is passed on while it is being made, with a gain known beforehand."""

    def __init__(self, rate: int, gain: float) -> None:
        self._resampler = Resampler(rate, LINE_RATE)
        self._gain = gain
        self._begun = False
        self._held: Pcm16 = np.zeros(0, np.int16)
        self.trimmed = 0
        """Samples removed from the start."""

    def process(self, pcm: Pcm16) -> Pcm16:
        """Convert the next piece to 8 kHz; leading silence is kept back until speech begins."""
        return self._after_lead(self._resampler.process(pcm))

    def flush(self) -> Pcm16:
        tail = self._after_lead(self._resampler.flush())
        return tail if self._begun else amplify(self._held, self._gain)

    def _after_lead(self, line: Pcm16) -> Pcm16:
        if not self._begun:
            self._held = np.concatenate([self._held, line])
            loud = np.flatnonzero(_powers(self._held) > FULL_SCALE**2 * 10 ** (ACTIVE_DBFS / 10))
            if not loud.size:
                return line[:0]
            self._begun = True
            self.trimmed = max(0, int(loud[0]) * _BLOCK - ms_to_samples(LEAD_MS, LINE_RATE))
            line, self._held = self._held[self.trimmed :], line[:0]
        return amplify(line, self._gain)


def _powers(pcm: Pcm16) -> npt.NDArray[np.float64]:
    blocks = pcm[: pcm.size - pcm.size % _BLOCK].reshape(-1, _BLOCK).astype(np.float64)
    powers: npt.NDArray[np.float64] = np.einsum("ij,ij->i", blocks, blocks) / _BLOCK
    return powers
