"""Measures the turn detector: how right it is, and how long it takes.

    python -m tests.speech.turn_ends                 how often it is right
    python -m tests.speech.turn_ends --times         how long a judgement takes, on an idle machine
    python -m tests.speech.turn_ends --tail 0.4      asked so many seconds after the last sound
    python -m tests.speech.turn_ends --clips         every clip with its probability

It needs the models and Debian's asterisk-core-sounds-en-wav.
"""

import argparse
import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel

from ivr.audio.resample import resample
from ivr.modelstore import model_path
from ivr.speech.providers.smart_turn.child import SmartTurnEngine, features
from ivr.speech.providers.smart_turn.detector import SmartTurn
from tests.conftest import SOUNDS
from tests.speech.recordings import line, recording
from tests.speech.turn_clips import RATE, TAIL_S, Clip, Pcm16, all_clips

Judge = Callable[[Pcm16, int], float]
"""PCM16 and its rate to a probability."""


def judge(threads: int = 1) -> Judge:
    """The engine as its process runs it, without the process."""
    engine = SmartTurnEngine(model=str(model_path("smart-turn")), threads=threads)

    def probability(pcm: Pcm16, rate: int) -> float:
        work = engine.handle({"sample_rate": rate}, pcm.tobytes())
        while True:
            try:
                next(work)
            except StopIteration as end:
                return float(end.value["probability"])

    return probability


def aligner() -> Callable[[str], list[tuple[str, float]]]:
    """The words of a recording as Whisper hears them."""
    model = WhisperModel(str(model_path("whisper-tiny.en")), device="cpu", compute_type="int8")

    @cache
    def words(name: str) -> list[tuple[str, float]]:
        sound = resample(recording(SOUNDS, name), RATE, 16_000).astype(np.float32) / 32768
        parts, _ = model.transcribe(sound, language="en", word_timestamps=True, beam_size=2)
        return [(word.word.strip(), word.end) for part in parts for word in part.words or []]

    return words


# -- figures


def area(scores: npt.NDArray[np.float64], complete: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: how often ended turns score above open ones (Mann-Whitney)."""
    ended, open_ = scores[complete], scores[~complete]
    above = (ended[:, None] > open_[None, :]).mean() + 0.5 * (ended[:, None] == open_[None, :]).mean()
    return float(above)


def balanced(scores: npt.NDArray[np.float64], complete: npt.NDArray[np.bool_], threshold: float) -> float:
    """The mean of both kinds' share that is judged right; the kinds are not of the same number."""
    return float(((scores[complete] >= threshold).mean() + (scores[~complete] < threshold).mean()) / 2)


def best_threshold(scores: npt.NDArray[np.float64], complete: npt.NDArray[np.bool_]) -> float:
    """The middle of the thresholds (0.01 to 0.99) at which ``balanced`` is highest."""
    steps = np.arange(1, 100) / 100
    values = np.array([balanced(scores, complete, step) for step in steps])
    return float(np.median(steps[values >= values.max() - 1e-9]))


def accuracy_tables(clips: Sequence[Clip], scores: Sequence[float]) -> None:
    kinds = defaultdict(list)
    for clip, score in zip(clips, scores, strict=True):
        kinds[clip.kind, clip.complete].append(score)
    print("| clips | n | p10 / p50 / p90 | judged right at 0.5 |\n|---|---|---|---|")
    for (kind, complete), values in kinds.items():
        right = np.mean([(value >= 0.5) == complete for value in values])
        spread = " / ".join(f"{value:.2f}" for value in np.percentile(values, (10, 50, 90)))
        what = f"{kind} ({'ended' if complete else 'goes on'})"
        print(f"| {what} | {len(values)} | {spread} | {100 * right:.0f} % |")
    shown = [key for key, values in kinds.items() if len(values) >= 10]
    titles = [f"{kind}, {'found' if complete else 'cut off'}" for kind, complete in shown]
    print("\n| threshold | " + " | ".join(titles) + " |\n" + "|---" * (1 + len(shown)) + "|")
    for threshold in (0.3, 0.5, 0.7, 0.8, 0.9, 0.95):
        shares = [f"{100 * np.mean(np.array(kinds[key]) >= threshold):.0f} %" for key in shown]
        print(f"| {threshold:g} | " + " | ".join(shares) + " |")
    print()
    for title, wanted in (
        ("sentences against cuts inside them", ("sentence", "cut in the sentence")),
        ("sentences against openers", ("sentence", "opener")),
        ("digits against parts of them", ("digits", "part of the digits")),
        ("all", tuple(kind for kind, _ in kinds)),
    ):
        chosen = [(clip, score) for clip, score in zip(clips, scores, strict=True) if clip.kind in wanted]
        half = np.array([clip.half for clip, _ in chosen])
        complete = np.array([clip.complete for clip, _ in chosen])
        values = np.array([score for _, score in chosen])
        print(
            f"{title}: AUC {area(values, complete):.3f}, right at 0.5 {balanced(values, complete, 0.5):.3f}",
            end="",
        )
        for train in (0, 1):
            there, here = half == train, half != train
            threshold = best_threshold(values[there], complete[there])
            result = balanced(values[here], complete[here], threshold)
            plain = balanced(values[here], complete[here], 0.5)
            print(f"; best of one half {threshold:.2f}, on the other {result:.3f} (0.5: {plain:.3f})", end="")
        print()


def time_tables() -> None:
    sound = line(recording(SOUNDS, "vm-options"))[: 8 * 16_000]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("milliseconds for 8 s of sound, p50 / p95:")
    _timed("front end", lambda: features(sound, 16_000))
    for threads in (1, 2):
        one = judge(threads)
        _timed(f"front end and model, {threads} thread(s)", lambda one=one: one(sound, 16_000))
    asyncio.run(_time_process(sound.tobytes()))


def _timed(title: str, work: Callable[[], object], times: int = 100) -> None:
    work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began))
    print(f"  {title}: {np.percentile(taken, 50):.1f} / {np.percentile(taken, 95):.1f}")


async def _time_process(sound: bytes) -> None:
    turn = SmartTurn(answer_timeout_s=60.0, timeout_s=60.0)
    await turn.start()
    try:
        for together in (1, 4):
            taken = []
            for _ in range(50):
                began = time.perf_counter()
                await asyncio.gather(*(turn.probability(sound, 16_000) for _ in range(together)))
                taken.append(1000 * (time.perf_counter() - began))
            print(
                f"  through the process, the last of {together} asked at once: "
                f"{np.percentile(taken, 50):.1f} / {np.percentile(taken, 95):.1f}"
            )
    finally:
        await turn.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", action="store_true", help="how long a judgement takes")
    parser.add_argument("--clips", action="store_true", help="print every clip")
    parser.add_argument(
        "--tail", type=float, default=TAIL_S, help="seconds from the last sound to the question"
    )
    arguments = parser.parse_args()
    if arguments.times:
        time_tables()
        return
    one = judge()
    clips = list(all_clips(SOUNDS, aligner(), arguments.tail))
    scores = [one(line(clip.pcm), 16_000) for clip in clips]
    if arguments.clips:
        for clip, score in sorted(zip(clips, scores, strict=True), key=lambda pair: (pair[0].kind, pair[1])):
            print(f"{score:.3f} {clip.kind:<20} {clip.source} {clip.pcm.size / RATE:.2f} s")
    accuracy_tables(clips, scores)


if __name__ == "__main__":
    main()
