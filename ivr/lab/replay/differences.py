"""Interruptions of a call, its figures, and the difference between two ways to decide the same call."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE
from ivr.session.decisions import Decision

SAME_WITHIN_S = 1.5
"""Seconds between two interruptions of one prompt up to which they count as the same one, decided sooner or
later.
"""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A prompt that was stopped."""

    at: int
    """When, in samples of 16 kHz."""
    prompt: Any
    """The prompt's number in the recording."""
    rule: str
    """The rule that stopped it."""
    text: str
    """The prompt's text."""
    resumed: str = ""
    """Why it resumed: then the interruption was false. Empty when it did not."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed from one way to decide a call to another."""

    gained: tuple[Interruption, ...]
    lost: tuple[Interruption, ...]
    kept: tuple[tuple[Interruption, Interruption], ...]
    """Pairs: before, after."""
    false_gained: tuple[Interruption, ...] = ()
    false_lost: tuple[Interruption, ...] = ()

    @property
    def any(self) -> bool:
        return bool(self.gained or self.lost or self.false_gained or self.false_lost)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of one call, or their sum over many."""

    seconds: float = 0.0
    turns: int = 0
    """Turns of the caller in speech."""
    interruptions: int = 0
    false_interruptions: int = 0
    """Stops after which the prompt resumed."""
    ducks: int = 0
    ignored: int = 0
    """Times that speech did not stop a prompt."""

    def __add__(self, other: "Figures") -> "Figures":
        ours, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Figures(*(a + b for a, b in zip(ours, theirs, strict=True)))


def interruptions(decisions: Sequence[Decision]) -> list[Interruption]:
    """The stops that were confirmed, or at least not followed by a ``resume`` of the same prompt."""
    return [each for each in stops(decisions) if not each.resumed]


def false_interruptions(decisions: Sequence[Decision]) -> list[Interruption]:
    """The stops after which the prompt resumed."""
    return [each for each in stops(decisions) if each.resumed]


def stops(decisions: Sequence[Decision]) -> list[Interruption]:
    """All stops, confirmed or false, in order."""
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
    """Compare two runs. Stops are the same when they stopped the same prompt at about the same time."""
    gained, lost, kept = _matched(interruptions(before), interruptions(after))
    false_gained, false_lost, _ = _matched(false_interruptions(before), false_interruptions(after))
    return Difference(tuple(gained), tuple(lost), tuple(kept), tuple(false_gained), tuple(false_lost))


def _matched(
    before: Sequence[Interruption], after: Sequence[Interruption]
) -> tuple[list[Interruption], list[Interruption], list[tuple[Interruption, Interruption]]]:
    """Return what is new, what is gone, and the pairs that are the same."""
    gained, lost, kept = [], list(before), []
    for new in after:
        near = [old for old in lost if old.prompt == new.prompt and _distance_s(old, new) <= SAME_WITHIN_S]
        if near:
            old = min(near, key=lambda each: _distance_s(each, new))
            lost.remove(old)
            kept.append((old, new))
        else:
            gained.append(new)
    return gained, lost, kept


def _distance_s(a: Interruption, b: Interruption) -> float:
    return abs(a.at - b.at) / VAD_RATE


def figures(length_s: float, decisions: Sequence[Decision]) -> Figures:
    """Count what happened in a call of ``length_s`` seconds."""
    count = {
        stage: sum(d.stage == stage for d in decisions) for stage in ("turn_ended", "stop", "duck", "ignore")
    }
    stopped = len(interruptions(decisions))
    return Figures(
        length_s, count["turn_ended"], stopped, count["stop"] - stopped, count["duck"], count["ignore"]
    )
