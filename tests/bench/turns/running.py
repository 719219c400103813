"""Scenes through the columns, and what is counted of their traces."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from ivr.session import Decision
from ivr.speech.registry import create_stt
from tests.bench.turns import drive
from tests.bench.turns.columns import Column
from tests.bench.turns.line import RATE
from tests.bench.turns.row import Row, Score
from tests.bench.turns.scene import Scene, Trace


def run(
    scenes: Sequence[Scene], columns: Sequence[Column], rows: dict[str, Row], score: Score, engine: str = ""
) -> list[Row]:
    """Run scenes. With an ``engine`` only the first column: words change nothing in the others."""
    turns = all(scene.prompt is None for scene in scenes)
    for column in columns[:1] if engine else columns:
        if column.turns_only and not turns:
            continue
        trials: list[dict[str, Any]] = []
        for trace in asyncio.run(_traces(scenes, column, engine)):
            found = score(trace)
            for name, value in found.items():
                if value is None:
                    rows[name].missed[column.name] = rows[name].missed.get(column.name, 0) + 1
                else:
                    rows[name].values.setdefault(column.name, []).append(value)
            trials.append(_note(trace, found))
        next(iter(rows.values())).notes[column.name] = trials
        print(f"    {column.name}: {len(scenes)} scenes", file=sys.stderr, flush=True)
    return list(rows.values())


async def _traces(scenes: Sequence[Scene], column: Column, engine: str) -> list[Trace]:
    """``engine``: a recogniser's name; without one the truth is understood."""
    stt = create_stt(engine) if engine else None
    if stt is not None:
        await stt.start()
    try:
        return [await drive.run(scene, column, stt) for scene in scenes]
    finally:
        if stt is not None:
            await stt.aclose()


def _note(trace: Trace, found: dict[str, float | None]) -> dict[str, Any]:
    scene, c = trace.scene, trace.scene.condition
    return {
        "scene": scene.name, "clip": scene.clip.name if scene.clip else None, "level": round(c.level_dbm0, 1),
        "loss": c.loss, "echo": None if c.echo is None else [c.echo.delay_ms, c.echo.loss_db], "seed": c.seed,
        "found": found, "turns": [t.text for t in trace.turns],
        "decisions": [f"{at / RATE:.3f} {d.stage} {d.rule} {_short(d)}".strip() for at, d in trace.decisions],
        "onset_s": round(scene.onset / RATE, 3), "offset_s": round(scene.offset / RATE, 3),
    }  # fmt: skip


def _short(decision: Decision) -> str:
    names = ("probability", "duration_ms", "text", "words", "reason", "echo", "name")
    found = {name: decision.details[name] for name in names if name in decision.details}
    return " ".join(f"{name}={value}" for name, value in found.items())
