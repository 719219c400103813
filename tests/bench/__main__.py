"""``python -m tests.bench [ROW ...]``."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import answer, barge_in, churn, gaps, leak, quiet, report, setup
from tests.bench.report import Figure
from tests.bench.stage import Stage

ROWS: dict[str, Callable[[Stage, argparse.Namespace], list[Figure]]] = {
    "barge-in": lambda stage, o: barge_in.run(stage, o.trials or 60, o.at_once, key=False),
    "dtmf": lambda stage, o: barge_in.run(stage, o.trials or 60, o.at_once, key=True),
    "quiet": lambda stage, o: quiet.run(stage),
    "setup": lambda stage, o: setup.run(stage, o.trials or 60),
    "answer": lambda stage, o: [
        *answer.run(stage, o.trials or 40),
        *answer.run(stage, o.trials or 40, o.at_once),
    ],
    "gaps": lambda stage, o: gaps.run(stage, o.seconds),
    "callback": lambda stage, o: [*barge_in.run(stage, o.trials or 30, o.at_once, key=False)[1:]],
    "churn": lambda stage, o: churn.run(stage, o.seconds, o.at_once),
    "leak": lambda stage, o: leak.run(stage, o.calls),
}
"""What can be asked for. Without a row all but ``callback`` are run: the others count callbacks too."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[[], *ROWS], metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--trials", type=int, help="trials of a row (60; 40 answers)")
    parser.add_argument(
        "--at-once", type=int, default=3, help="calls at once (3: what the stock build holds)"
    )
    parser.add_argument("--calls", type=int, default=500, help="calls of the leak row (500)")
    parser.add_argument("--seconds", type=float, default=60, help="length of the gaps and churn rows (60)")
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="where the JSON goes")
    options = parser.parse_args()
    rows = options.rows or [row for row in ROWS if row != "callback"]

    where = report.machine()
    print(report.describe(where), flush=True)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder:
        stage = Stage(Path(folder))
        for row in rows:
            print(f"... {row}", file=sys.stderr, flush=True)
            made = ROWS[row](stage, options)
            figures += made
            print(report.table(made), file=sys.stderr, flush=True)
    print(report.table(figures))
    print(f"written to {report.save(options.out, figures, where)}")
    return 0 if all(figure.passed for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
