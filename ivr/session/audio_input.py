"""Sound that is given to a session with ``process_audio``, instead of being read from a call's line."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from ivr.audio.frames import BYTES_PER_SAMPLE, FRAME_MS, LINE_FRAME, LINE_RATE
from ivr.audio.line import Line
from ivr.session.types import Player
from ivr.vad.base import SteppedLineVad, VadStream, VoiceActivityDetector


class AudioInput:
    """Cuts the sound into frames of 20 ms, so that a prompt stops where it would have stopped on a call."""

    def __init__(self, vad: VoiceActivityDetector, player: Player, line: Line | None) -> None:
        self._vad, self._player, self._line = vad, player, line
        self._rest = b""
        self._behind = 0
        """Time that the player is behind, in samples of its rate times samples of the caller's."""

    def push(
        self, stream: VadStream, pcm16: bytes, sample_rate: int, on_frame: Callable[[bytes, int], bool]
    ) -> None:
        """``on_frame(frame, rate)`` receives each frame and returns whether to continue. Raises ValueError
        for half a sample and for a rate that is not positive.
        """
        if len(pcm16) % BYTES_PER_SAMPLE:
            raise ValueError(f"PCM16 needs an even number of bytes, got {len(pcm16)}")
        if sample_rate <= 0:
            raise ValueError(f"the sample rate must be positive, got {sample_rate}")
        frames = self._to_stream(stream, pcm16, sample_rate)
        if self._line is not None:
            frames = self._to_line(self._line, pcm16, sample_rate)
        for frame in frames:
            if not on_frame(frame, sample_rate):
                return

    def _to_stream(self, stream: VadStream, pcm16: bytes, sample_rate: int) -> Iterator[bytes]:
        step = max(1, sample_rate * FRAME_MS // 1000) * BYTES_PER_SAMPLE
        for at in range(0, len(pcm16), step):
            piece = pcm16[at : at + step]
            yield piece
            stream.push(piece, sample_rate)
            # Less than a sample of the player's is added to the next piece.
            self._behind += len(piece) // BYTES_PER_SAMPLE * self._player.sample_rate
            samples, self._behind = divmod(self._behind, sample_rate)
            self._player.advance(samples)

    def _to_line(self, line: Line, pcm16: bytes, sample_rate: int) -> Iterator[bytes]:
        """Process sound in the order of a call: what is sent, then what is received. Less than a frame waits
        for more sound.
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
            while self._vad.step():
                pass


class AudioWatch:
    """Warns once when a session waits for the caller's sound and none arrives. Belongs to the loop."""

    def __init__(
        self, seconds: float | None, clock: Callable[[], int], is_needed: Callable[[], bool], log: Any
    ) -> None:
        """``clock`` returns samples of sound received so far; ``is_needed``: something waits for more."""
        self._seconds, self._clock, self._is_needed, self._log = seconds, clock, is_needed, log
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Something waits for sound from now on."""
        if self._seconds is not None and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._seconds, self._check, self._clock())

    def close(self) -> None:
        """Never warn again."""
        self._seconds = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self, clock: int) -> None:
        self._timer = None
        if not self._is_needed():
            return
        if self._clock() > clock:
            self.start()
            return
        self._log.warning(
            "no_caller_audio",
            seconds=self._seconds,
            remedy="call process_audio all the time, with silence too: it is the clock of the session",
        )
        self.close()
