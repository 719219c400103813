"""Values that a plan can hold, whoever made them: data, and nothing that has a behaviour of its own."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_ATOMS = (str, bool, int, float, Decimal, date, datetime, time, timedelta)
_MAX_DEPTH = 30
_MAX_ITEMS = 20_000


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
