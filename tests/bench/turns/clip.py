"""One clip of the corpus: a sound of known kind, with the place of its speech and its text."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tests.bench.turns.line import RATE, Pcm16

Kind = Literal["interruption", "backchannel", "turn", "noise", "music", "vocal", "tone", "silence"]
Split = Literal["choose", "report"]

CHOOSE_SHARE = 1 / 3


@dataclass(frozen=True)
class Part:
    """A stretch of speech in a clip: samples of 8 kHz, and what is said there."""

    start: int
    end: int
    text: str

    def words(self) -> list[tuple[int, int, str]]:
        """Each word with its first sample and its end, as if all letters were equally long."""
        found, at = [], 0
        step = (self.end - self.start) / max(1, len(self.text))
        for word in self.text.split(" "):
            begin, end = at, at + len(word)
            found.append((self.start + round(begin * step), self.start + round(end * step), word))
            at = end + 1
        return found


@dataclass(frozen=True)
class Clip:
    """``pcm`` is PCM16 at 8 kHz; ``onset`` and ``offset`` the first and last sample that is to be heard."""

    name: str
    kind: Kind
    style: str
    """Name within its kind: ``recorded``, ``digits``, ``babble``, ``cough``, ..."""
    language: str
    pcm: Pcm16 = field(repr=False)
    onset: int
    offset: int
    parts: tuple[Part, ...] = ()
    """Empty for what is no speech. Where a recording's wording is not known, its file's name stands for it,
    two and a half words a second: a recogniser that is given the text only has to understand something."""

    @property
    def text(self) -> str:
        return " ".join(part.text for part in self.parts)

    @property
    def split(self) -> Split:
        return split_of(self.name)

    @property
    def ms(self) -> float:
        return (self.offset - self.onset) / RATE * 1000


def split_of(name: str) -> Split:
    """A recording that is an interruption here and a turn there is in one split."""
    return "choose" if mixed(name.removeprefix("turn/"))[0] < 256 * CHOOSE_SHARE else "report"


def mixed(name: str) -> bytes:
    """Put names in an order that has nothing to do with what they say."""
    return hashlib.sha256(name.encode()).digest()


def seeded(name: str) -> np.random.Generator:
    """Dice that fall the same way for the same name."""
    return np.random.default_rng(int.from_bytes(mixed(name)[:8], "big"))
