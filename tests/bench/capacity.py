"""How many calls one core carries, and what one costs beside Asterisk's (``make bench-capacity``)."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import hold, report
from tests.bench.hold import KINDS, Held, SetUp, Window
from tests.bench.report import Figure
from tests.bench.sides import SPARE, AsteriskSide, ServiceSide, Side
from tests.bench.stage import Stage, finish
from tests.caller.crowd import Record, record
from tests.pbx.running import NoPbx

RECORDED_PERCENT = 0.21
"""Asterisk 22's processor time for a call, in percent of a core, measured on another machine."""
LATE_P99_MS = 20.0
"""How late the crowd's packets may leave: beyond a packet's time it is no stream as a phone sends it. What
was received is not touched by it (the kernel stamps it), nor an onset (when the packet really left)."""
CROWD_CORE = 0.9
"""Share of its core that the crowd may need."""
PLAYING = 0.95
"""Loud packets that every call must be sent, of those that are due: the prompt plays all the time."""
FRAME_S = 0.02
LISTENING = 0.7
"""Onsets the service must report for each turn that the callers began: it listens to everybody."""
OTHERS_SHARE = 0.05
"""Share of the measured core that others may use before that is said."""
FULL = 0.97
"""Share of its core above which a side is not carrying its calls but dropping them."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.capacity", description=__doc__)
    parser.add_argument("--calls", type=int, default=250, help="calls to be held (250)")
    parser.add_argument("--seconds", type=float, default=20, help="length of the window of conversation (20)")
    parser.add_argument("--rounds", type=int, default=2, help="times that the two sides take turns (2)")
    parser.add_argument("--rate", type=float, default=50, help="calls a second of the set-up row (50)")
    parser.add_argument("--rate-seconds", type=float, default=30, help="length of the set-up row (30)")
    parser.add_argument("--stay", type=float, default=3, help="seconds each of its calls lasts (3)")
    parser.add_argument("--no-asterisk", action="store_true", help="compare with the recorded figure")
    parser.add_argument("--core", type=int, help="the core of the side that is measured (the first)")
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="where the JSON goes")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("two cores are needed: one for what is measured, one for the callers", file=sys.stderr)
        return 2
    limit = json.loads(subprocess.check_output([sys.executable, "-m", "ivr.sip.pjsip.probe"]))["max_calls"]
    if limit < options.calls + SPARE:
        print(
            f"the installed PJSUA2 holds {limit} calls: `make bench-capacity` installs the carrier build",
            file=sys.stderr,
        )
        return 2
    core = cores[0] if options.core is None else options.core
    other = next(c for c in cores[::-1] if c != core)

    where = {**report.machine(), "measured_core": core, "callers_core": other}
    print(report.describe(where), flush=True)
    made = hold.make_sounds()
    held: dict[str, list[Held]] = {"service": [], "Asterisk": []}
    with tempfile.TemporaryDirectory(prefix="ivr-bench-") as folder:
        stage = Stage(Path(folder))
        sides: list[Callable[[], Side]] = [lambda: ServiceSide(stage, options.calls, core, other)]
        if not options.no_asterisk:
            try:
                AsteriskSide(stage, options.calls, core, other)
                sides.append(lambda: AsteriskSide(stage, options.calls, core, other))
            except NoPbx as error:
                print(f"no Asterisk here: {error}", file=sys.stderr)
        for _ in range(options.rounds):
            for make in sides:
                with make() as side:
                    print(f"... {side.name}: {options.calls} calls", file=sys.stderr, flush=True)
                    one = hold.hold(side, made, options.calls, options.seconds, other)
                held[one.side].append(one)
                print(describe(one), file=sys.stderr, flush=True)
        # Room for twice the calls there are at a time when all goes well: what is late must not be refused.
        room = max(options.calls, round(2 * options.rate * options.stay))
        with ServiceSide(stage, room, core, other) as side:
            print(f"... set-up: {options.rate:g} calls a second", file=sys.stderr, flush=True)
            fast = hold.set_up(side, made, options.rate, options.rate_seconds, options.stay, other)
            media = finish(side.service)
    figures = [
        *processor_figures(held["service"], held["Asterisk"], made),
        *held_figures(held["service"], options.calls),
        *set_up_figures(fast, options.rate, options.rate_seconds, media),
    ]
    print(report.table(figures))
    for figure in figures:
        for reason in figure.notes.get("refused", []):
            print(f"not measured: {figure.name}: {reason}")
    others = [w.others for runs in held.values() for one in runs for w in one.windows.values()]
    if max([*others, fast.window.others]) > OTHERS_SHARE:
        print(f"disturbed: others used up to {max(others):.0%} of the measured core; see README.md")
    print(f"written to {report.save(options.out, figures, where)}")
    return 0 if all(figure.passed for figure in figures) else 1


# -- whether what was measured is the side's, and not the crowd's


def callers_fault(heard: Record, window: Window) -> list[str]:
    """Why the crowd was no fit measure in that window; empty when it was."""
    wrong = []
    late = heard.late_ms(window.start, window.end)
    p99 = float(np.percentile(late, 99)) if len(late) else 0.0
    if p99 > LATE_P99_MS:
        wrong.append(f"the callers' packets left late (p99 {p99:.1f} ms)")
    if heard.dropped or heard.refused:
        wrong.append(f"the callers lost {heard.dropped} packets that had come, {heard.refused} going out")
    if window.callers_s / window.seconds > CROWD_CORE:
        wrong.append("the callers needed their whole core")
    return wrong


def unfit(held: Held, kind: str, made: hold.Sounds) -> list[str]:
    """Why the processor time of a window is not that of calls as they should be; empty when it is."""
    assert held.heard is not None
    window = held.windows[kind]
    wrong = callers_fault(held.heard, window)
    if window.busy > FULL:
        wrong.append(f"{held.side} was at the limit of its core")
    if held.kept != held.asked:
        wrong.append(f"{held.side} held {held.kept} calls of {held.asked}")
    due = window.seconds / FRAME_S
    loud = [
        int(record.loud(packets).sum()) / due
        for _, packets in held.heard.each(held.calls, window.start, window.end)
    ]
    if not loud or min(loud) < PLAYING:
        wrong.append(f"{held.side} did not play its prompt on every call all the time")
    if held.side == "service" and kind == "conversation":
        began = made.turns_per_s * window.seconds * len(held.calls)
        if window.onsets < LISTENING * began:
            wrong.append(f"the service noticed {window.onsets} of {began:.0f} turns")
    return wrong


# -- figures


def refused(figure: Figure, reasons: Sequence[str]) -> Figure:
    """The figure without its values when there are reasons; they go to its notes."""
    if reasons:
        figure.notes = {**figure.notes, "refused": sorted(set(reasons)), "values_refused": figure.values}
        figure.missed, figure.values = 1, []
    return figure


def processor_figures(ours: list[Held], theirs: list[Held], made: hold.Sounds) -> list[Figure]:
    figures = []
    for kind in KINDS:
        costs = {}
        for name, runs in (("service", ours), ("Asterisk", theirs)):
            if not runs:
                continue
            reasons = [reason for held in runs for reason in unfit(held, kind, made)]
            notes = {"windows": [window_notes(held, kind) for held in runs], "loud_share": made.share[kind]}
            title = f"processor time of a call, {kind}, {name}"
            values = [held.percent(kind) for held in runs]
            costs[name] = refused(Figure(title, "% of a core", values, [], 0, notes), reasons)
        service = costs["service"]
        if "Asterisk" in costs:
            ratios = [a / b for a, b in zip(service.values, costs["Asterisk"].values, strict=False)]
            beside = "the service's beside Asterisk's"
        else:
            ratios = [value / RECORDED_PERCENT for value in service.values]
            beside = f"the service's beside Asterisk's of {RECORDED_PERCENT} % on another machine"
        ratio = Figure(f"{beside}, {kind}", "ratio", ratios, [("p50", 1.5)] if kind == "conversation" else [])
        ratio.missed = 0 if ratios else 1
        figures += [*costs.values(), ratio]
    memory = [held.mb_a_call for held in ours]
    notes = {"idle_mb": [h.idle_mb for h in ours], "held_mb": [h.held_mb for h in ours]}
    figures.append(Figure("memory of a call above the idle worker", "MB", memory, [("max", 0.5)], 0, notes))
    return figures + asterisk_figures(theirs) if theirs else figures


def window_notes(held: Held, kind: str) -> dict[str, Any]:
    assert held.heard is not None
    window = held.windows[kind]
    late = held.heard.late_ms(window.start, window.end)
    threads: dict[str, float] = {}
    for number, (name, seconds) in window.spent.threads.items():
        share = seconds / window.seconds
        name = f"{name}/{number}" if share > 0.01 else name  # small ones of a name are one
        threads[name] = threads.get(name, 0.0) + share
    return {
        "core_used": window.busy,
        "core_used_idle": held.idle,
        "threads": {name: share for name, share in threads.items() if share > 0.001},
        "core_used_by_others": window.others,
        "crowd_core_used": window.callers_s / window.seconds,
        "crowd_late_ms": {f"p{q}": float(np.percentile(late, q)) for q in (50, 99, 100)},
        "onsets": window.onsets,
        "calls": len(held.calls),
    }


def asterisk_figures(runs: list[Held]) -> list[Figure]:
    """What else there is to know of it, for comparison."""
    between, lost, reasons = sent(runs)
    memory = Figure("memory of a call above the idle Asterisk", "MB", [held.mb_a_call for held in runs], [])
    gap = Figure("gap between RTP packets that Asterisk sent", "ms", record.quantiles(between), [])
    gap.notes = {"gaps": len(between), "lost": lost}
    return [memory, refused(gap, reasons)]


def sent(runs: list[Held]) -> tuple[np.ndarray, int, list[str]]:
    """What the callers were sent while all calls were up: gaps in ms, packets lost; why that counts not."""
    between: list[np.ndarray] = [np.empty(0)]
    lost = 0
    reasons: list[str] = []
    for held in runs:
        assert held.heard is not None
        reasons += [r for w in held.windows.values() for r in callers_fault(held.heard, w)]
        if held.kept != held.asked:
            reasons.append(f"{held.side} held {held.kept} calls of {held.asked}")
        for _, packets in held.heard.each(held.calls, *held.span):
            between.append(record.gaps_ms(packets, *held.span))
            lost += record.lost(packets)
    return np.concatenate(between), lost, reasons


def held_figures(runs: list[Held], calls: int) -> list[Figure]:
    """Measure what callers of the service are sent while so many calls are held, and how fast it yields."""
    every, lost, reasons = sent(runs)
    cuts = [t.ms for held in runs for t in held.trials if t.ms is not None]
    missed = sum(t.ms is None for held in runs for t in held.trials)
    not_playing = sum(held.not_playing for held in runs)
    kept = record.quantiles(every)
    notes: dict[str, Any] = {"gaps": len(every), "side_dropped": [held.side_drops for held in runs]}
    gap = Figure(f"gap between RTP packets sent, {calls} calls", "ms", kept, [("p99", 30)], 0, notes)
    loss = Figure(f"RTP packets lost of {len(every)}", "packets", [float(lost)], [("max", 0)])
    trials = {
        "by_sound": [(t.what, t.ms) for held in runs for t in held.trials],
        "no_prompt_playing": not_playing,
        "transcripts_took_ms": [held.transcripts_ms for held in runs],
        "windows": [window_notes(held, "interruptions") for held in runs],
    }
    name = f"onset → last loud prompt packet, {calls} calls held"
    barge_in = Figure(name, "ms", cuts, [("p95", 250)], missed if cuts else max(1, missed), trials)
    figures = [refused(figure, reasons) for figure in (gap, loss, barge_in)]
    whole = all(figure.passed for figure in figures)
    figures.append(
        Figure("calls held on one core, all three reached", "calls", [float(calls if whole else 0)], [])
    )
    figures[-1].floors = [("min", 250)]
    return figures


def set_up_figures(fast: SetUp, rate: float, seconds: float, media: dict[str, Any]) -> list[Figure]:
    reasons = callers_fault(fast.heard, fast.window)
    answered = [(c.answered - c.invited) * 1000 for c in fast.calls if c.status == 200]
    failed = float(fast.failures.total())
    notes = {
        "failures": dict(fast.failures),
        "core_used": fast.window.busy,
        "core_used_by_others": fast.window.others,
        "side_dropped": fast.side_drops,
        "media": media,
    }
    load = f"{rate:g} calls a second for {seconds:g} s"
    return [
        refused(Figure(f"calls that failed, {load}", "calls", [failed], [("max", 0)], 0, notes), reasons),
        Figure("calls a second that were dialled", "calls/s", [fast.rate], [], floors=[("min", 49.5)]),
        refused(Figure(f"INVITE → 200 OK, {load}", "ms", answered, [("p99", 100)]), reasons),
        refused(Figure(f"200 OK → prompt's first loud packet, {load}", "ms", fast.to_prompt_ms, []), reasons),
    ]


def describe(held: Held) -> str:
    """A run in a few lines, as it goes by."""
    lines = [f"    idle {held.idle:.1%} of the core, {held.idle_mb:.0f} MB; then {held.held_mb:.0f} MB"]
    for kind, window in held.windows.items():
        notes = window_notes(held, kind)
        threads = sorted(notes["threads"].items(), key=lambda item: -item[1])[:6]
        lines.append(
            f"    {kind}: {window.busy:.1%} of the core, others on it {window.others:.1%}, callers "
            f"{notes['crowd_core_used']:.1%} of theirs, late p99 {notes['crowd_late_ms']['p99']:.1f} ms; "
            + ", ".join(f"{name} {share:.1%}" for name, share in threads)
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
