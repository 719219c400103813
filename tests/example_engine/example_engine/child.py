"""What runs in the child process: imports that are slow and work that takes long belong here."""

from collections.abc import Generator
from typing import Any

import numpy as np

BLOCK_MS = 10


class Counter:
    """Made once, when the process starts; a model would be loaded here."""

    def __init__(self, *, level_dbfs: float, gap_ms: int) -> None:
        self._power = 10 ** (level_dbfs / 10)
        self._gap = gap_ms // BLOCK_MS

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        """Count the bursts of PCM16 at ``request["sample_rate"]``."""
        yield b""  # a place where the request can be cancelled
        size = request["sample_rate"] * BLOCK_MS // 1000
        sound = np.frombuffer(payload, np.int16).astype(np.float64) / 32768
        blocks = sound[: sound.size - sound.size % size].reshape(-1, size)
        loud = np.flatnonzero((blocks**2).mean(axis=1) > self._power)
        return {"bursts": int((np.diff(loud, prepend=-self._gap - 2) > self._gap).sum())}
