"""``CallerCapture``: keeps what the caller says as sound, for a message or a recorded answer.

Time is the caller's audio, as everywhere in a session. All but ``add_audio`` belongs to the loop.
"""

import asyncio
import contextlib
from collections.abc import Iterator

import numpy as np

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE, VAD_RATE, ms_to_samples
from ivr.audio.line import RING, Line
from ivr.audio.resample import Resampler
from ivr.session.alarms import Alarms
from ivr.tasks import TaskSupervisor
from ivr.vad.base import VadStream
from ivr.vad.events import SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted, VadEvent

_FETCH_S = 0.5
"""Seconds between two looks for new sound on a call's line, which remembers ``RING_S`` seconds."""
_LENGTH, _SILENCE = "capture length", "capture silence"
"""Names of alarms."""


class CapturedAudio:
    """The caller's sound from one moment on, PCM16 mono at 8 kHz."""

    def __init__(self, line: Line | None, clock: int) -> None:
        self._line = line
        self._next = line.written if line is not None else 0
        self._resampler: Resampler | None = None
        self.began = clock
        """The session's clock then."""
        self._last = clock
        self.sound = bytearray()
        self.spoken = False
        """There was speech in it."""
        self.finished: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why it is long enough: ``silence`` or ``length``. Raises SessionEnded when the session ends."""

    def until_last_word(self, tail_ms: float) -> bytes:
        """The sound up to ``tail_ms`` after the end of the last speech. Where no sound was given to the
        session (a conversation without sound), it is silence.
        """
        kept = (self._last - self.began) * LINE_RATE // VAD_RATE
        sound = self.sound[: (kept + ms_to_samples(tail_ms, LINE_RATE)) * BYTES_PER_SAMPLE]
        return bytes(sound.ljust(kept * BYTES_PER_SAMPLE, b"\0"))

    def on_speech(self, until: int) -> None:
        """There was speech up to that sample of the session's clock."""
        if until > self.began:
            self.spoken = True
            self._last = max(self._last, until)

    def add_audio(self, pcm16: bytes, rate: int) -> None:
        """Sound that was given to the session, or is on its line already. Any thread."""
        if self._line is not None:
            self.fetch()
            return
        if rate == LINE_RATE:
            self.sound += pcm16
            return
        if self._resampler is None or self._resampler.src_rate != rate:
            self._resampler = Resampler(rate, LINE_RATE)
        self.sound += self._resampler.process(np.frombuffer(pcm16, np.int16)).tobytes()

    def fetch(self) -> None:
        """Append what is new on the line; what is no longer there becomes silence."""
        if self._line is None:
            return
        until = self._line.written
        first = max(self._next, until - RING)
        self.sound += bytes((first - self._next) * BYTES_PER_SAMPLE)
        span = np.arange(first, until) % RING
        self.sound += self._line.bank.received[self._line.row, span].tobytes()
        self._next = until


class CallerCapture:
    """Captures the caller of a session, one capture at a time."""

    def __init__(self, stream: VadStream, alarms: Alarms, line: Line | None, tasks: TaskSupervisor) -> None:
        self._stream, self._alarms, self._line, self._tasks = stream, alarms, line, tasks
        self._captured: CapturedAudio | None = None
        self._silence_s = 0.0
        self._talking = False

    @property
    def active(self) -> bool:
        """A capture is in progress, and is not long enough yet."""
        return self._captured is not None and not self._captured.finished.done()

    @contextlib.contextmanager
    def capture(self, silence_s: float, longest_s: float) -> Iterator[CapturedAudio]:
        """See ``VoiceSession.capture_caller``."""
        if self._captured is not None:
            raise RuntimeError("the caller is being captured already")
        line = self._line
        if line is not None and not line.bank.add_reader(line):
            line = None  # the call is over: nothing more comes
        captured = self._captured = CapturedAudio(line, self._stream.clock)
        self._silence_s = silence_s
        at = self._stream.clock + ms_to_samples(longest_s * 1000, VAD_RATE)
        self._alarms.set(_LENGTH, at, lambda: _finish(captured, "length"))
        if not self._talking:
            self._set_silence_alarm(captured.began)
        fetching = self._tasks.start(_fetch(captured), "capture of a line") if line is not None else None
        try:
            yield captured
        finally:
            if self._talking:
                captured.on_speech(self._stream.clock)
            if fetching is not None:
                fetching.cancel()
            captured.fetch()
            if line is not None:
                line.bank.remove_reader(line)
            self._captured = None
            self._alarms.clear(_LENGTH)
            self._alarms.clear(_SILENCE)

    def add_audio(self, pcm16: bytes, rate: int) -> None:
        """Sound was given to the session. Any thread."""
        captured = self._captured
        if captured is not None:
            captured.add_audio(pcm16, rate)

    def on_event(self, event: VadEvent) -> None:
        """An event of the detector."""
        captured = self._captured
        match event:
            case SpeechStarted() | SpeechResumed():
                self._talking = True
                if captured is not None:
                    captured.on_speech(event.at)
                    self._alarms.clear(_SILENCE)
            case SpeechPaused() | SpeechEnded():
                self._talking = False
                if captured is not None:
                    captured.on_speech(event.offset)
                    self._set_silence_alarm(max(event.offset, captured.began))
        if captured is not None:
            captured.fetch()

    def close(self, error: Exception) -> None:
        """The session is over: ``finished`` of the current capture raises ``error``."""
        captured = self._captured
        if captured is not None and not captured.finished.done():
            captured.finished.set_exception(error)
            captured.finished.exception()  # asyncio would complain about an error that no task awaits

    def _set_silence_alarm(self, sample: int) -> None:
        captured = self._captured
        if captured is not None:
            at = sample + ms_to_samples(self._silence_s * 1000, VAD_RATE)
            self._alarms.set(_SILENCE, at, lambda: _finish(captured, "silence"))


async def _fetch(captured: CapturedAudio) -> None:
    while True:
        captured.fetch()
        await asyncio.sleep(_FETCH_S)


def _finish(captured: CapturedAudio, reason: str) -> None:
    if not captured.finished.done():
        captured.finished.set_result(reason)
