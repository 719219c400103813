"""One trial: what plays, what the caller does and when, over which line; and what came of it.

Samples are of 8 kHz since the session's first frame.
"""

from dataclasses import dataclass, field

import numpy as np

from ivr.grammar.expectation import ExpectedKind
from ivr.session import Decision
from tests.bench.turns.clip import Clip
from tests.bench.turns.line import F64, FRAME, RATE, Condition, Pcm16, at_level, band_limited

_SLACK = RATE // 20
"""Samples of a word that may be missing at either end."""


@dataclass(frozen=True)
class Scene:
    """``prompt`` plays from the first frame on (none: the caller is listened to at once)."""

    name: str
    condition: Condition
    clip: Clip | None
    at: int
    """The place of the clip's first sample."""
    length: int
    prompt: Pcm16 | None = None
    understood: bool = True
    """The recogniser makes out what is said; otherwise it finds no words in it."""
    expect: ExpectedKind = "free"
    """What the caller is asked for."""
    choices: tuple[str, ...] = ()
    """Whole answers, where the service knows them."""

    def near(self) -> F64:
        """The caller's side, in the telephone band and at its level, a whole number of frames."""
        x = np.zeros(-(-self.length // FRAME) * FRAME)
        if self.clip is not None:
            sound = at_level(band_limited(self.clip.pcm), self.condition.level_dbm0)[: len(x) - self.at]
            x[self.at : self.at + len(sound)] = sound
        return x

    @property
    def onset(self) -> int:
        return self.at + (self.clip.onset if self.clip is not None else 0)

    @property
    def offset(self) -> int:
        return self.at + (self.clip.offset if self.clip is not None else 0)

    def words(self, start: int, end: int) -> str:
        """What one who hears from ``start`` to ``end`` can know: the words that are wholly there."""
        if self.clip is None or not self.understood:
            return ""
        return " ".join(
            word
            for part in self.clip.parts
            for first, last, word in part.words()
            if start <= self.at + first + _SLACK and self.at + last - _SLACK < end
        )


@dataclass(frozen=True)
class TurnHeard:
    at: int
    """When the session handed it out."""
    text: str
    reason: str


@dataclass
class Trace:
    """What a session did in a scene."""

    scene: Scene
    played: Pcm16 = field(repr=False)
    """All that went out to the caller."""
    turns: list[TurnHeard]
    ended: list[int]
    """When it was decided that the caller's turn was over."""
    decisions: list[tuple[int, Decision]]
    """When each was reported, and what."""
    seconds: float
    """Processor time of the whole scene."""

    @property
    def length_s(self) -> float:
        return len(self.played) / RATE
