"""Keys that the other side presses, each once: by RTP (RFC 4733), by INFO, or by both. Pure."""

from collections import deque
from typing import Literal

KeyTransport = Literal["rtp", "info"]

KEYS = frozenset("0123456789*#ABCD")

UPDATE, END = 1, 2
"""Flags of an event: PJMEDIA_STREAM_DTMF_IS_UPDATE, PJMEDIA_STREAM_DTMF_IS_END."""
REPEATED_S = 5.0
"""Seconds within which a key that comes by both ways is one key."""
_LONGEST_MS = 0xF000 // 8
"""An event that is about as long as its duration field can say; it goes on in a further segment (2.5.1.3)."""
_SEGMENT_GAP_MS = 512
_REPEAT_GAP_MS = 60
_TIMESTAMPS_MS = 2**32 // 8


class KeyEvents:
    """Separates the events of one RTP stream by their timestamp, which is that of the key's beginning.

    pjmedia separates them by a falling duration; what it reports as an update may be another key, and what
    it reports as another may be the same one, held for long.
    """

    def __init__(self) -> None:
        self._key = ""
        self._begun_ms = self._duration_ms = 0
        self._ended = True

    def begins(self, key: str, begun_ms: int, duration_ms: int, flags: int) -> bool:
        """Note one packet of an event, with its timestamp and duration; return whether a key begins."""
        update, end = bool(flags & UPDATE), bool(flags & END)
        since = (begun_ms - self._begun_ms) % _TIMESTAMPS_MS
        if key != self._key:
            same = False
        elif since == 0:
            same = True
        elif self._ended:
            same = update and end and since <= _REPEAT_GAP_MS
        elif self._duration_ms >= _LONGEST_MS:
            same = since <= self._duration_ms + _SEGMENT_GAP_MS
        else:
            # A sender that moves the timestamp on with each packet, which is against the rule but is seen.
            same = update and since <= _SEGMENT_GAP_MS and (end or duration_ms > self._duration_ms)
        self._key, self._begun_ms, self._duration_ms = key, begun_ms, duration_ms
        self._ended = end or (same and self._ended)
        return not same


class KeyPresses:
    """Keys of one call that come by RTP, by INFO or by both: each press counts once.

    Each way repeats the presses in their order, so a key of one is looked for among those that the other has
    reported lately. What one way has lost is taken from the other.
    """

    def __init__(self) -> None:
        self._taken: deque[tuple[float, str]] = deque()
        self._places: dict[KeyTransport, int] = {"rtp": 0, "info": 0}
        """Where in the presses taken each way is."""

    def is_new(self, key: str, way: KeyTransport, now: float) -> bool:
        """Note a key, and return whether it is a press that the other way has not reported."""
        while self._taken and now - self._taken[0][0] > REPEATED_S:
            self._taken.popleft()
            self._places = {each: max(0, place - 1) for each, place in self._places.items()}
        for place in range(self._places[way], len(self._taken)):
            if self._taken[place][1] == key:
                self._places[way] = place + 1
                return False
        self._taken.append((now, key))
        self._places[way] = len(self._taken)
        return True
