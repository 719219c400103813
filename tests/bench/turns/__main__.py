"""``python -m tests.bench.turns [ROW ...]``: turn-taking, through ``process_audio``."""

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import structlog

from ivr.modelstore import model_path
from ivr.vad.silero import SileroModel
from tests.bench import report
from tests.bench.turns import columns, cost, wire
from tests.bench.turns.corpus import Corpus
from tests.bench.turns.recordings import SOURCES
from tests.bench.turns.row import Row
from tests.bench.turns.rows import Bench, heard_text

WIRE, WHISPER, HEARD, COST = "wire", "whisper", "heard", "cost"
ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "interruptions": Bench.interruptions,
    "false-alarms": Bench.false_alarms,
    "backchannels": Bench.backchannels,
    "echo": Bench.echo,
    "false-stops": Bench.false_interruptions,
    "endings": Bench.endings,
    "answers": Bench.answers,
}


def main() -> int:
    every = [*ROWS, WHISPER, HEARD, WIRE, COST]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.turns", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *every], metavar="ROW", help=", ".join(every))
    parser.add_argument("--scale", type=float, default=1.0, help="share of the clips (1: each once or twice)")
    parser.add_argument("--seed", type=int, default=1, help="of the lines and places (1)")
    parser.add_argument("--split", choices=("report", "choose"), default="report", help="which clips")
    parser.add_argument("--columns", default="", help="only those whose names contain this")
    parser.add_argument("--whisper", type=int, default=40, help="scenes of each kind for Whisper (40)")
    parser.add_argument("--cuts", type=int, default=30, help="prompts cut, of Piper and of recordings (30)")
    parser.add_argument("--trials", type=int, default=60, help="interruptions at the wire (60)")
    parser.add_argument("--at-once", type=int, default=3, help="calls at once at the wire (3)")
    parser.add_argument("--calls", type=int, default=50, help="sessions of the cost row (50)")
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="for the JSON and the voices")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))

    where = report.machine()
    print(report.describe(where), flush=True)
    corpus = Corpus(options.out / "voices")
    chosen = [c for c in columns.columns(SileroModel(model_path("silero"))) if options.columns in c.name]
    bench = Bench(corpus, chosen, options.scale, options.seed, options.split)
    rows: list[Row] = []
    names = [c.name for c in chosen]
    for name in options.rows or every:
        print(f"... {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        if name == WIRE:
            with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder:
                clips = corpus.clips("interruption", options.split)
                made = wire.run(Path(folder), clips, options.trials, options.at_once, options.seed)
        elif name == COST:
            made = cost.run(corpus.clips("interruption"), bench.prompts[0], options.calls, 15.0)
        elif name == WHISPER:
            made = bench.understood_by_whisper(options.whisper)
        elif name == HEARD:
            made = heard_text(options.cuts, options.seed)
        else:
            made = ROWS[name](bench)
        rows += made
        print(table(made, names), f"\n    {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(rows, names))
    print(f"written to {save(options.out, rows, {**where, 'sources': SOURCES, 'options': vars(options)})}")
    return 0 if all(row.passed() for row in rows) else 1


def table(rows: list[Row], names: list[str]) -> str:
    """A Markdown table: a row a figure, a column a policy."""
    cells = [["figure", "to reach", *names, ""]]
    for row in rows:
        verdict = ("pass" if row.passed() else "FAIL") if row.limits else ""
        cells.append([row.name, row.target, *(_cell(row, name) for name in names), verdict])
    widths = [max(len(line[n]) for line in cells) for n in range(len(cells[0]))]

    def line(row: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"

    return "\n".join([line(cells[0]), line(["-" * w for w in widths]), *(line(c) for c in cells[1:])])


def _cell(row: Row, column: str) -> str:
    values = row.values.get(column, [])
    missed = row.missed.get(column, 0)
    if not values:
        return f"never ({missed})" if missed else "-"
    if row.unit == "%":
        return f"{row.statistic(column, 'share'):.1f} % ({sum(values):.0f} of {len(values)})"
    if row.unit.startswith("%"):
        return f"{row.statistic(column, 'p50'):.2f} %"
    shown = f"{row.statistic(column, 'p50'):.0f} / {row.statistic(column, 'p95'):.0f} ({len(values)})"
    return shown + (f", never {missed}" if missed else "")


def save(folder: Path, rows: list[Row], where: dict[str, object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"turns-{time.strftime('%Y%m%d-%H%M%S')}.json"
    content = {"machine": where, "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
