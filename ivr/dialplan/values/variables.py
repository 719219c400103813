"""The variables of a call."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ivr.dialplan.values.expressions import MAX_SIZE, ExpressionError
from ivr.text import clean_data

MAX_VARIABLES = 500
"""Variables of one call."""
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_RESERVED = "call hours language now error true false none True False None and or not in is if else"
RESERVED = frozenset(_RESERVED.split())
"""Names that a plan cannot set."""
HIDDEN = "***"
_ATOMS = (str, bool, int, float, Decimal, date, datetime, time, timedelta)
_MAX_DEPTH = 30
_MAX_ITEMS = 20_000


class Variables:
    """Names to values. The parameters of a subroutine are visible in it alone, and end with it."""

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._values: dict[str, Any] = dict(given or {})
        self._local: list[dict[str, Any]] = [{}]
        self.sensitive: set[str] = set()
        """Names whose values are never logged, recorded or traced."""

    def set(self, name: str, value: Any, *, sensitive: bool = False) -> None:
        """Set a parameter of the running step, or else a variable of the call. Raises ExpressionError for too
        large or too many values.
        """
        if isinstance(value, str | list | tuple | dict) and len(value) > MAX_SIZE:
            raise ExpressionError(f"the value of {name!r} is longer than {MAX_SIZE}")
        if len(self._values) >= MAX_VARIABLES and name not in self._values:
            raise ExpressionError(f"more than {MAX_VARIABLES} variables")
        home = self._local[-1] if name in self._local[-1] else self._values
        home[name] = clean_data(value)
        if sensitive:
            self.sensitive.add(name)

    def enter(self, values: Mapping[str, Any]) -> None:
        """Begin a subroutine with these parameters."""
        self._local.append(clean_data(dict(values)))

    def leave(self) -> None:
        self._local.pop()

    def leave_all(self) -> None:
        del self._local[1:]

    def scope(self) -> dict[str, Any]:
        """Return the variables that an expression may read."""
        return {**self._values, **self._local[-1]}

    def shown(self) -> dict[str, Any]:
        """Return the variables for logs and terminals: sensitive values are hidden."""
        return {name: HIDDEN if name in self.sensitive else value for name, value in self.scope().items()}

    def redact(self, text: str) -> str:
        """Return ``text`` with every sensitive value in it hidden."""
        scope = self.scope()
        for name in self.sensitive:
            for value in sorted(_texts(scope.get(name, "")), key=len, reverse=True):
                text = text.replace(value, HIDDEN)
        return text


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """The parts of a value that are hidden in texts; single characters are too common for that."""
    if isinstance(value, Mapping | list | tuple) and depth < 5:
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item, depth + 1)
    elif not isinstance(value, bool | None) and len(str(value)) > 1:
        yield str(value)


def is_plain(value: Any) -> bool:
    """Text, numbers, dates and times, None; lists, tuples and dicts of these, of bounded size."""
    left = _MAX_ITEMS
    todo = [(value, 0)]
    while todo:
        item, depth = todo.pop()
        left -= 1
        if left < 0 or depth > _MAX_DEPTH:
            return False
        if type(item) is dict:
            if not all(isinstance(name, str) for name in item):
                return False
            todo.extend((inside, depth + 1) for inside in item.values())
        elif type(item) in (list, tuple):
            todo.extend((inside, depth + 1) for inside in item)
        elif item is not None and not isinstance(item, _ATOMS):
            return False
    return True
