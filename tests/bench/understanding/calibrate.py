"""``python -m tests.bench.understanding.calibrate``: chooses ``CALIBRATION`` by the *choose* split.

Each item is put on menus of 2 to 12 choices, with and without it; typed values are decoded. The weights are
those of a logistic regression (Newton's method) for "the likeliest is what was said".
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ivr.audio.resample import resample
from ivr.modelstore import model_path
from ivr.speech.providers.whisper.child import WhisperEngine
from ivr.speech.providers.whisper.stt import MODEL, WhisperOptions
from tests.bench.turns.clip import mixed
from tests.bench.understanding.corpus import MENU, Item, people, voices, yes_and_no
from tests.bench.understanding.menus import RATE, menu
from tests.bench.understanding.values import said_values

MENUS = 2
RIDGE = 1e-2

_F64 = npt.NDArray[np.float64]


def engine() -> WhisperEngine:
    options = WhisperOptions()
    return WhisperEngine(
        model=str(model_path(MODEL)),
        language=options.language,
        compute_type=options.compute_type,
        threads=1,
        beam_size=options.beam_size,
        short_context_s=options.short_context_s,
        retry_below=options.retry_below,
        reject_below=options.reject_below,
        no_speech_above=options.no_speech_above,
    )


def features(whisper: WhisperEngine, items: list[Item]) -> Iterator[tuple[list[float], bool]]:
    """Score, lead and likelihood of the likeliest phrase of each menu, and whether it was said."""
    words = sorted({*MENU, *(item.meaning for item in items)})
    for item in items:
        dice = random.Random(mixed(item.name))
        sound = resample(item.pcm, 8000, RATE).astype(np.float32) / 32768
        for number in range(2 * MENUS):
            stranger = bool(number % 2)
            expected = menu(item, words, dice.randint(2, 12), stranger=stranger, dice=dice)
            found = whisper.compare(sound, {name: list(each) for name, each in expected.phrases.items()})
            if found:
                best = found[0]
                yield [best.score, best.lead, best.likelihood], not stranger and best.meaning == item.meaning


def regression(x: _F64, y: _F64) -> _F64:
    """Return the bias and the weights."""
    z = np.c_[np.ones(len(x)), x]
    weights = np.zeros(z.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(z @ weights, -30, 30)))
        hessian = z.T @ (z * (p * (1 - p))[:, None]) + RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(hessian, z.T @ (p - y) + RIDGE * weights)
    return weights


def decoded(whisper: WhisperEngine, folder: Path) -> Iterator[tuple[list[float], bool]]:
    """Lead, way and kind of the likeliest value of each answer, and whether it was said."""
    for said in said_values(folder):
        if said.split != "choose":
            continue
        found = whisper.decode(resample(said.pcm, 8000, RATE).astype(np.float32) / 32768, said.spec)
        if found:
            best = found[0]
            ways = [float(best.way == way) for way in ("forced", "sized")]
            yield [best.lead, *ways, float(said.spec.kind == "pattern")], best.value == said.value


def _show(name: str, rows: list[tuple[list[float], bool]], weights: Sequence[str]) -> None:
    x, y = np.array([row for row, _ in rows]), np.array([said for _, said in rows], float)
    found = regression(x, y)
    print(f"{len(rows)} {name};", ", ".join(f"{w}={v:.2f}" for w, v in zip(weights, found, strict=True)))


def main() -> None:
    folder = Path("bench-out/voices")
    whisper = engine()
    rows: list[tuple[list[float], bool]] = []
    for group in (people(), voices(folder), yes_and_no(folder)):
        rows += features(whisper, [item for item in group if item.split == "choose"])
    _show("menus", rows, ("bias", "score", "lead", "likelihood"))
    values = list(decoded(whisper, folder))
    _show("values", values, ("bias", "lead", "forced", "sized", "letters"))


if __name__ == "__main__":
    main()
