"""Text of a replay: decisions, differences and figures, as lines and tables."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.lab.replay.differences import Difference, Figures, Interruption
from ivr.session.decisions import Decision
from ivr.session.options import BargeInOptions

OMITTED = frozenset({"word_times"})
"""Details that are too long for a line."""
DEFAULT_OPTIONS = BargeInOptions().plain()
COLUMNS = ("length", "turns", "interruptions", "false interruptions", "ducks", "ignored")
CHANGES = ("gained", "lost", "false gained", "false lost")


def decision_line(decision: Decision) -> str:
    """A decision in one line: time, stage, rule, details."""
    rule = f" ({decision.rule})" if decision.rule else ""
    shown = {name: value for name, value in decision.details.items() if name not in OMITTED}
    details = "  ".join(f"{name}={_detail(name, value)}" for name, value in shown.items())
    return f"{seconds(decision.at)}  {decision.stage + rule:<24} {details}".rstrip()


def interruption_line(stopped: Interruption) -> str:
    """A stopped prompt in one line: time, number, rule, text."""
    what = f"prompt {stopped.prompt}" if stopped.prompt is not None else "a prompt"
    resumed = f", which resumed ({stopped.resumed})" if stopped.resumed else ""
    return f"{seconds(stopped.at)}  {what} by {stopped.rule or 'the caller'}{resumed}{quoted(stopped.text)}"


def seconds(at: int) -> str:
    """A sample of the session's clock (16 kHz) as seconds."""
    return f"{at / VAD_RATE:8.3f} s"


def quoted(text: str, most: int = 40) -> str:
    """The first ``most`` characters in quotes, after a colon; empty for no text."""
    short = text if len(text) <= most else text[: most - 3].rstrip() + "..."
    return f': "{short}"' if text else ""


def _detail(name: str, value: Any) -> str:
    if name in ("onset", "offset", "asked", "answered_at") and isinstance(value, int):
        return f"{value / VAD_RATE:.3f}s"
    if name == "options" and isinstance(value, Mapping):
        value = {key: item for key, item in value.items() if item != DEFAULT_OPTIONS.get(key)} or "default"
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{item}" for key, item in value.items())
    return repr(value) if isinstance(value, str) else str(value)


def difference_lines(change: Difference) -> list[str]:
    """What was gained and lost, one line each, confirmed interruptions first."""
    groups = {
        "lost": change.lost,
        "gained": change.gained,
        "false lost": change.false_lost,
        "false gained": change.false_gained,
    }
    lines = [
        f"  {name:<13} {interruption_line(each)}" for name, stopped in groups.items() for each in stopped
    ]
    later = [(new.at - old.at) * 1000 / VAD_RATE for old, new in change.kept]
    moved = [shift for shift in later if shift]
    if moved:
        lines.append(f"  {len(moved)} kept, but decided {min(moved):+.0f} to {max(moved):+.0f} ms later")
    return lines or ["  the same interruptions, confirmed and false"]


def about_unknown(count: int) -> str:
    """Warn that ``count`` turns had no transcript and were taken for words."""
    which = "1 turn was" if count == 1 else f"{count} turns were"
    return f"{which} not transcribed on the call and taken for words here (--stt asks an engine)"


def table(rows: Iterable[tuple[str, Figures, Difference | None]]) -> list[str]:
    """One row for each call and one for their totals; with gains and losses where there is a comparison."""
    body: list[list[str]] = []
    total, changes = Figures(), [0] * len(CHANGES)
    compared = False
    for name, each, change in rows:
        total += each
        cells = [name, *_cells(each)]
        if change is not None:
            compared = True
            counts = [
                len(each) for each in (change.gained, change.lost, change.false_gained, change.false_lost)
            ]
            changes = [a + b for a, b in zip(changes, counts, strict=True)]
            cells += map(str, counts)
        body.append(cells)
    last = [f"{len(body)} call{'s' if len(body) != 1 else ''}", *_cells(total)]
    head = ["call", *COLUMNS]
    if compared:
        last += map(str, changes)
        head += CHANGES
    widths = [max(len(row[i]) for row in [head, *body, last]) for i in range(len(head))]
    rule = "  ".join("-" * width for width in widths)
    return [_row(head, widths), rule, *(_row(row, widths) for row in body), rule, _row(last, widths)]


def _cells(each: Figures) -> list[str]:
    return [f"{each.seconds:.1f} s", *(str(n) for n in dataclasses.astuple(each)[1:])]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = list(zip(cells, widths, strict=True))
    return "  ".join([pairs[0][0].ljust(pairs[0][1]), *(cell.rjust(width) for cell, width in pairs[1:])])
