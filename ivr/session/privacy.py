"""``Privacy``: what a caller entrusts to a plan (a PIN, a card number) is used, and written nowhere."""

import contextlib
from collections.abc import Callable, Iterator

from ivr.session.decisions import Decision

MAX_SPANS = 1000
"""Private stretches of one call that are remembered."""


class Privacy:
    """The private stretches of a session. ``kept`` belongs to the loop; the rest may be called from any
    thread.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        """``clock``: samples of the caller's sound so far."""
        self._clock = clock
        self._depth = 0
        self._spans: tuple[list[int], ...] = ()  # replaced: other threads look through it
        """Private spans: from which sample to which; the last is open while ``active``."""
        self._subscribers: tuple[Callable[[bool], None], ...] = ()
        self.keys = False
        """No key is ever written: they may be typed ahead of the question that they answer."""

    @property
    def active(self) -> bool:
        """What is said and pressed now, by either side, is private."""
        return self._depth > 0

    def subscribe(self, callback: Callable[[bool], None]) -> None:
        """``callback(active)`` on each change, on the loop: for whoever keeps the sound."""
        self._subscribers += (callback,)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Meanwhile all is private. May be nested."""
        self._depth += 1
        if self._depth == 1:
            now = self._clock()
            self._spans = (*self._spans[1 - MAX_SPANS :], [now, now])
            self._notify(True)
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._spans[-1][1] = self._clock()
                self._notify(False)

    def covers(self, *moments: int | None) -> bool:
        """One of these samples was in a private stretch, or it is one now."""
        if self.active:
            return True
        return any(begin <= at < end for begin, end in self._spans for at in moments if at is not None)

    def hides(self, decision: Decision) -> bool:
        """Whether a decision is about something private."""
        if decision.stage == "dtmf" and self.keys:
            return True
        moments = [decision.at, decision.details.get("onset"), decision.details.get("offset")]
        return self.covers(*(at for at in moments if isinstance(at, int)))

    def _notify(self, active: bool) -> None:
        for subscriber in self._subscribers:
            subscriber(active)
