"""A table whose entries are forgotten after a time. Pure but for the clock it is given."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST = 20_000
"""Entries of a table; the oldest goes when there are more."""


class Recent(Generic[Key, Value]):
    """What was put in within the last seconds, by key."""

    def __init__(self, kept_s: float, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        """Entries are kept for ``kept_s`` from when they were put in last. ``clock`` gives seconds."""
        self._kept_s, self._most, self._clock = kept_s, most, clock
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: Key, value: Value) -> None:
        """Keep ``value``, from now on; forget what is old."""
        now = self._clock()
        self._entries[key] = (now + self._kept_s, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._most or next(iter(self._entries.values()))[0] < now:
            self._entries.popitem(last=False)

    def get(self, key: Key) -> Value | None:
        """The value, or None when it is not there any more."""
        until, value = self._entries.get(key, (0.0, None))
        return value if value is not None and self._clock() <= until else None
