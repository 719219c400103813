"""What differs between two ways to decide the same call; figures of a call; both as text."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.session.decisions import Decision
from ivr.session.options import BargeInOptions

SAME_WITHIN_S = 1.5
"""Two interruptions of one prompt no further apart are the same one, decided sooner or later."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A prompt that was stopped."""

    at: int
    """Samples of 16 kHz."""
    prompt: Any
    rule: str
    text: str
    """Of the prompt."""
    resumed: str = ""
    """Why it went on; nothing when it did not."""

    def __str__(self) -> str:
        what = f"prompt {self.prompt}" if self.prompt is not None else "a prompt"
        went_on = f", which went on ({self.resumed})" if self.resumed else ""
        return f"{seconds(self.at)}  {what} by {self.rule or 'the caller'}{went_on}{quoted(self.text)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """From one way to decide a call to another. False stops (the prompt went on) stand apart."""

    gained: tuple[Interruption, ...]
    lost: tuple[Interruption, ...]
    kept: tuple[tuple[Interruption, Interruption], ...]
    false_gained: tuple[Interruption, ...] = ()
    false_lost: tuple[Interruption, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.gained or self.lost or self.false_gained or self.false_lost)


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
    """The stops that were confirmed, or at least not taken back by a ``resume`` of the same prompt."""
    return [each for each in stops(decisions) if not each.resumed]


def false_stops(decisions: Sequence[Decision]) -> list[Interruption]:
    """The stops after which the prompt went on."""
    return [each for each in stops(decisions) if each.resumed]


def stops(decisions: Sequence[Decision]) -> list[Interruption]:
    texts = {
        d.details.get("prompt"): str(d.details.get("text", "")) for d in decisions if d.stage == "say_started"
    }
    found: list[Interruption] = []
    for decision in decisions:
        prompt = decision.details.get("prompt")
        if decision.stage == "stop":
            found.append(Interruption(decision.at, prompt, decision.rule, texts.get(prompt, "")))
        elif decision.stage == "resume":
            place = next((i for i in reversed(range(len(found))) if found[i].prompt == prompt), None)
            if place is not None:
                found[place] = dataclasses.replace(found[place], resumed=decision.rule or "no words")
    return found


def difference(before: Sequence[Decision], after: Sequence[Decision]) -> Difference:
    """Stops are the same when they stopped the same prompt at about the same time."""
    gained, lost, kept = _matched(interruptions(before), interruptions(after))
    false_gained, false_lost, _ = _matched(false_stops(before), false_stops(after))
    return Difference(tuple(gained), tuple(lost), tuple(kept), tuple(false_gained), tuple(false_lost))


def _matched(
    before: Sequence[Interruption], after: Sequence[Interruption]
) -> tuple[list[Interruption], list[Interruption], list[tuple[Interruption, Interruption]]]:
    """What is new, what is gone, what is the same."""
    gained, lost, kept = [], list(before), []
    for new in after:
        near = [old for old in lost if old.prompt == new.prompt and _apart(old, new) <= SAME_WITHIN_S]
        if near:
            old = min(near, key=lambda each: _apart(each, new))
            lost.remove(old)
            kept.append((old, new))
        else:
            gained.append(new)
    return gained, lost, kept


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

UNTOLD = frozenset({"word_times"})
"""Details that are too long for a line."""
USUAL = BargeInOptions().plain()


def line(decision: Decision) -> str:
    """A decision for people: time, stage, rule, details."""
    rule = f" ({decision.rule})" if decision.rule else ""
    told = {name: value for name, value in decision.details.items() if name not in UNTOLD}
    details = "  ".join(f"{name}={_shown(name, value)}" for name, value in told.items())
    return f"{seconds(decision.at)}  {decision.stage + rule:<24} {details}".rstrip()


def seconds(at: int) -> str:
    return f"{at / VAD_RATE:8.3f} s"


def quoted(text: str, most: int = 40) -> str:
    short = text if len(text) <= most else text[: most - 3].rstrip() + "..."
    return f': "{short}"' if text else ""


def _shown(name: str, value: Any) -> str:
    if name in ("onset", "offset", "asked", "answered_at") and isinstance(value, int):
        return f"{value / VAD_RATE:.3f}s"
    if name == "options" and isinstance(value, Mapping):
        value = {key: item for key, item in value.items() if item != USUAL.get(key)} or "usual"
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{item}" for key, item in value.items())
    return repr(value) if isinstance(value, str) else str(value)


def report(change: Difference) -> list[str]:
    """What was gained and lost, a line each, the interruptions first."""
    groups = {
        "lost": change.lost,
        "gained": change.gained,
        "false stop lost": change.false_lost,
        "false stop gained": change.false_gained,
    }
    lines = [f"  {name:<18} {each}" for name, stopped in groups.items() for each in stopped]
    later = [(new.at - old.at) * 1000 / VAD_RATE for old, new in change.kept]
    moved = [shift for shift in later if shift]
    if moved:
        lines.append(f"  {len(moved)} kept, but decided {min(moved):+.0f} to {max(moved):+.0f} ms later")
    return lines or ["  the same interruptions and false stops"]


def about_unknown(count: int) -> str:
    """What is to be known of a replay in which so many turns were taken for words."""
    which = "1 turn was" if count == 1 else f"{count} turns were"
    return f"{which} not transcribed on the call and taken for words here (--stt asks an engine)"


COLUMNS = ("length", "turns", "interruptions", "false stops", "ducks", "ignored")
CHANGES = ("gained", "lost", "false gained", "false lost")


def table(rows: Iterable[tuple[str, Figures, Difference | None]]) -> list[str]:
    """One row a call and their totals; what is gained and lost where there is something to compare with."""
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
