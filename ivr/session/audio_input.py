"""Sound that is handed to a session (``VoiceSession.process_audio``) and not heard on a call's line."""

from collections.abc import Callable, Iterator

from ivr.audio.frames import BYTES_PER_SAMPLE, FRAME_MS, LINE_FRAME, LINE_RATE
from ivr.audio.line import Line
from ivr.session.types import Player
from ivr.vad.base import SteppedLineVad, VadStream, VoiceActivityDetector


class AudioInput:
    """Of one session: in frames of 20 ms, so that a prompt stops where it would have stopped on a call."""

    def __init__(self, vad: VoiceActivityDetector, player: Player, line: Line | None) -> None:
        self._vad, self._player, self._line = vad, player, line
        self._rest = b""
        self._owed = 0
        """Time the player is behind, in samples of its rate times samples of the caller's."""

    def push(
        self, stream: VadStream, pcm16: bytes, sample_rate: int, heard: Callable[[bytes, int], bool]
    ) -> None:
        """``heard(frame, rate)`` is told of each frame, and says whether to go on. Raises ValueError for half
        a sample and for no rate.
        """
        if len(pcm16) % BYTES_PER_SAMPLE:
            raise ValueError(f"PCM16 needs an even number of bytes, got {len(pcm16)}")
        if sample_rate <= 0:
            raise ValueError(f"the sample rate must be positive, got {sample_rate}")
        feed = self._to_stream(stream, pcm16, sample_rate)
        if self._line is not None:
            feed = self._to_line(self._line, pcm16, sample_rate)
        for frame in feed:
            if not heard(frame, sample_rate):
                return

    def _to_stream(self, stream: VadStream, pcm16: bytes, sample_rate: int) -> Iterator[bytes]:
        step = max(1, sample_rate * FRAME_MS // 1000) * BYTES_PER_SAMPLE
        for at in range(0, len(pcm16), step):
            piece = pcm16[at : at + step]
            yield piece
            stream.push(piece, sample_rate)
            # What is less than a sample of the player's is owed to it.
            self._owed += len(piece) // BYTES_PER_SAMPLE * self._player.sample_rate
            samples, self._owed = divmod(self._owed, sample_rate)
            self._player.advance(samples)

    def _to_line(self, line: Line, pcm16: bytes, sample_rate: int) -> Iterator[bytes]:
        """In the order of a call: what is sent, then what is heard. What is no whole frame waits for the next
        sound.
        """
        rates = {sample_rate, self._player.sample_rate}
        if not isinstance(self._vad, SteppedLineVad) or rates != {LINE_RATE}:
            raise RuntimeError("a line is filled by its call, or here at 8 kHz for a detector with no thread")
        self._rest += pcm16
        size = LINE_FRAME * BYTES_PER_SAMPLE
        while len(self._rest) >= size:
            frame, self._rest = self._rest[:size], self._rest[size:]
            sent = self._player.advance(LINE_FRAME)
            if sent is not None:
                line.write_sent(sent)
            line.write_received(frame)
            yield frame
            while self._vad.look():
                pass
