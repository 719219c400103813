"""The service's prompts in the scenes: without their pauses, or of recorded words whose places are known."""

import numpy as np

from tests.bench.turns import recordings
from tests.bench.turns.clip import seeded
from tests.bench.turns.line import FRAME, RATE, Pcm16, at_level
from tests.bench.turns.voices import trimmed

PROMPT_DBM0 = -12.0
"""What the prompts are levelled to: -18 dBFS."""


def levelled(x: Pcm16) -> Pcm16:
    return np.clip(at_level(x, PROMPT_DBM0), -32768, 32767).astype(np.int16)


def without_pauses(x: Pcm16) -> Pcm16:
    """Every quiet 20 ms taken out, so that a stop cannot be mistaken for a pause."""
    frames = x[: len(x) // FRAME * FRAME].reshape(-1, FRAME)
    level = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    loudest = np.sqrt((level[level > level.max() / 18] ** 2).mean())
    kept: Pcm16 = frames[level > loudest / 6].reshape(-1)
    return kept


def word_prompt(number: int) -> tuple[Pcm16, list[int]]:
    """Recorded words (numbers, letters) with 60 to 90 ms between them, and where each begins."""
    dice = seeded(f"words {number}")
    names = [f"digits/{n}" for n in (*range(21), 30, 40, 50, 60, 70, 80, 90)] + [
        f"letters/{c}" for c in "abcdefgh"
    ]
    parts: list[Pcm16] = []
    starts: list[int] = []
    at = 0
    while at < 14 * RATE:
        x = levelled(trimmed(recordings.word("en", names[int(dice.integers(len(names)))]), 30.0, 0))
        starts.append(at)
        parts += [x, np.zeros(int(dice.uniform(0.06, 0.09) * RATE), np.int16)]
        at += len(x) + len(parts[-1])
    return np.concatenate(parts), starts
