"""Which scenes the rows are made of: clips, prompts and lines brought together."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ivr.grammar.expectation import ExpectedKind
from tests.bench.turns import phrases
from tests.bench.turns.clip import Clip, Kind, Split, seeded
from tests.bench.turns.corpus import Corpus
from tests.bench.turns.line import FRAME, RATE, Condition, Echo, Pcm16
from tests.bench.turns.prompts import levelled, without_pauses
from tests.bench.turns.scene import Scene

AFTER_S = 3.0
"""What a scene goes on after the clip: longer than a lost prompt is waited for."""


class Scenes:
    """Makes them of a split's clips, on lines of all sorts; the same for the same seed."""

    def __init__(self, corpus: Corpus, scale: float, seed: int, split: Split) -> None:
        self._corpus = corpus
        self._scale, self._seed, self._split = scale, seed, split
        self.prompts = [levelled(without_pauses(p)) for p in corpus.prompts()]

    def conditions(self, name: str, levels: tuple[float, float]) -> Iterator[Condition]:
        """Lines of all sorts, one after the other, the same for the same name and seed."""
        for n in itertools.count():
            dice = seeded(f"{name} {self._seed} {n}")
            yield Condition(
                level_dbm0=float(dice.uniform(*levels)),
                noise_dbm0=float(dice.uniform(-72, -55)),
                loss=float(dice.choice((0.0, 0.0, 0.01, 0.02, 0.03))),
                jitter_ms=float(dice.choice((0.0, 5.0, 10.0))),
                conceal=bool(dice.random() < 0.8),
                a_law=bool(dice.random() < 0.5),
                seed=int(dice.integers(1 << 30)),
            )

    def over_prompt(
        self, name: str, clips: Sequence[Clip | None], levels: tuple[float, float],
        echo: Callable[[np.random.Generator], Echo] | None = None, understood: bool = True,
        prompts: Sequence[Pcm16] = (),
    ) -> Iterator[Scene]:  # fmt: skip
        for n, (clip, condition) in enumerate(zip(clips, self.conditions(name, levels), strict=False)):
            dice = seeded(f"{name} place {self._seed} {n}")
            at = int(dice.uniform(1.2, 2.2) * RATE)
            prompt = (prompts or self.prompts)[n % len(prompts or self.prompts)]
            length = at + (len(clip.pcm) if clip is not None else 5 * RATE) + int(AFTER_S * RATE)
            if echo is not None:
                condition = replace(condition, echo=echo(dice))
            yield Scene(name, condition, clip, at, min(length, len(prompt) - FRAME), prompt, understood)

    def clips(self, *kinds: Kind, times: int = 1, styles: Sequence[str] = ()) -> list[Clip]:
        """All of the split ``times`` over, or the share of them that is asked for."""
        found = [
            c
            for kind in kinds
            for c in self._corpus.clips(kind, self._split)
            if not styles or c.style in styles
        ]
        found *= times
        return (
            found[: max(4, round(len(found) * self._scale))]
            if self._scale < 1
            else found * round(self._scale)
        )


def asked(clip: Clip, condition: Condition, at: int) -> Scene:
    """``clip`` as the answer to a question that fits it."""
    length = at + len(clip.pcm) + 4 * RATE
    if clip.style != "answer":
        kind: ExpectedKind = "digits" if clip.style == "digits" else "free"
        return Scene(clip.style, condition, clip, at, length, expect=kind)
    kind = "yes_no" if clip.text in phrases.YES_NO[clip.language] else "menu"
    known = phrases.YES_NO if kind == "yes_no" else phrases.CHOICES
    return Scene(kind, condition, clip, at, length, expect=kind, choices=known[clip.language])


def shortened(clip: Clip, seconds: float) -> Clip:
    """The first half second of speech of it."""
    end = min(len(clip.pcm), clip.onset + int(seconds * RATE))
    return Clip(
        clip.name, clip.kind, clip.style, clip.language, clip.pcm[:end], clip.onset, end - 1, clip.parts
    )
