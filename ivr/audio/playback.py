"""The buffer of one prompt: one thread fills it, a player in another thread empties it.

An outgoing player reads nothing else. ``stop`` is a flag that takes effect at the next
``read``, so a barge-in never waits for a poll, a lock or an event loop.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE

LOW_WATER_S = 5.0
"""Seconds still unplayed below which the writer is asked for more."""


class Playback(Protocol):
    """A prompt's sound as its writer sees it, and everyone who may stop it; see ``PlaybackBuffer``."""

    sample_rate: int
    low_water: int
    on_end: Callable[[], None] | None
    on_low: Callable[[], None] | None

    def write(self, pcm: bytes) -> None: ...

    def finish(self) -> None: ...

    def stop(self) -> None: ...

    def set_gain(self, gain: float) -> None: ...

    @property
    def stopped(self) -> bool: ...

    @property
    def finished(self) -> bool: ...

    @property
    def ended(self) -> bool: ...

    @property
    def written(self) -> int: ...

    @property
    def played(self) -> int: ...

    @property
    def buffered(self) -> int: ...

    @property
    def starving(self) -> bool: ...


class PlaybackBuffer:
    """PCM16 mono at ``sample_rate`` Hz, written by the session and read by a player.

    Threads: ``write`` and ``finish`` belong to the session's thread, ``read`` to the player's
    (pjmedia's clock thread on a call), ``stop`` to anybody. No locks: every shared field is replaced
    in one bytecode and the deque's ends are used by one side each.

    ``on_end`` is called once, on the reading thread, when the last sample was read or a stop was
    seen; ``on_low`` on the reading thread when fewer than ``LOW_WATER_S`` seconds remain. Both must
    only schedule work elsewhere.
    """

    def __init__(self, sample_rate: int = LINE_RATE) -> None:
        self.sample_rate = sample_rate
        self.on_end: Callable[[], None] | None = None
        self.on_low: Callable[[], None] | None = None
        self._chunks: deque[bytes] = deque()
        self._offset = 0
        self._written = 0
        self._played = 0
        self._finished = False
        self._stopped = False
        self._ended = False
        self.low_water = int(LOW_WATER_S * sample_rate)
        self._low_reported = False
        self._gain = self._gain_now = 1.0

    # -- the writer's side

    def write(self, pcm: bytes) -> None:
        """Append PCM16 bytes (a whole number of samples). Ignored after ``stop``."""
        if len(pcm) % BYTES_PER_SAMPLE:
            raise ValueError(f"PCM16 needs an even number of bytes, got {len(pcm)}")
        if pcm and not self._stopped:
            self._chunks.append(pcm)
            self._written += len(pcm) // BYTES_PER_SAMPLE
            self._low_reported = False

    def finish(self) -> None:
        """Declare that nothing more will be written."""
        self._finished = True

    # -- anybody

    def stop(self) -> None:
        """Stop at the next read. Idempotent; what was not read is never heard."""
        self._stopped = True

    def set_gain(self, gain: float) -> None:
        """Loudness, 1 is as written; reached in a straight line within the next read."""
        self._gain = gain

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def finished(self) -> bool:
        """The writer is done (the reader may not be)."""
        return self._finished

    @property
    def ended(self) -> bool:
        """The reader has seen the end or the stop."""
        return self._ended

    @property
    def written(self) -> int:
        """Samples written so far."""
        return self._written

    @property
    def played(self) -> int:
        """Samples that were handed to the player: what was heard, padding not counted."""
        return self._played

    @property
    def buffered(self) -> int:
        """Samples written and not yet read."""
        return self._written - self._played

    @property
    def starving(self) -> bool:
        """The reader would get padding now: nothing is buffered and more is to come."""
        return not (self._stopped or self._finished) and self.buffered == 0

    # -- the reader's side

    def read(self, samples: int) -> bytes | None:
        """Return the next ``samples`` samples, padded with silence when short; None once it is over."""
        if self._ended:
            return None
        if self._stopped or (self._finished and not self._chunks):
            self._end()
            return None
        want = samples * BYTES_PER_SAMPLE
        parts: list[bytes] = []
        while want and self._chunks:
            chunk = self._chunks[0]
            piece = chunk[self._offset : self._offset + want]
            parts.append(piece)
            want -= len(piece)
            self._offset += len(piece)
            if self._offset >= len(chunk):
                self._chunks.popleft()
                self._offset = 0
        self._played += samples - want // BYTES_PER_SAMPLE
        if not self._finished and self.buffered < self.low_water and not self._low_reported:
            self._low_reported = True
            if self.on_low is not None:
                self.on_low()
        if want:
            parts.append(bytes(want))
        pcm = parts[0] if len(parts) == 1 else b"".join(parts)
        if self._gain == 1.0 and self._gain_now == 1.0:
            return pcm
        return self._loud(pcm)

    def _loud(self, pcm: bytes) -> bytes:
        x = np.frombuffer(pcm, np.int16)
        wanted = self._gain
        share = np.arange(1, x.size + 1, dtype=np.float32) / x.size
        ramp = self._gain_now + (wanted - self._gain_now) * share
        self._gain_now = wanted
        return (x * ramp).astype(np.int16).tobytes()

    def _end(self) -> None:
        self._ended = True
        self._chunks.clear()
        if self.on_end is not None:
            self.on_end()
