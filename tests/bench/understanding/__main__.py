"""``python -m tests.bench.understanding``: how often callers are understood, and how often wrongly."""

import argparse
import asyncio
import json
import logging
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from ivr.grammar.answers import NO, YES, expected_answers
from ivr.grammar.inputs import InputSpec
from ivr.speech.base import SpeechToText
from ivr.speech.registry import create_stt
from tests.bench import report
from tests.bench.turns.clip import mixed
from tests.bench.understanding.corpus import MENU, Item, people, voices, yes_and_no
from tests.bench.understanding.menus import Outcome, TextOnly, ValueOutcome, ask, ask_value, menu
from tests.bench.understanding.values import Said, said_values

BINS = 5
Named = TypeVar("Named", Item, Said)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.understanding", description=__doc__)
    parser.add_argument("--split", choices=("report", "choose"), default="report", help="which items")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the items")
    parser.add_argument(
        "--today", action="store_true", help="also by text alone, as a recogniser without grammar"
    )
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="for the JSON and the voices")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(report.describe(report.machine()), flush=True)
    print(f"split {options.split}", flush=True)
    asyncio.run(_run(options))
    return 0


async def _run(options: argparse.Namespace) -> None:
    folder: Path = options.out / "voices"
    whisper = create_stt("whisper", threads=1)
    await whisper.start()
    engines: dict[str, SpeechToText] = {"grammar": whisper}
    if options.today:
        engines["text alone"] = TextOnly(whisper)
    rows: dict[str, dict[str, float]] = {}
    try:
        for name, items in (("people", list(people())), ("voices", list(voices(folder)))):
            chosen = _share([each for each in items if each.split == options.split], options.scale)
            words = sorted({*(MENU if name == "voices" else ()), *(each.meaning for each in items)})
            for engine, stt in engines.items():
                known = [await _menu(stt, item, words, stranger=False) for item in chosen]
                strangers = [await _menu(stt, item, words, stranger=True) for item in chosen]
                rows[f"menus, {name}, {engine}"] = _figures(known, strangers)
                _show(f"menus, {name}, {engine}", rows[f"menus, {name}, {engine}"])
        chosen = _share([each for each in yes_and_no(folder) if each.split == options.split], options.scale)
        for engine, stt in engines.items():
            found = [await _yes_no(stt, item) for item in chosen]
            rows[f"yes or no, {engine}"] = _figures(found, [])
            _show(f"yes or no, {engine}", rows[f"yes or no, {engine}"])
        wanted = _share([each for each in said_values(folder) if each.split == options.split], options.scale)
        for engine, stt in engines.items():
            for row, several in _by_row(wanted).items():
                answers = [await ask_value(stt, each) for each in several]
                name = f"{row}, {engine}"
                rows[name] = _value_figures(answers)
                _show(name, rows[name])
    finally:
        await whisper.aclose()
    path = options.out / "understanding.json"
    path.write_text(json.dumps(rows, indent=1))
    print(f"written to {path}")


async def _menu(stt: SpeechToText, item: Item, words: Sequence[str], *, stranger: bool) -> Outcome:
    dice = random.Random(mixed(f"{item.name}/{stranger}"))
    expected = menu(item, words, dice.randint(3, 8), stranger=stranger, dice=dice)
    return await ask(stt, item, expected, None if stranger else item.meaning)


async def _yes_no(stt: SpeechToText, item: Item) -> Outcome:
    expected = expected_answers({}, spec=InputSpec(kind="yes_no"))
    return await ask(stt, item, expected, YES if item.meaning == "yes" else NO)


def _by_row(values: list[Said]) -> dict[str, list[Said]]:
    """Values by who says them and what they are: people, espeak-ng, other voices."""
    found: dict[str, list[Said]] = {}
    for each in values:
        who = each.who if each.who == "people" else "espeak-ng" if "/espeak-" in each.name else "voices"
        found.setdefault(f"{each.row}, {who}", []).append(each)
    return dict(sorted(found.items()))


def _value_figures(answers: list[ValueOutcome]) -> dict[str, float]:
    count = len(answers)
    return {
        "answers": count,
        "right": sum(each.taken == each.said.value for each in answers) / count,
        "wrong": sum(each.taken not in (None, each.said.value) for each in answers) / count,
        "right after one confirmation": sum(each.said.value in (each.taken, each.offered) for each in answers)
        / count,
        "seconds p50": statistics.median(each.seconds for each in answers),
    }


def _share(items: list[Named], scale: float) -> list[Named]:
    ordered = sorted(items, key=lambda each: mixed(each.name))
    return ordered[: max(1, round(scale * len(ordered)))]


def _figures(known: list[Outcome], strangers: list[Outcome]) -> dict[str, float]:
    """Shares of answers, 0 to 1, and the seconds that an answer took."""
    count = len(known)
    answers = [*known, *strangers]
    return {
        "answers": count,
        "right": sum(each.right for each in known) / count,
        "wrong": sum(each.taken is not None and not each.right for each in known) / count,
        "right after one confirmation": sum(each.confirmed for each in known) / count,
        "strangers taken": sum(each.taken is not None for each in strangers) / max(1, len(strangers)),
        "strangers confirmed": sum(bool(each.offered) for each in strangers) / max(1, len(strangers)),
        "calibration error": _calibration_error(answers),
        "seconds p50": statistics.median(each.seconds for each in answers),
    }


def _calibration_error(outcomes: list[Outcome]) -> float:
    """Return the expected calibration error of the likeliest hypotheses (Naeini et al., 2015): the mean
    distance, in ``BINS`` bins of confidence, of the confidence to the share that was right."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for each in outcomes:
        if each.understood.hypotheses:
            best = each.understood.hypotheses[0]
            at = min(BINS - 1, int(best.confidence * BINS))
            bins[at].append((best.confidence, best.meaning == each.meaning))
    total = sum(len(each) for each in bins) or 1
    return sum(
        abs(statistics.mean(c for c, _ in each) - statistics.mean(r for _, r in each)) * len(each) / total
        for each in bins
        if each
    )


def _show(name: str, figures: dict[str, float]) -> None:
    shown = ", ".join(
        f"{key} {value:.0f}" if key == "answers" else f"{key} {value:.3f}" for key, value in figures.items()
    )
    print(f"{name}: {shown}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
