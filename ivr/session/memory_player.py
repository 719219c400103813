"""A player without a phone: it plays at the pace of the caller's audio and keeps what it played."""

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE
from ivr.audio.playback import Playback, PlaybackBuffer


class MemoryPlayer:
    """``played`` is all that a caller would have heard: PCM16 mono at ``sample_rate`` Hz, silence
    included, as long as the audio given to ``VoiceSession.process_audio``.
    """

    def __init__(self, sample_rate: int = LINE_RATE) -> None:
        self.sample_rate = sample_rate
        self._buffer: PlaybackBuffer | None = None
        self._out = bytearray()

    @property
    def played(self) -> bytes:
        return bytes(self._out)

    def playback(self) -> Playback:
        return PlaybackBuffer(self.sample_rate)

    def play(self, buffer: Playback) -> None:
        assert isinstance(buffer, PlaybackBuffer)
        self._buffer = buffer

    def release(self, buffer: Playback) -> None:
        if self._buffer is buffer:
            self._buffer = None

    def advance(self, samples: int) -> bytes | None:
        buffer = self._buffer
        pcm = buffer.read(samples) if buffer is not None else None
        self._out += pcm if pcm is not None else bytes(samples * BYTES_PER_SAMPLE)
        return pcm
