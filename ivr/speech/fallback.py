"""Use engines in a declared order: when the first fails the next is used, and the log says so.

Every exception of an engine counts as its failure, a SpeechError or not; only a cancellation passes through.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any, Generic, TypeVar

import numpy as np
import structlog

from ivr.audio.frames import BYTES_PER_SAMPLE
from ivr.audio.resample import Resampler
from ivr.grammar.recognition import RecognitionContext
from ivr.speech.base import (
    SpeechBusy,
    SpeechError,
    SpeechLost,
    SpeechToText,
    TextToSpeech,
    Transcript,
    recognise,
)
from ivr.speech.sentences import split_sentences
from ivr.speech.timed_words import Word, shift_words, words_of

_log = structlog.get_logger(__name__)
_Engine = TypeVar("_Engine", SpeechToText, TextToSpeech)

COOLDOWN_S = 30.0
"""Seconds for which an engine that failed is skipped. Then one request tries it again."""
RETRY_S = 8.0
"""Seconds from the loss of an engine's process within which requests that no other engine could do are made
again: it takes some seconds to start."""
RETRY_PAUSE_S = 0.25
"""Seconds between two attempts while there is no process to take the request."""
MAX_LOST = 2
"""Attempts with which the engine's process ended, after which the request itself is suspected."""
REPEAT_GAP_MS = 200
"""Milliseconds of silence before a sentence that broke off is repeated."""


class _EngineOrder(Generic[_Engine]):
    """Engines in their order, and which of them are marked down."""

    def __init__(self, engines: Sequence[_Engine], cooldown_s: float, clock: Callable[[], float]) -> None:
        if not engines:
            raise ValueError("a fallback needs at least one engine")
        self.engines: tuple[_Engine, ...] = tuple(engines)
        self._cooldown_s, self._clock = cooldown_s, clock
        self._down_until = [float("-inf")] * len(engines)
        self._lost_at: float | None = None
        """When the process of an engine was lost that has not answered since."""

    async def start(self) -> None:
        """Start all. Raises the first engine's SpeechError only when none can be started."""
        outcomes = await asyncio.gather(*(e.start() for e in self.engines), return_exceptions=True)
        failed: list[SpeechError] = []
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, Exception):
                failed.append(self.as_speech_error(index, outcome))
                if len(self.engines) > 1 or not isinstance(outcome, SpeechError):
                    _log.warning(
                        "speech_engine_down",
                        engine=self.engines[index].name,
                        reason=str(failed[-1]),
                        **_trace(outcome),
                    )
                self.mark_down(index)
            elif isinstance(outcome, BaseException):
                raise outcome
        if len(failed) == len(self.engines):
            raise failed[0]

    def candidates(self) -> Iterator[int]:
        """Yield the engines to try for one request: those that work, in order, then those marked down. An
        engine whose cooldown has passed stays marked down for all requests but this one."""
        later: list[int] = []
        for index, until in enumerate(self._down_until):
            now = self._clock()
            if now < until:
                later.append(index)
                continue
            if until > float("-inf"):
                self._down_until[index] = now + self._cooldown_s
            yield index
        yield from later

    async def ensure_started(self, index: int) -> None:
        """Start an engine that could not be started before."""
        if self._down_until[index] > float("-inf"):
            await self.engines[index].start()

    def mark_down(self, index: int) -> None:
        """Skip the engine until its cooldown has passed."""
        self._down_until[index] = self._clock() + self._cooldown_s

    def as_speech_error(self, index: int, error: Exception) -> SpeechError:
        """Return ``error`` itself, or wrapped: a third party's engine may raise any exception."""
        if isinstance(error, SpeechError):
            return error
        wrapped = SpeechError(self.engines[index].name, f"{type(error).__name__}: {error}")
        wrapped.__cause__ = error
        return wrapped

    def failed(self, index: int, error: Exception) -> SpeechError:
        """Mark the engine down and log it; returns the error to raise when no other engine can."""
        if isinstance(error, SpeechLost):
            known_lost, self._lost_at = self._lost_at, self._lost_at or self._clock()
            if known_lost is not None and not error.sent:
                return error  # logged when it was lost
        # A full queue is no failure: the next request may find room.
        if not isinstance(error, SpeechBusy):
            self.mark_down(index)
        known = self.as_speech_error(index, error)
        _log.warning("speech_failed", engine=self.engines[index].name, reason=str(known), **_trace(error))
        return known

    def log_fallback(self, index: int, last: SpeechError | None) -> None:
        """Log that engine ``index`` is tried after the error ``last``."""
        if last is not None and last.engine != self.engines[index].name:
            _log.warning("speech_fallback", failed=last.engine, engine=self.engines[index].name)

    def mark_up(self, index: int) -> None:
        """The engine did a request."""
        self._lost_at = None
        if self._down_until[index] > float("-inf"):
            _log.info("speech_recovered", engine=self.engines[index].name)
            self._down_until[index] = float("-inf")

    @property
    def restarting_since(self) -> float | None:
        """When the process of an engine was lost that has not answered since, by the clock; else None."""
        return self._lost_at

    def now(self) -> float:
        """The clock, in seconds."""
        return self._clock()

    @property
    def down(self) -> bool:
        """All engines are marked down."""
        now = self._clock()
        return all(now < until for until in self._down_until)

    async def aclose(self) -> None:
        await asyncio.gather(*(engine.aclose() for engine in self.engines))


class _Attempts:
    """The attempts at one request, each with all engines: whether another is of use."""

    def __init__(self, order: _EngineOrder[Any]) -> None:
        self._order = order
        self._lost = 0

    def add(self, error: SpeechError) -> None:
        """An engine failed in this attempt."""
        self._lost += isinstance(error, SpeechLost) and error.sent

    async def again(self, last: SpeechError) -> bool:
        """Return whether to try once more, after a pause: all engines have failed, ``last`` is the last
        error, and a lost process may come back."""
        since = self._order.restarting_since
        if since is None or self._lost >= MAX_LOST or self._order.now() - since > RETRY_S:
            return False
        if isinstance(last, SpeechLost) and last.sent:
            return True  # the request waits for the new process in its queue
        await asyncio.sleep(RETRY_PAUSE_S)
        return True


def _trace(error: Exception) -> dict[str, Exception]:
    """Return the log field with the traceback, for errors whose text does not explain them."""
    return {} if isinstance(error, SpeechError) else {"exc_info": error}


class FallbackSTT:
    """A SpeechToText made of several, the preferred first. Raises the last one's error when all fail."""

    def __init__(
        self,
        engines: Sequence[SpeechToText],
        *,
        cooldown_s: float = COOLDOWN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._order = _EngineOrder[SpeechToText](engines, cooldown_s, clock)
        self.name = "+".join(engine.name for engine in engines)

    async def start(self) -> None:
        await self._order.start()

    @property
    def down(self) -> bool:
        """See HasHealth."""
        return self._order.down

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        """See SpeechToText; ``Transcript.engine`` names the engine that answered."""
        return await self.recognise(pcm16, sample_rate, RecognitionContext())

    async def recognise(self, pcm16: bytes, sample_rate: int, context: RecognitionContext) -> Transcript:
        """See HasGrammar; an engine that knows no grammar is asked for text."""
        attempts = _Attempts(self._order)
        while True:
            last: SpeechError | None = None
            for index in self._order.candidates():
                self._order.log_fallback(index, last)
                try:
                    await self._order.ensure_started(index)
                    transcript = await recognise(self._order.engines[index], pcm16, sample_rate, context)
                except Exception as error:
                    last = self._order.failed(index, error)
                    attempts.add(last)
                else:
                    self._order.mark_up(index)
                    return transcript
            assert last is not None
            if not await attempts.again(last):
                raise last

    async def aclose(self) -> None:
        await self._order.aclose()


class FallbackTTS:
    """A TextToSpeech made of several, the preferred first, at the first one's sample rate.

    With more than one engine a text is requested sentence by sentence, so that it is known what was
    spoken when one fails: a sentence without any sound yet is spoken by the next engine, and only the
    voice changes; a sentence that broke off is repeated from its beginning after a short silence. No
    word is lost, and only the words of that sentence are heard twice.
    """

    def __init__(
        self,
        engines: Sequence[TextToSpeech],
        *,
        cooldown_s: float = COOLDOWN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._order = _EngineOrder[TextToSpeech](engines, cooldown_s, clock)
        self.name = "+".join(engine.name for engine in engines)
        self.sample_rate = engines[0].sample_rate

    async def start(self) -> None:
        await self._order.start()

    def fingerprint(self) -> str:
        """Return the first engine's fingerprint: the voice that is preferred."""
        return self._order.engines[0].fingerprint()

    def fingerprints(self) -> list[str]:
        """Return every engine's fingerprint, the preferred first."""
        return [engine.fingerprint() for engine in self._order.engines]

    def synthesize(self, text: str) -> "FallbackSpeech":
        return FallbackSpeech(self._order, text, self.sample_rate)

    async def aclose(self) -> None:
        await self._order.aclose()


class _EngineFailed(Exception):
    """One engine could not make a sentence; ``error`` says why."""

    def __init__(self, error: SpeechError) -> None:
        self.error = error


class FallbackSpeech(AsyncIterator[bytes]):
    """The sound of one text."""

    def __init__(self, order: _EngineOrder[TextToSpeech], text: str, sample_rate: int) -> None:
        self._order, self._rate = order, sample_rate
        self._voices: set[int] = set()
        self._broken = False
        self._made = 0
        self._timed: list[tuple[object, int, int]] = []
        """Sentences so far: the engine's sound (None when it broke off), its rate in Hz, and the
        sample at which it begins."""
        parts = [text] if len(order.engines) == 1 else split_sentences(text)
        self._sound = self._synthesize_all(parts)

    @property
    def made_by(self) -> str | None:
        """Fingerprint of the engine that made all of it so far; None when several did or one broke off."""
        if self._broken or len(self._voices) != 1:
            return None
        return self._order.engines[next(iter(self._voices))].fingerprint()

    @property
    def words(self) -> list[Word]:
        """See ``TimedAudio``; they end before the first sentence without word times or that broke off."""
        found: list[Word] = []
        for sound, rate, start in self._timed:
            words = words_of(sound)
            if not words:
                break
            found += shift_words(words, start, rate, self._rate)
        return found

    async def __anext__(self) -> bytes:
        piece = await anext(self._sound)
        self._made += len(piece) // BYTES_PER_SAMPLE
        return piece

    async def aclose(self) -> None:
        """Abandon the request."""
        await self._sound.aclose()

    async def _synthesize_all(self, parts: list[str]) -> AsyncGenerator[bytes, None]:
        for part in parts:
            async with aclosing(self._synthesize(part)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _synthesize(self, part: str) -> AsyncGenerator[bytes, None]:
        attempts, last = _Attempts(self._order), None
        while True:
            for index in self._order.candidates():
                self._order.log_fallback(index, last)
                async with aclosing(self._try(index, part, repeated=last is not None)) as pieces:
                    try:
                        async for piece in pieces:
                            yield piece
                        return
                    except _EngineFailed as failed:
                        last = failed.error
                        attempts.add(last)
            assert last is not None
            if not await attempts.again(last):
                raise last

    async def _try(self, index: int, part: str, *, repeated: bool) -> AsyncGenerator[bytes, None]:
        """Yield the sentence as one engine makes it. Raises _EngineFailed."""
        begun = False
        try:
            await self._order.ensure_started(index)
            engine = self._order.engines[index]
            sound = engine.synthesize(part)
            async with aclosing(self._convert(sound, engine.sample_rate)) as pieces:
                async for piece in pieces:
                    if not begun:
                        if repeated and self._broken:
                            yield bytes(2 * (self._rate * REPEAT_GAP_MS // 1000))
                        self._timed.append((sound, engine.sample_rate, self._made))
                    begun = True
                    self._voices.add(index)
                    yield piece
        except Exception as error:
            self._broken = self._broken or begun
            if begun:
                self._timed[-1] = (None, self._rate, self._made)
            raise _EngineFailed(self._order.failed(index, error)) from error
        if not begun:
            self._timed.append((sound, self._rate, self._made))
        self._order.mark_up(index)

    async def _convert(self, sound: AsyncIterator[bytes], rate: int) -> AsyncGenerator[bytes, None]:
        converter = Resampler(rate, self._rate)
        try:
            async for piece in sound:
                if converted := converter.process(np.frombuffer(piece, np.int16)).tobytes():
                    yield converted
            if rest := converter.flush().tobytes():
                yield rest
        finally:
            close = getattr(sound, "aclose", None)
            if close is not None:
                await close()
