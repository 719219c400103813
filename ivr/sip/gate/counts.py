"""How many messages were kept from pjsip, by what was done and why. Pure; times are monotonic seconds."""

from collections import Counter
from typing import Any, Literal

REPORT_EVERY_S = 60.0
"""Seconds between two reports."""

Treatment = Literal["refused", "dropped", "banned"]
"""Answered, not answered, or from a source of which nothing is looked at."""


class RefusalCounts:
    """Counts since the start, and since the last report."""

    def __init__(self, now: float) -> None:
        self._all: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._new_causes: Counter[str] = Counter()
        self._reported = now

    def __getitem__(self, treatment: Treatment) -> int:
        return self._all[treatment]

    def note(self, treatment: Treatment, cause: str, number: int = 1) -> None:
        """Count messages. ``cause`` is one of a few texts: nothing out of a message."""
        for counter, name in (
            (self._all, treatment),
            (self._new, treatment),
            (self._causes, cause),
            (self._new_causes, cause),
        ):
            counter[name] += number

    def report(self, now: float) -> dict[str, Any] | None:
        """The fields of a line in the log, when one is due and something was counted since the last."""
        if not self._new or now - self._reported < REPORT_EVERY_S:
            return None
        found = _fields(self._new, self._new_causes) | {"seconds": round(now - self._reported)}
        self._new.clear()
        self._new_causes.clear()
        self._reported = now
        return found

    def totals(self) -> dict[str, Any] | None:
        """The fields of the line at the end; None when nothing was ever counted."""
        return _fields(self._all, self._causes) if self._all else None


def _fields(treatments: Counter[str], causes: Counter[str]) -> dict[str, Any]:
    counts = {name: treatments[name] for name in ("refused", "dropped", "banned")}
    return counts | {"causes": dict(causes.most_common())}
