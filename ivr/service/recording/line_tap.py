"""New audio of a call, both directions, for a reader that polls it (the recorder)."""

import threading

import numpy as np

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import RING, Line
from ivr.audio.wav import Pcm16
from ivr.service.recording.recording import UP
from ivr.session.decisions import Decision


class LineTap:
    """Reads the line of one call. ``take`` belongs to the recorder's thread, ``hides`` to any, the rest to
    the loop; a lock is held for as long as it takes to copy what is new.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._start: int | None = None
        self._next = 0
        self._end: int | None = None
        self._rest: Pcm16 = np.zeros((0, 2), np.int16)
        """Audio that was not taken yet when the call ended."""
        self._rest_lost = 0
        self._hidden: list[list[int | None]] = []
        """Pauses: from which sample of the line to which; None is not yet known."""

    @property
    def begun(self) -> bool:
        return self._start is not None

    @property
    def ended(self) -> bool:
        return self._end is not None

    def begin(self, start: int) -> None:
        with self._lock:
            self._start = self._next = start

    def pause(self, paused: bool) -> int | None:
        """The sample of the recording from which on that holds; None when it is so already."""
        with self._lock:
            if self.ended or self._start is None or paused == self._paused:
                return None
            now = self._line.written
            if paused:
                self._hidden.append([now, None])
            else:
                self._hidden[-1][1] = now
            return now - self._start

    @property
    def _paused(self) -> bool:
        return bool(self._hidden) and self._hidden[-1][1] is None

    def hides(self, decision: Decision) -> bool:
        """Return whether a decision is about something said in a pause, or was made in one."""
        if not self._hidden or self._start is None:
            return False
        if self._paused:
            return True
        moments = [decision.at, decision.details.get("onset"), decision.details.get("offset")]
        places = [self._start + at // UP for at in moments if isinstance(at, int)]
        return any(
            begin is not None and end is not None and begin <= place < end
            for begin, end in self._hidden
            for place in places
        )

    def take(self) -> tuple[Pcm16, int]:
        """int16 (n, 2), and how many samples at its beginning are silence: they were fetched too late."""
        with self._lock:
            if self.ended:
                rest, lost = self._rest, self._rest_lost
                self._rest, self._rest_lost = rest[:0], 0
                return rest, lost
            return self._new()

    def end(self) -> None:
        """Take the rest while the line is still the call's, and let it go."""
        with self._lock:
            if not self.ended:
                self._rest, self._rest_lost = self._new()
                self._end = self._next
                self._line.bank.remove_reader(self._line)

    def _new(self) -> tuple[Pcm16, int]:
        if self._start is None:
            return np.zeros((0, 2), np.int16), 0
        bank, row = self._line.bank, self._line.row
        first, until = self._next, self._line.written
        oldest = max(first, until - RING)
        span = np.arange(oldest, until) % RING
        sound = np.zeros((until - first, 2), np.int16)
        sound[oldest - first :, 0] = bank.received[row, span]
        sound[oldest - first :, 1] = bank.sent[row, span]
        # The clock thread went on meanwhile: samples overwritten by now are newer sound, so they are lost.
        lost = max(0, min(self._line.written + LINE_FRAME - RING, until) - first)
        sound[:lost] = 0
        for begin, end in self._hidden:
            assert begin is not None
            sound[max(begin - first, 0) : max((until if end is None else end) - first, 0)] = 0
        self._next = until
        return sound, lost
