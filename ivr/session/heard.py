"""Which words of a prompt were heard, from how much of its audio was played.

Engines say what they spoke, not when. A word's place is estimated from the audio itself: the letters
of the text are spread over the voiced part of the sound (pauses carry no letters).
"""

import re
from dataclasses import dataclass, field

import numpy as np

from ivr.audio.frames import BYTES_PER_SAMPLE

_BLOCK_MS = 10
_VOICED_BELOW_PEAK_DB = 35.0
_MS_PER_LETTER = 60
"""An unhurried English voice; only for a part whose sound was cut before all of it was made."""
_WORD = re.compile(r"\S+")


@dataclass(slots=True)
class SpokenPart:
    """A stretch of a prompt: ``text``, spoken by ``audio`` (PCM16) from ``start`` samples on."""

    text: str
    start: int
    audio: list[bytes] = field(default_factory=list, repr=False)
    complete: bool = False
    """All of the audio is there; an incomplete part was cut while it was being made."""

    @property
    def samples(self) -> int:
        return sum(map(len, self.audio)) // BYTES_PER_SAMPLE


def heard_text(parts: list[SpokenPart], played: int, sample_rate: int) -> str:
    """The words of ``parts`` whose larger half lies within the first ``played`` samples."""
    heard: list[str] = []
    for part in parts:
        if played <= part.start:
            break
        if part.complete and played >= part.start + part.samples:
            heard.append(part.text.strip())
        else:
            heard.append(_cut(part, played - part.start, sample_rate))
    return " ".join(filter(None, heard))


def _cut(part: SpokenPart, played: int, sample_rate: int) -> str:
    words = list(_WORD.finditer(part.text))
    if not words:
        return ""
    share = _voiced_share(part, played, sample_rate)
    letters = [max(1, sum(c.isalnum() for c in word.group())) for word in words]
    reached = share * sum(letters)
    spoken = 0.0
    count = 0
    for size in letters:
        if spoken + size / 2 > reached:
            break
        spoken += size
        count += 1
    return part.text[words[0].start() : words[count - 1].end()] if count else ""


def _voiced_share(part: SpokenPart, played: int, sample_rate: int) -> float:
    """How much of the part's voiced audio lies before ``played``: 0.0 to 1.0."""
    pcm = np.frombuffer(b"".join(part.audio), dtype=np.int16).astype(np.float32)
    block = max(1, sample_rate * _BLOCK_MS // 1000)
    usable = len(pcm) // block * block
    if usable == 0:
        return 0.0
    energy = np.sqrt((pcm[:usable].reshape(-1, block) ** 2).mean(axis=1))
    voiced = energy > max(1.0, float(energy.max()) * 10 ** (-_VOICED_BELOW_PEAK_DB / 20))
    total = int(voiced.sum())
    if not part.complete:
        total = max(total, sum(c.isalnum() for c in part.text) * _MS_PER_LETTER // _BLOCK_MS)
    if total == 0:
        return 0.0
    return float(voiced[: played // block].sum()) / total


def resume_point(parts: list[SpokenPart], played: int, sample_rate: int) -> int:
    """Where to go on after a cut at ``played``: the beginning of the word or clause that was cut."""
    return max(0, played - sample_rate // 2)


def audio_from(parts: list[SpokenPart], first: int) -> bytes:
    """The prompt's sound from sample ``first`` on."""
    return b"".join(
        b"".join(part.audio)[max(0, first - part.start) * BYTES_PER_SAMPLE :] for part in parts
    )
