"""What happened in a dialogue, in order: for what is expected next, for messages, for coverage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CallEvent:
    """``kind`` is one of: prompt (text is what is said, ``file`` the sound that is played), pause, cut (a
    prompt was, text is what was heard of it), said (it came to its end), step, caller, noinput, transfer,
    model, request, mail, failed, ended.
    """

    at: float
    """Seconds of the call."""
    kind: str
    text: str
    more: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    """The number of the prompt, for events that are about one."""

    def __str__(self) -> str:
        details = "".join(f" ({name}: {value})" for name, value in self.more.items() if value)
        return f"{self.at:7.2f} s  {_WORDS.get(self.kind, self.kind):<9} {self.text}{details}"


_WORDS = {"prompt": "service", "cut": "cut after", "ended": "the end:", "noinput": "no input"}
SHOWN = frozenset(
    {"prompt", "cut", "step", "caller", "noinput", "transfer", "request", "model", "failed", "ended"}
)
"""Kinds that people want to see."""


class EventLog:
    """``now`` gives the seconds of the call."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.events: list[CallEvent] = []

    def add(self, kind: str, text: str, number: int = 0, **more: Any) -> None:
        self.events.append(CallEvent(self._now(), kind, text, more, number))

    def since(self, place: int, *kinds: str) -> list[tuple[int, CallEvent]]:
        """With their places."""
        return [
            (at, entry)
            for at, entry in enumerate(self.events[place:], place)
            if not kinds or entry.kind in kinds
        ]
