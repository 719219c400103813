"""Clips that are no speech: what is around callers, what callers do, what the exchange sends."""

from collections.abc import Iterator

import numpy as np

from tests.bench.turns import recordings, rules
from tests.bench.turns.clip import Clip, Kind, Split, seeded, split_of
from tests.bench.turns.line import RATE, Pcm16
from tests.caller.measure import onset_sample

SECONDS = 4.0
_EXCHANGE = (
    # name, Hz, seconds on, seconds off
    ("ringback-us", (440, 480), 2.0, 4.0),
    ("ringback-fr", (440,), 1.5, 3.5),
    ("ringback-gb", (400, 450), 0.4, 0.2),
    ("busy-us", (480, 620), 0.5, 0.5),
    ("busy-fr", (440,), 0.5, 0.5),
    ("congestion-us", (480, 620), 0.25, 0.25),
    ("dial-fr", (440,), 9.0, 1.0),
    ("fax-cng", (1100,), 0.5, 3.0),
    ("fax-ced", (2100,), 3.0, 1.0),
    ("beep", (1000,), 0.4, 9.0),
)


def noise() -> Iterator[Clip]:
    yield from steady_noise()
    yield from babble()


def steady_noise() -> Iterator[Clip]:
    for n in range(24):
        yield _clip(f"noise/white/{n}", "noise", rules.white(SECONDS, n))
        yield _clip(f"noise/pink/{n}", "noise", rules.pink(SECONDS, n))
        yield _clip(f"noise/street/{n}", "noise", rules.street(SECONDS, n))
        yield _clip(f"noise/keyboard/{n}", "noise", rules.keyboard(SECONDS, n))


def babble() -> Iterator[Clip]:
    """Noises of the recordings of its own split."""
    voices: dict[Split, list[Pcm16]] = {"choose": [], "report": []}
    for language in ("en", "fr"):
        for name, x in recordings.sentences(language):
            voices[split_of(f"{language}/{name}")].append(x)
    for n in range(24):
        name = f"noise/babble/{n}"
        yield _clip(name, "noise", rules.babble(voices[split_of(name)], SECONDS, n))


def music() -> Iterator[Clip]:
    """Ten excerpts of each piece; a piece is wholly in one split."""
    length = int(SECONDS * RATE)
    for name, x in recordings.music():
        for n in range(10):
            at = int((n + 0.5) / 10 * (len(x) - length))
            yield _clip(f"music/{name}", "music", x[at : at + length])


def vocal() -> Iterator[Clip]:
    yield from bodies()
    for style, name, x in recordings.vocal():
        yield _clip(f"vocal/{style}/{name}", "vocal", x)


def bodies() -> Iterator[Clip]:
    """Those that are made by rule."""
    for n in range(30):
        yield _clip(f"vocal/cough/{n}", "vocal", rules.cough(n))
        yield _clip(f"vocal/breath/{n}", "vocal", rules.breath(n))
        yield _clip(f"vocal/laugh/{n}", "vocal", rules.laugh(n))
        yield _clip(f"vocal/click/{n}", "vocal", rules.click(n))


def tones() -> Iterator[Clip]:
    for n in range(20):
        keys = "".join(seeded(f"keys {n}").choice(list(rules.KEYS), 1 + n % 4))
        yield _clip(f"tone/dtmf/{n}-{keys}", "tone", rules.dtmf(keys, 80 + 10 * (n % 10)))
    for name, frequencies, on_s, off_s in _EXCHANGE:
        yield _clip(f"tone/{name}", "tone", rules.cadence(frequencies, on_s, off_s, SECONDS))


def silence() -> Iterator[Clip]:
    for n in range(20):
        yield _clip(f"silence/{n}", "silence", np.zeros(int(SECONDS * RATE), np.int16))


def _clip(name: str, kind: Kind, x: Pcm16) -> Clip:
    style = "hold" if kind == "music" else name.split("/")[1].split("-")[0]
    onset = onset_sample(x.tobytes()) if kind == "vocal" else 0
    return Clip(name, kind, style if kind != "silence" else kind, "", x, onset, len(x) - 1)
