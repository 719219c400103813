"""Runs a dialogue on a call: acts as the caller, and waits for what the dialogue expects of the service."""

import asyncio
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ivr.dialplan.dialogue.call import TURN_MS, DialogueCall
from ivr.dialplan.dialogue.events import SHOWN, CallEvent
from ivr.dialplan.dialogue.model import Hears, Interrupts, Turn
from ivr.dialplan.dialogue.reader import Dialogue, PlacedTurn
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.variables import HIDDEN
from ivr.session.types import AudioClip

LONGEST_S = 600.0
"""Seconds of the call that one turn may take."""
SLACK_S = 0.001
"""Seconds by which times may differ and still count as the same."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a dialogue failed, and the place of the turn that failed."""

    line: int
    column: int
    message: str
    happened: tuple[CallEvent, ...] = ()
    """What happened since the previous turn."""


@dataclass(slots=True)
class Outcome:
    """Result of one dialogue."""

    dialogue: Dialogue
    failure: Failure | None = None
    turns: int = 0
    """Number of turns of both sides that passed."""
    call_s: float = 0.0
    """Length of the call in seconds."""
    took_s: float = 0.0
    """Seconds of the clock that the test took."""
    events: list[CallEvent] = field(default_factory=list, repr=False)


class TurnFailed(Exception):
    """A turn did not happen as expected; the text says why."""


class DialogueRunner:
    """Runs one dialogue on one call."""

    def __init__(self, dialogue: Dialogue, call: DialogueCall, sounds: Mapping[str, AudioClip]) -> None:
        self._dialogue, self._call, self._sounds = dialogue, call, sounds
        self._place = 0
        """Index in the event log; turns so far needed the events before it."""
        self._prompt: CallEvent | None = None
        """The prompt that the last turn heard."""
        self._since = 0.0
        """Seconds of the call at the end of the previous turn."""
        self._limit: float | None = None
        """Time of the loop at which the dialogue is stopped."""
        self.heard: list[tuple[int, int, CallEvent]] = []
        """Line and column of each turn that heard prompts, with each prompt."""
        self._hearing: list[CallEvent] = []

    async def run(self, limit_s: float | None = None) -> Outcome:
        """Run to the end or to the first failure. ``limit_s`` is the longest time that may take on the clock
        of the loop, in seconds.
        """
        outcome = Outcome(self._dialogue)
        if limit_s is not None:
            self._limit = asyncio.get_running_loop().time() + limit_s
        for placed in self._dialogue.turns:
            begin = self._place
            try:
                await self._call.settle()
                await self._turn(placed)
            except TurnFailed as failed:
                happened = tuple(
                    dataclasses.replace(entry, text=self._shown(entry.text))
                    for _, entry in self._call.event_log.since(begin, *SHOWN)
                )
                message = self._shown(str(failed))
                outcome.failure = Failure(placed.line, placed.column, message, happened)
                break
            self.heard.extend((placed.line, placed.column, entry) for entry in self._hearing)
            self._hearing = []
            outcome.turns += 1
        outcome.call_s = self._call.now
        outcome.events = list(self._call.event_log.events)
        return outcome

    def _shown(self, text: str) -> str:
        """Return ``text`` without the values of sensitive variables."""
        for name, value in self._call.variables().items():
            if self._call.is_sensitive(name) and len(str(value)) > 1:
                text = text.replace(str(value), HIDDEN)
        return text

    async def _turn(self, placed: PlacedTurn) -> None:
        turn = placed.turn
        if turn.callers is None:
            await self._expect(turn)
            return
        match turn.callers:
            case "interrupts":
                assert turn.interrupts is not None
                await self._interrupt(turn.interrupts)
            case "silent":
                await self._silent(turn.silent)
            case "hangs_up":
                self._note("hangs up")
                await self._call.hang_up()
            case action:
                await self._waits(action)
                await self._act(turn, action)
        while (
            self._call.caller_busy and self._call.end_reason is None and await self._tick("the caller speaks")
        ):
            pass
        self._prompt = None
        self._since = self._call.now

    # -- the caller

    async def _act(self, turn: Turn, action: str) -> None:
        after_s = TURN_MS / 1000
        if turn.says is not None:
            says = turn.says
            self._note(says.text)
            await self._call.say(says.text, confidence=says.confidence, lasts_s=says.lasts, after_s=after_s)
        elif turn.presses is not None:
            self._note(f"[{turn.presses}]")
            self._call.press(turn.presses, after_s=after_s)
        elif turn.plays is not None:
            self._note(f"[{turn.plays.file}]")
            await self._call.play(self._sounds[turn.plays.file], turn.plays.text, after_s=after_s)

    def _note(self, text: str) -> None:
        self._call.event_log.add("caller", text)

    async def _waits(self, action: str) -> None:
        """Wait until the service has said everything and listens."""
        while not self._call.waiting:
            if self._call.end_reason is not None:
                raise TurnFailed(
                    f"the call was over ({self._call.end_reason}) before the caller's {quoted(action)}; "
                    "a caller who speaks during a prompt `interrupts`"
                )
            if not await self._tick(f"the service listens for {quoted(action)}"):
                raise TurnFailed(f"the service never listens for the caller's {quoted(action)}")

    async def _interrupt(self, how: Interrupts) -> None:
        while self._prompt is None:
            found = self._call.event_log.since(self._place, "prompt")
            if found:
                self._place, self._prompt = found[0][0] + 1, found[0][1]
            elif self._call.end_reason is not None or self._call.waiting or not await self._tick("a prompt"):
                raise TurnFailed("there is no prompt that could be interrupted")
        begin = self._prompt
        at = begin.at + how.after
        while self._call.now < at - SLACK_S:
            if not await self._tick("the interruption", until=at) or self._over(begin):
                break
        if self._over(begin):
            raise TurnFailed(
                f"{quoted(begin.text, 60)} was over {how.after:g} s after its beginning: there is nothing to "
                "interrupt; make `after` shorter"
            )
        if how.says is not None:
            self._note(f"{how.says.text} [breaks in]")
            await self._call.say(
                how.says.text, confidence=how.says.confidence, lasts_s=how.says.lasts, after_s=0.0
            )
        elif how.presses is not None:
            self._note(f"[{how.presses}, breaks in]")
            self._call.press(how.presses, after_s=0.0)

    def _over(self, prompt: CallEvent) -> bool:
        ends = self._call.event_log.since(0, "said", "cut")
        return self._call.end_reason is not None or any(entry.number == prompt.number for _, entry in ends)

    async def _silent(self, seconds: float | None) -> None:
        await self._waits("silent")
        self._note("[silent]")
        if seconds is not None:
            until = self._call.now + seconds
            while self._call.now < until - SLACK_S and self._call.end_reason is None:
                await self._tick("the end of the silence", until=until)
            return
        place = len(self._call.event_log.events)
        while not self._call.event_log.since(place, "noinput", "prompt", "ended"):
            if self._call.end_reason is not None or not await self._tick("the service asks again"):
                raise TurnFailed("the service never asks again; give `silent` a duration")

    # -- the service

    async def _expect(self, turn: Turn) -> None:
        limit = self._since + (turn.within if turn.within is not None else LONGEST_S)
        begin = len(self._call.event_log.events)
        while True:
            missing = self._missing(turn)
            silent = bool(self._call.event_log.since(begin, "noinput"))
            if missing is None and not silent:
                return
            over = self._call.end_reason is not None
            late = self._call.now > limit + SLACK_S
            if silent:
                raise TurnFailed(
                    f"{missing or 'that came too late'}; the service waited for the caller: add a turn "
                    "`silent` so that it asks again"
                )
            if over or late:
                passed = f"{limit - self._since:g} s have passed"
                raise TurnFailed(
                    f"{missing}; {f'the call is over ({self._call.end_reason})' if over else passed}"
                )
            if not await self._tick(str(missing)):
                raise TurnFailed(f"{missing}; the service waits for the caller, and nothing else will happen")

    def _missing(self, turn: Turn) -> str | None:
        """Return what has not happened yet. None when everything has; then later turns need later events."""
        found: list[tuple[int, CallEvent]] = []
        prompts: list[tuple[int, CallEvent]] = []
        for kind, wanted in (("step", turn.goes_to), ("transfer", turn.transferred_to)):
            if wanted is None:
                continue
            since = self._call.event_log.since(self._place, kind)
            there = next((each for each in since if each[1].text == wanted), None)
            if there is None:
                word = "go to the step" if kind == "step" else "transfer the caller to"
                return f"expected it to {word} {quoted(wanted)}{_instead([e.text for _, e in since])}"
            found.append(there)
        if turn.hears:
            heard = self._heard(turn.hears)
            if isinstance(heard, str):
                return heard
            prompts = heard
            found.append(prompts[0])
        for name, value in turn.sets.items():
            problem = self._unset(name, value)
            if problem is not None:
                return problem
        if "hung_up" in turn.model_fields_set:
            problem = self._still_there(turn.hung_up)
            if problem is not None:
                return problem
            found.extend(self._call.event_log.since(self._place, "ended")[-1:])
        for _, entry in found:
            if turn.within is not None and entry.at > self._since + turn.within + SLACK_S:
                what = f"{entry.kind} {quoted(entry.text, 60)}"
                raise TurnFailed(f"{what} came {entry.at - self._since:.2f} s after the turn before")
        self._place = max([self._place, *(at + 1 for at, _ in [*found, *prompts])])
        if prompts:
            self._prompt = prompts[-1][1]
            self._hearing = [entry for _, entry in prompts]
            self._since = max(self._since, self._prompt.at)
        return None

    def _still_there(self, wanted: str | None) -> str | None:
        reason = self._call.ended_by_plan or self._call.end_reason
        if reason is None:
            return "expected the call to end" + (f" with {quoted(wanted)}" if wanted else "")
        if wanted is not None and reason != wanted:
            raise TurnFailed(f"expected the call to end with {quoted(wanted)}, it ended with {reason}")
        return None

    def _heard(self, wanted: tuple[Hears, ...]) -> list[tuple[int, CallEvent]] | str:
        prompts = self._call.event_log.since(self._place, "prompt")
        for first in range(len(prompts) - len(wanted) + 1):
            stretch = prompts[first : first + len(wanted)]
            if all(
                hears.fits(entry.text, entry.more.get("file", ""))
                for hears, (_, entry) in zip(wanted, stretch, strict=True)
            ):
                return stretch
        shown = ", then ".join(hears.shown() for hears in wanted)
        others = [entry.text or f"[{entry.more.get('file') or 'silence'}]" for _, entry in prompts]
        return f"expected to hear {shown}{_instead(others)}"

    def _unset(self, name: str, wanted: Any) -> str | None:
        values = self._call.variables()
        if name not in values:
            return f"expected {quoted(name)} to have the value {_shown(wanted)}, it has none"
        if same(wanted, values[name]):
            return None
        found = "another, which is sensitive" if self._call.is_sensitive(name) else _shown(values[name])
        return f"expected {quoted(name)} to have the value {_shown(wanted)}, it is {found}"

    # -- time

    async def _tick(self, what: str, until: float | None = None) -> bool:
        if self._call.now > self._since + LONGEST_S:
            raise TurnFailed(f"{what}: that did not happen in {LONGEST_S:g} s of the call")
        if self._limit is not None and asyncio.get_running_loop().time() > self._limit:
            raise TurnFailed(f"{what}: the dialogue took too long and was stopped")
        return await self._call.advance(until)


def same(wanted: Any, found: Any) -> bool:
    """Return whether a value is the one that a file asks for. Values that YAML cannot write, such as dates,
    are compared as text.
    """
    if isinstance(wanted, dict) and isinstance(found, Mapping):
        return wanted.keys() == found.keys() and all(same(wanted[key], found[key]) for key in wanted)
    if isinstance(wanted, list) and isinstance(found, list | tuple):
        return len(wanted) == len(found) and all(map(same, wanted, found))
    if isinstance(wanted, bool) or isinstance(found, bool) or wanted is None or found is None:
        return wanted is found
    return bool(wanted == found) or (not isinstance(found, str | int | float) and str(found) == wanted)


def _shown(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else str(value)[:200]


def _instead(others: list[str]) -> str:
    return f", it was {', then '.join(quoted(text, 80) for text in others)}" if others else ""
