"""The events of a call in order: for the turns of a dialogue, for messages, for coverage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something that happened in a call. ``kind`` is one of: prompt (``text`` is what is said, ``file`` the
    sound that is played), pause, cut (a prompt was interrupted, ``text`` is what was heard of it), said (a
    prompt ended), step, caller, noinput, transfer, model, request, mail, failed, ended.
    """

    at: float
    """Seconds of the call."""
    kind: str
    text: str
    more: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    """Number of the prompt, for events of one."""

    def __str__(self) -> str:
        details = "".join(f" ({name}: {value})" for name, value in self.more.items() if value)
        return f"{self.at:7.2f} s  {_WORDS.get(self.kind, self.kind):<9} {self.text}{details}"


_WORDS = {"prompt": "service", "cut": "cut after", "ended": "the end:", "noinput": "no input"}
SHOWN = frozenset(
    {"prompt", "cut", "step", "caller", "noinput", "transfer", "request", "model", "failed", "ended"}
)
"""Kinds that messages show."""


class EventLog:
    """The events of one call. ``now`` returns the seconds of the call."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.events: list[CallEvent] = []

    def add(self, kind: str, text: str, number: int = 0, **more: Any) -> None:
        self.events.append(CallEvent(self._now(), kind, text, more, number))

    def since(self, place: int, *kinds: str) -> list[tuple[int, CallEvent]]:
        """Return the events of these kinds (all kinds where none is given) from index ``place`` on, each with
        its index.
        """
        return [
            (at, entry)
            for at, entry in enumerate(self.events[place:], place)
            if not kinds or entry.kind in kinds
        ]
