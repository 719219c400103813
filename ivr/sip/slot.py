"""What a call plays at the moment: read by its port and by the SIP thread."""

from ivr.audio.playback import Playback


class PlaybackSlot:
    """What a call plays: set by the service's thread, read by the clock and the SIP thread. A plain object,
    so that no other thread ever holds a port (the last reference to one must be dropped on the SIP thread).
    """

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer: Playback | None = None
