"""``ivr simulate``: be the caller of a plan at a terminal. No sound: what is said is printed, what is typed
is heard; time is the call's own and waits for who types.
"""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ivr.dialplan.dialogue.journal import SHOWN
from ivr.dialplan.dialogue.jumping_loop import JumpingLoop
from ivr.dialplan.dialogue.memory import MemoryStage
from ivr.dialplan.dialogue.reader import Dialogue, load_dialogues, test_file_of
from ivr.dialplan.dialogue.stage import TURN_MS
from ivr.dialplan.dialogue.writing import Done, NotWritten, turns_of, write_dialogue
from ivr.dialplan.engine.loader import load_plan
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.runtime.control import CallFacts
from ivr.dialplan.source.errors import quoted
from ivr.service.config.settings import Settings

HELP = (
    "Type what you say, or the keys you press (0-9 * #); a text in quotes is said even if it is digits. "
    "Enter: silence. Ctrl-D: hang up."
)
_KEYS = re.compile(r"[0-9*#]{1,32}")
MOST_SHOWN = 300
"""Characters of the variables."""


class SimulationError(Exception):
    """It cannot be held, or not be saved; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What was asked for."""

    caller: str = ""
    called: str = ""
    like: str = ""
    """Part of the name of a dialogue whose numbers, clock, requests and transfers are taken."""
    save: Path | None = None
    name: str = ""
    """Of the dialogue that is saved."""


def simulate(
    settings: Settings,
    plan_path: Path,
    options: SimulateOptions,
    read: Callable[[str], str],
    out: Callable[[str], None],
) -> int:
    """0 when the call came to an end. ``read(prompt)`` gives a line, EOFError for the end of input. Raises
    SimulationError and PlanError.
    """
    plan = load_plan(plan_path)
    dialogue = _setting(plan_path, options)
    loop = JumpingLoop()
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-simulate-") as files:
            stage_and_done = loop.run_until_complete(_hold(settings, plan, dialogue, Path(files), read, out))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    stage, done = stage_and_done
    if options.save is not None:
        name = options.name or f"Simulated on {datetime.now().strftime('%Y-%m-%d %H:%M:%S')}"
        turns = list(turns_of(stage.journal.entries, done, plan.start))
        try:
            write_dialogue(options.save, plan_path, name, dialogue, turns)
        except NotWritten as error:
            raise SimulationError(str(error)) from error
        out(f"saved as {quoted(name, 80)} in {options.save}: ivr test {options.save}")
    return 0


def _setting(plan: Path, options: SimulateOptions) -> Dialogue:
    """Of the call: its numbers, its clock, its world."""
    now = datetime.now(UTC).astimezone().replace(microsecond=0)
    dialogue = Dialogue("simulated", 1, (), CallFacts(id="simulated"), now)
    if options.like:
        file = load_dialogues(plan)
        named = [each for each in file.dialogues if options.like.casefold() in each.name.casefold()]
        if not named:
            raise SimulationError(
                f"{test_file_of(plan)} has no dialogue with {quoted(options.like)} in its name"
            )
        dialogue = replace(named[0], turns=(), now=named[0].now or now)
    facts = dialogue.facts
    return replace(
        dialogue,
        facts=replace(facts, caller=options.caller or facts.caller, called=options.called or facts.called),
    )


async def _hold(
    settings: Settings,
    plan: Plan,
    dialogue: Dialogue,
    files: Path,
    read: Callable[[str], str],
    out: Callable[[str], None],
) -> tuple[MemoryStage, list[Done]]:
    done: list[Done] = []
    out(HELP)
    async with MemoryStage(plan, dialogue, files, settings.session) as stage:
        shown = 0

        def show() -> int:
            new = stage.journal.entries[shown:]
            for entry in new:
                if entry.kind in SHOWN and entry.kind != "caller":
                    out(str(entry))
            return shown + len(new)

        await stage.settle()
        while stage.over is None:
            shown = show()
            if not stage.waiting:
                await stage.tick()
                continue
            out(_status(stage))
            try:
                line = read("> ").strip()
            except EOFError:
                _note(stage, done, "hangs_up", None)
                await stage.hangs_up()
                break
            await _act(stage, line, done)
            await stage.settle()
            while stage.over is None and stage.busy and await stage.tick():
                pass
        shown = show()
    return stage, done


async def _act(stage: MemoryStage, line: str, done: list[Done]) -> None:
    if not line:
        _note(stage, done, "silent", None)
        place = len(stage.journal.entries)
        while stage.over is None and not stage.journal.since(place, "noinput", "prompt", "ended"):
            if not await stage.tick():
                return
    elif _KEYS.fullmatch(line):
        _note(stage, done, "presses", line)
        stage.presses(line, after_s=TURN_MS / 1000)
    else:
        text = line.strip('"') or line
        _note(stage, done, "says", text)
        await stage.says(text, confidence=1.0, lasts_s=None, after_s=TURN_MS / 1000)


def _note(stage: MemoryStage, done: list[Done], kind: str, value: Any) -> None:
    done.append((kind, value))
    stage.journal.note("caller", str(value or kind))


def _status(stage: MemoryStage) -> str:
    """State, timers, variables."""
    run = stage.runner.run
    waits = stage.session.waits_s
    timer = f", no input after {waits:g} s" if waits is not None else ""
    values = ", ".join(f"{name}={value!r}" for name, value in run.variables.shown().items())
    if len(values) > MOST_SHOWN:
        values = values[:MOST_SHOWN] + "…"
    where = f"step {run.at[0]}, line {run.placed().line}"
    return f"{stage.now:7.2f} s  [{stage.session.state}{timer}; {where}{'; ' + values if values else ''}]"
