"""The player of a call: what the session plays into, and what the media port reads from."""

from collections.abc import Callable

from ivr.audio.frames import LINE_RATE
from ivr.audio.playback import Playback


class PlaybackSlot:
    """The sound that a call plays now: set by the service's thread, read by the clock and the SIP thread. A
    plain object, so that no other thread ever holds a port (the last reference to one must be dropped on the
    SIP thread).
    """

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer: Playback | None = None


class LinePlayer:
    """The session's player on a call (see ``ivr.session.types.Player``)."""

    sample_rate = LINE_RATE

    def __init__(self, new_playback: Callable[[], Playback], slot_changed: Callable[[], None]) -> None:
        """``slot_changed`` asks the SIP thread to connect or disconnect the player port. Any thread."""
        self._new_playback = new_playback
        self._slot_changed = slot_changed
        self.slot = PlaybackSlot()

    def playback(self) -> Playback:
        return self._new_playback()

    def play(self, buffer: Playback) -> None:
        self.slot.buffer = buffer
        self._slot_changed()

    def release(self, buffer: Playback) -> None:
        if self.slot.buffer is buffer:
            self.slot.buffer = None
            self._slot_changed()

    def advance(self, samples: int) -> bytes | None:
        """Return None: the bridge's clock paces a call, the caller's audio does not."""
        return None
