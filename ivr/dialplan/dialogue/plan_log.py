"""The log of a plan in a dialogue: listeners receive its lines, and nothing is written."""

from collections.abc import Callable
from typing import Any

LogListener = Callable[[str, dict[str, Any]], None]
"""``listener(event, fields)``."""


class PlanLog:
    """A logger for ``Runner`` that calls its listeners."""

    def __init__(self, *listeners: LogListener) -> None:
        self.listeners = list(listeners)

    def bind(self, **fields: Any) -> "PlanLog":
        return self

    def info(self, event: str, **fields: Any) -> None:
        for listener in self.listeners:
            listener(event, fields)

    debug = warning = error = critical = info

    def exception(self, event: str, **fields: Any) -> None:
        fields.setdefault("error", "an exception")
        self.info(event, **fields)


class DiscardLog(PlanLog):
    """A logger that ignores every line."""

    def info(self, event: str, **fields: Any) -> None:
        """Ignore the line."""

    debug = warning = error = critical = exception = info
