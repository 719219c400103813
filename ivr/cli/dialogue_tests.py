"""``ivr test``: run the dialogues that are written beside plans, report which fail and what none reaches."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.junit import junit
from ivr.dialplan.dialogue.memory import run_in_memory
from ivr.dialplan.dialogue.reader import DialogueFile, load_dialogues
from ivr.dialplan.dialogue.runner import Outcome
from ivr.service.config.settings import Settings

Way = Literal["memory", "speech", "sip"]


@dataclass(frozen=True, slots=True)
class TestOptions:
    """What was asked for."""

    __test__ = False  # no class of tests

    way: Way = "memory"
    only: str = ""
    """Part of the names of the dialogues to run; empty: all."""
    coverage: bool = False
    cover: float = 0.0
    """Minimum coverage of each plan, percent."""
    junit: Path | None = None


def run_tests(
    settings: Settings, plans: Iterable[Path], options: TestOptions, out: Callable[[str], None]
) -> int:
    """The exit code: 0 when all dialogues pass and enough is covered, 1 when not. Raises PlanError for a file
    that cannot be used, OSError for one that cannot be written, and what the engines of ``speech`` and
    ``sip`` raise.
    """
    files = [load_dialogues(plan) for plan in plans]
    suites: list[tuple[Path, str, list[Outcome]]] = []
    short = False
    for file in files:
        coverage = Coverage(file.plan)
        outcomes = _run(settings, file, options, coverage, out)
        suites.append((file.path, file.plan.name, outcomes))
        out(_summary(file, outcomes))
        if options.coverage or options.cover:
            for line in _reported(file, coverage):
                out(line)
            short = short or coverage.percent < options.cover
            if coverage.percent < options.cover:
                out(
                    f"{file.plan.path}: covered to {coverage.percent:.1f}%, {options.cover:g}% were asked for"
                )
    if options.junit is not None:
        options.junit.write_bytes(junit(suites))
    failed = any(outcome.failure is not None for _, _, outcomes in suites for outcome in outcomes)
    return 1 if failed or short else 0


def _run(
    settings: Settings,
    file: DialogueFile,
    options: TestOptions,
    coverage: Coverage,
    out: Callable[[str], None],
) -> list[Outcome]:
    chosen = [each for each in file.dialogues if options.only.casefold() in each.name.casefold()]

    def done(outcome: Outcome) -> None:
        for line in _failure(file, outcome):
            out(line)
        if options.way != "memory" and outcome.failure is None:
            out(f"pass {outcome.dialogue.name} ({outcome.call_s:.1f} s of a call in {outcome.took_s:.1f} s)")
        outcome.events = []

    if options.way == "memory":
        return run_in_memory(file, chosen, config=settings.session, coverage=coverage, done=done)
    if options.way == "speech":
        from ivr.lab.dialogues.speech import run_with_speech

        return run_with_speech(settings, file, chosen, coverage=coverage, done=done)
    from ivr.lab.dialogues.sip_caller import run_over_sip

    return run_over_sip(settings, file, chosen, coverage=coverage, done=done)


def _failure(file: DialogueFile, outcome: Outcome) -> list[str]:
    found = outcome.failure
    if found is None:
        return []
    first = f"{file.path}:{found.line}:{found.column}: {outcome.dialogue.name}: {found.message}"
    since = ["    what happened since the turn before:"] if found.happened else []
    return [first, *since, *(f"    {entry}" for entry in found.happened)]


def _summary(file: DialogueFile, outcomes: Sequence[Outcome]) -> str:
    failed = sum(outcome.failure is not None for outcome in outcomes)
    turns = sum(outcome.turns for outcome in outcomes)
    seconds = sum(outcome.took_s for outcome in outcomes)
    calls = sum(outcome.call_s for outcome in outcomes)
    what = f"{len(outcomes)} dialogues, {turns} turns"
    result = f"{failed} failed" if failed else "all pass"
    return f"{file.path}: {what}: {result} ({calls:.0f} s of calls in {seconds:.3g} s)"


def _reported(file: DialogueFile, coverage: Coverage) -> list[str]:
    covered = len(coverage.items) - len(coverage.missed)
    lines = [f"{file.plan.path}: {covered} of {len(coverage.items)} covered, {coverage.percent:.1f}%"]
    for item in coverage.missed:
        lines.append(f"{item.file or file.plan.path}:{item.line}: no dialogue goes through the {item}")
    return lines
