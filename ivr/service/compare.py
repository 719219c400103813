"""What differs between two ways to decide the same call; figures of a call; both as text."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.session.decisions import Decision

SAME_WITHIN_S = 1.5
"""Two interruptions of one prompt no further apart are the same one, decided sooner or later."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A prompt that was stopped, and did not go on."""

    at: int
    """Samples of 16 kHz."""
    prompt: Any
    rule: str
    text: str
    """Of the prompt."""

    def __str__(self) -> str:
        what = f"prompt {self.prompt}" if self.prompt is not None else "a prompt"
        return f"{seconds(self.at)}  {what} by {self.rule or 'the caller'}{quoted(self.text)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """From one list of interruptions to another."""

    gained: tuple[Interruption, ...]
    lost: tuple[Interruption, ...]
    kept: tuple[tuple[Interruption, Interruption], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one call, or the sum of many."""

    seconds: float = 0.0
    turns: int = 0
    """Of the caller's speech."""
    interruptions: int = 0
    false_stops: int = 0
    """Stops after which the prompt went on."""
    ducks: int = 0
    ignored: int = 0
    """Times that speech did not stop a prompt, and why was noted."""

    def __add__(self, other: "Figures") -> "Figures":
        ours, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Figures(*(a + b for a, b in zip(ours, theirs, strict=True)))


def interruptions(decisions: Sequence[Decision]) -> list[Interruption]:
    """The stops, but for those that a ``resume`` of the same prompt took back."""
    texts = {
        d.details.get("prompt"): str(d.details.get("text", "")) for d in decisions if d.stage == "say_started"
    }
    found: list[Interruption] = []
    for decision in decisions:
        prompt = decision.details.get("prompt")
        if decision.stage == "stop":
            found.append(Interruption(decision.at, prompt, decision.rule, texts.get(prompt, "")))
        elif decision.stage == "resume":
            last = next((each for each in reversed(found) if each.prompt == prompt), None)
            if last is not None:
                found.remove(last)
    return found


def difference(before: Sequence[Decision], after: Sequence[Decision]) -> Difference:
    """Interruptions are the same when they stopped the same prompt at about the same time."""
    lost = interruptions(before)
    gained, kept = [], []
    for new in interruptions(after):
        near = [old for old in lost if old.prompt == new.prompt and _apart(old, new) <= SAME_WITHIN_S]
        if near:
            old = min(near, key=lambda each: _apart(each, new))
            lost.remove(old)
            kept.append((old, new))
        else:
            gained.append(new)
    return Difference(tuple(gained), tuple(lost), tuple(kept))


def _apart(a: Interruption, b: Interruption) -> float:
    return abs(a.at - b.at) / VAD_RATE


def figures(length_s: float, decisions: Sequence[Decision]) -> Figures:
    count = {
        stage: sum(d.stage == stage for d in decisions) for stage in ("turn_ended", "stop", "duck", "ignore")
    }
    stopped = len(interruptions(decisions))
    return Figures(
        length_s, count["turn_ended"], stopped, count["stop"] - stopped, count["duck"], count["ignore"]
    )


# -- as text


def line(decision: Decision) -> str:
    """A decision for people: time, stage, rule, details."""
    rule = f" ({decision.rule})" if decision.rule else ""
    details = "  ".join(f"{name}={_shown(name, value)}" for name, value in decision.details.items())
    return f"{seconds(decision.at)}  {decision.stage + rule:<24} {details}".rstrip()


def seconds(at: int) -> str:
    return f"{at / VAD_RATE:8.3f} s"


def quoted(text: str, most: int = 40) -> str:
    short = text if len(text) <= most else text[: most - 3].rstrip() + "..."
    return f': "{short}"' if text else ""


def _shown(name: str, value: Any) -> str:
    if name in ("onset", "offset") and isinstance(value, int):
        return f"{value / VAD_RATE:.3f}s"
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{item}" for key, item in value.items())
    return repr(value) if isinstance(value, str) else str(value)


def report(change: Difference) -> list[str]:
    """What was gained and lost, a line each."""
    lines = [f"  lost    {each}" for each in change.lost] + [f"  gained  {each}" for each in change.gained]
    later = [(new.at - old.at) * 1000 / VAD_RATE for old, new in change.kept]
    moved = [shift for shift in later if shift]
    if moved:
        lines.append(f"  {len(moved)} kept, but decided {min(moved):+.0f} to {max(moved):+.0f} ms later")
    return lines or ["  the same interruptions"]


COLUMNS = ("length", "turns", "interruptions", "false stops", "ducks", "ignored")


def table(rows: Iterable[tuple[str, Figures, Difference | None]]) -> list[str]:
    """One row a call and their totals; ``gained`` and ``lost`` where there is something to compare with."""
    body: list[list[str]] = []
    total, gained, lost, compared = Figures(), 0, 0, False
    for name, each, change in rows:
        total += each
        cells = [name, *_cells(each)]
        if change is not None:
            compared = True
            gained, lost = gained + len(change.gained), lost + len(change.lost)
            cells += [str(len(change.gained)), str(len(change.lost))]
        body.append(cells)
    last = [f"{len(body)} call{'s' if len(body) != 1 else ''}", *_cells(total)]
    head = ["call", *COLUMNS]
    if compared:
        last += [str(gained), str(lost)]
        head += ["gained", "lost"]
    widths = [max(len(row[i]) for row in [head, *body, last]) for i in range(len(head))]
    rule = "  ".join("-" * width for width in widths)
    return [_row(head, widths), rule, *(_row(row, widths) for row in body), rule, _row(last, widths)]


def _cells(each: Figures) -> list[str]:
    return [f"{each.seconds:.1f} s", *(str(n) for n in dataclasses.astuple(each)[1:])]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = list(zip(cells, widths, strict=True))
    return "  ".join([pairs[0][0].ljust(pairs[0][1]), *(cell.rjust(width) for cell, width in pairs[1:])])
