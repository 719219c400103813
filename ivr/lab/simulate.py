"""``ivr simulate``: be the caller of a plan at a terminal. Without sound: prompts are printed, and what is
typed is what the caller says. The time of the call does not move while you type.
"""

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ivr.dialplan.dialogue.call import TURN_MS
from ivr.dialplan.dialogue.events import SHOWN
from ivr.dialplan.dialogue.memory import MemoryCall
from ivr.dialplan.dialogue.reader import Dialogue, load_dialogues, test_file_of
from ivr.dialplan.dialogue.transcript_writer import (
    CallerAction,
    DialogueNotSaved,
    turns_from_events,
    write_dialogue,
)
from ivr.dialplan.dialogue.virtual_time import VirtualTimeLoop
from ivr.dialplan.engine.loader import load_plan
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.runtime.control import CallFacts
from ivr.dialplan.source.errors import quoted
from ivr.errors import IvrError
from ivr.service.config.settings import Settings

HELP = (
    "Type what you say, or the keys you press (0-9 * #); a text in quotes is said even if it is digits. "
    "Enter: silence. Ctrl-D: hang up."
)
_KEYS = re.compile(r"[0-9*#]{1,32}")
MAX_SHOWN = 300
"""Characters of the variables in the status line."""


class SimulationError(IvrError):
    """Raised when the call cannot be simulated or saved; one line that says why and what to do."""


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """Options of ``ivr simulate``."""

    caller: str = ""
    called: str = ""
    like: str = ""
    """Text in the name of the dialogue whose numbers, clock, requests and transfers are used."""
    save: Path | None = None
    name: str = ""
    """The name under which the dialogue is saved."""


def simulate(
    settings: Settings,
    plan_path: Path,
    options: SimulateOptions,
    read: Callable[[str], str],
    out: Callable[[str], None],
) -> int:
    """Simulate a call; returns 0 when it has ended.

    ``read(prompt)`` returns a line, and raises EOFError at the end of input. Raises SimulationError and
    PlanError.
    """
    plan = load_plan(plan_path)
    dialogue = _call_setup(plan_path, options)
    loop = VirtualTimeLoop()
    try:
        with tempfile.TemporaryDirectory(prefix="ivr-simulate-") as files:
            call_and_actions = loop.run_until_complete(_run(settings, plan, dialogue, Path(files), read, out))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    call, done = call_and_actions
    if options.save is not None:
        name = options.name or f"Simulated on {datetime.now().strftime('%Y-%m-%d %H:%M:%S')}"
        turns = list(turns_from_events(call.event_log.events, done, plan.start))
        try:
            write_dialogue(options.save, plan_path, name, dialogue, turns)
        except DialogueNotSaved as error:
            raise SimulationError(str(error)) from error
        out(f"saved as {quoted(name, 80)} in {options.save}: ivr test {options.save}")
    return 0


def _call_setup(plan: Path, options: SimulateOptions) -> Dialogue:
    """Return a dialogue without turns: the numbers, the clock and the back ends of the call."""
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


async def _run(
    settings: Settings,
    plan: Plan,
    dialogue: Dialogue,
    files: Path,
    read: Callable[[str], str],
    out: Callable[[str], None],
) -> tuple[MemoryCall, list[CallerAction]]:
    done: list[CallerAction] = []
    out(HELP)
    async with MemoryCall(plan, dialogue, files, settings.session) as call:
        shown = 0

        def show() -> int:
            new = call.event_log.events[shown:]
            for entry in new:
                if entry.kind in SHOWN and entry.kind != "caller":
                    out(str(entry))
            return shown + len(new)

        await call.settle()
        while call.end_reason is None:
            shown = show()
            if not call.waiting:
                await call.advance()
                continue
            out(_status(call))
            try:
                line = read("> ").strip()
            except EOFError:
                _note(call, done, "hangs_up", None)
                await call.hang_up()
                break
            await _do(call, line, done)
            await call.settle()
            while call.end_reason is None and call.caller_busy and await call.advance():
                pass
        shown = show()
    return call, done


async def _do(call: MemoryCall, line: str, done: list[CallerAction]) -> None:
    if not line:
        _note(call, done, "silent", None)
        place = len(call.event_log.events)
        while call.end_reason is None and not call.event_log.since(place, "noinput", "prompt", "ended"):
            if not await call.advance():
                return
    elif _KEYS.fullmatch(line):
        _note(call, done, "presses", line)
        call.press(line, after_s=TURN_MS / 1000)
    else:
        text = line.strip('"') or line
        _note(call, done, "says", text)
        await call.say(text, confidence=1.0, lasts_s=None, after_s=TURN_MS / 1000)


def _note(call: MemoryCall, done: list[CallerAction], kind: str, value: Any) -> None:
    done.append((kind, value))
    call.event_log.add("caller", str(value or kind))


def _status(call: MemoryCall) -> str:
    """Return the status line: state, timer, position, variables."""
    run = call.runner.run
    waits = call.session.waits_s
    timer = f", no input after {waits:g} s" if waits is not None else ""
    values = ", ".join(f"{name}={value!r}" for name, value in run.variables.shown().items())
    if len(values) > MAX_SHOWN:
        values = values[:MAX_SHOWN] + "…"
    where = f"step {run.position.step}, line {run.position.line}"
    return f"{call.now:7.2f} s  [{call.session.state}{timer}; {where}{'; ' + values if values else ''}]"
