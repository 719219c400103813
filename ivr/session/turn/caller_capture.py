"""What a session does beside conversing: keep what the caller says as sound, let time go by, pay no heed.

Time is the caller's audio, as everywhere in a session. Loop only, but for ``hear``.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE, VAD_RATE, ms_to_samples
from ivr.audio.line import RING, Line
from ivr.audio.resample import Resampler
from ivr.session.alarms import Alarms
from ivr.session.turn.turn_queue import TurnQueue
from ivr.vad.base import SpeechEnded, SpeechPaused, SpeechResumed, SpeechStarted, VadEvent, VadStream

_T = TypeVar("_T")

_FETCH_S = 0.5
"""How often what is new is fetched from a call's line, which remembers ``RING_S`` seconds."""


class CapturedAudio:
    """The caller's own sound, PCM16 mono at 8 kHz, from one moment on."""

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
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Why it is long enough: ``silence`` or ``length``."""

    def until_last_word(self, tail_ms: float) -> bytes:
        """The sound up to the end of the last speech and ``tail_ms`` after it. What was not handed to the
        session (a conversation without sound) is silence.
        """
        kept = (self._last - self.began) * LINE_RATE // VAD_RATE
        sound = self.sound[: (kept + ms_to_samples(tail_ms, LINE_RATE)) * BYTES_PER_SAMPLE]
        return bytes(sound.ljust(kept * BYTES_PER_SAMPLE, b"\0"))

    def speech(self, until: int) -> None:
        """Speech up to that sample of the session's clock."""
        if until > self.began:
            self.spoken = True
            self._last = max(self._last, until)

    def hear(self, pcm16: bytes, rate: int) -> None:
        """What was pushed into the session, into its line if it has one: any thread."""
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
        """What is new on the line; what was fetched too late is silence."""
        if self._line is None:
            return
        until = self._line.written
        first = max(self._next, until - RING)
        self.sound += bytes((first - self._next) * BYTES_PER_SAMPLE)
        span = np.arange(first, until) % RING
        self.sound += self._line.bank.received[self._line.row, span].tobytes()
        self._next = until


class CallerCapture:
    """Of one running session."""

    def __init__(self, stream: VadStream, alarms: Alarms, turns: TurnQueue, line: Line | None) -> None:
        self._stream, self._alarms, self._turns, self._line = stream, alarms, turns, line
        self._numbers = itertools.count(1)
        self._waits: set[asyncio.Future[None]] = set()
        self._captured: CapturedAudio | None = None
        self._silence_s = 0.0
        self._unheeded = 0
        self._heeds_from = self._onset = 0
        self._talking = False

    @property
    def waiting(self) -> bool:
        """Somebody waits for time to go by."""
        return bool(self._waits) or (self._captured is not None and not self._captured.over.done())

    def heeds(self, onset: int) -> bool:
        """Speech that began at that sample is to be understood."""
        return not self._unheeded and onset >= self._heeds_from

    @property
    def speaking(self) -> bool:
        """The caller speaks, and it is to be understood."""
        return self._stream.speaking and self.heeds(self._onset)

    @contextlib.contextmanager
    def unheeded(self, *, forget: bool = False) -> Iterator[None]:
        """What the caller says meanwhile is no turn and reaches no recogniser; keys are heard as always.
        ``forget`` what was said or pressed before and not yet fetched.
        """
        while forget and self._turns.fetch() is not None:
            pass
        self._unheeded += 1
        try:
            yield
        finally:
            self._unheeded -= 1
            self._heeds_from = self._stream.clock

    async def wait(self, seconds: float) -> None:
        """``seconds`` of the caller's sound. Raises what ``close`` is given."""
        name = f"wait {next(self._numbers)}"
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._alarms.set(name, self._after(seconds), lambda: _settle(waiting, None))
        self._waits.add(waiting)
        try:
            await waiting
        finally:
            self._waits.discard(waiting)
            self._alarms.clear(name)

    @contextlib.contextmanager
    def captured(self, silence_s: float, longest_s: float) -> Iterator[CapturedAudio]:
        """Keep what the caller says: until nothing was said for ``silence_s``, or for ``longest_s``; then
        ``over`` tells which, and the sound goes on until the end of the block. One at a time.
        """
        if self._captured is not None:
            raise RuntimeError("the caller is being recorded already")
        line = self._line
        if line is not None and not line.bank.add_reader(line):
            line = None  # the call is over: nothing more comes
        captured = self._captured = CapturedAudio(line, self._stream.clock)
        self._silence_s = silence_s
        self._alarms.set("length", self._after(longest_s), lambda: _settle(captured.over, "length"))
        if not self._talking:
            self._silent_from(captured.began)
        fetching = asyncio.ensure_future(_fetch(captured)) if line is not None else None
        try:
            yield captured
        finally:
            if self._talking:
                captured.speech(self._stream.clock)
            if fetching is not None:
                fetching.cancel()
            captured.fetch()
            if line is not None:
                line.bank.remove_reader(line)
            self._captured = None
            self._alarms.clear("length")
            self._alarms.clear("silence")

    def hear(self, pcm16: bytes, rate: int) -> None:
        """Sound was pushed into the session."""
        if self._captured is not None:
            self._captured.hear(pcm16, rate)

    def heard(self, event: VadEvent) -> None:
        """An event of the detector."""
        captured = self._captured
        match event:
            case SpeechStarted() | SpeechResumed():
                if isinstance(event, SpeechStarted):
                    self._onset = event.onset
                self._talking = True
                if captured is not None:
                    captured.speech(event.at)
                    self._alarms.clear("silence")
            case SpeechPaused() | SpeechEnded():
                self._talking = False
                if captured is not None:
                    captured.speech(event.offset)
                    self._silent_from(max(event.offset, captured.began))
        if captured is not None:
            captured.fetch()

    def close(self, error: Exception) -> None:
        """The session is over."""
        captured = self._captured
        waits: list[asyncio.Future[Any]] = [*self._waits]
        if captured is not None:
            waits.append(captured.over)
        for waiting in waits:
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()  # nobody is obliged to wait for it
        self._waits.clear()

    def _silent_from(self, sample: int) -> None:
        captured = self._captured
        if captured is not None:
            at = sample + ms_to_samples(self._silence_s * 1000, VAD_RATE)
            self._alarms.set("silence", at, lambda: _settle(captured.over, "silence"))

    def _after(self, seconds: float) -> int:
        return self._stream.clock + ms_to_samples(seconds * 1000, VAD_RATE)


async def _fetch(captured: CapturedAudio) -> None:
    while True:
        captured.fetch()
        await asyncio.sleep(_FETCH_S)


def _settle(future: "asyncio.Future[_T]", value: _T) -> None:
    if not future.done():
        future.set_result(value)
