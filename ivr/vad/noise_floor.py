"""``NoiseFloor``: whether a window holds nothing but the line's own noise.

The network still says "speech" for 50 to 150 ms after the last sound. That the sound is gone shows at once,
by comparing the loudest sample of a window with that of the noise before.
"""

import numpy as np
import numpy.typing as npt

LEAST = 16.0
"""What counts as noise on a line of digital silence: G.711's smallest steps and a little more (PCM16)."""
RISE_DB = 0.05
"""The factor by which the noise is taken to rise with each window in which it is not heard: 1.5 dB a second.
"""


class NoiseFloor:
    """The noise of ``rows`` lines. Belongs to one thread."""

    def __init__(self, rows: int, noise_margin_db: float) -> None:
        """A window is only noise where its loudest sample is at most ``noise_margin_db`` above the noise."""
        self._floor = np.full(rows, np.inf)
        self._over, self._rise = 10 ** (noise_margin_db / 20), 10 ** (RISE_DB / 20)

    def forget(self, row: int) -> None:
        """Another call begins."""
        self._floor[row] = np.inf

    def only_noise(self, rows: npt.NDArray[np.int64], peaks: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which of the lines ``rows`` have only noise in a window whose loudest samples are ``peaks`` (PCM16,
        not negative), both (n,). The noise of a line is its softest sound: it sinks half of the way to a
        softer window at once, and rises slowly. The first window of a line counts as noise.
        """
        heard = np.maximum(peaks, LEAST)
        floor = self._floor[rows]
        floor = np.where(np.isinf(floor), heard, floor)
        floor = np.where(heard > floor, np.minimum(floor * self._rise, heard), (floor + heard) / 2)
        self._floor[rows] = floor
        return heard <= floor * self._over
