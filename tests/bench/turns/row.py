"""One line of the table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.bench.turns.scene import Trace
from tests.caller.measure import percentile


@dataclass
class Row:
    """One line of the table. ``values`` by column: milliseconds, or 1 for what must not happen and 0."""

    name: str
    unit: str
    """``ms`` or ``%``."""
    target: str
    values: dict[str, list[float]] = field(default_factory=dict)
    missed: dict[str, int] = field(default_factory=dict)
    """Trials without a value."""
    notes: dict[str, Any] = field(default_factory=dict)
    limits: tuple[tuple[str, float], ...] = ()
    """What is asked of ours: ``p50``, ``p95`` or ``share``, at most."""

    def statistic(self, column: str, name: str) -> float:
        values = self.values.get(column, [])
        if name == "share":
            return 100 * sum(values) / len(values) if values else float("nan")
        return percentile(values, float(name.removeprefix("p")))

    def passed(self, column: str = "ours") -> bool:
        return all(self.statistic(column, name) <= limit for name, limit in self.limits)


Score = Callable[[Trace], dict[str, float | None]]
"""Row name to value: None is a trial without one."""
