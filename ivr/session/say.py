"""One thing to say: its sound as it is made, and how it ended."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from ivr.audio.frames import samples_to_ms
from ivr.audio.playback import Playback
from ivr.audio.resample import Resampler, resample
from ivr.audio.wav import decode_wav
from ivr.session.heard import SpokenPart, heard_text
from ivr.session.types import AudioClip, BargeIn, PlayoutResult
from ivr.speech.base import TextToSpeech
from ivr.speech.prompt_store import Prompt
from ivr.speech.sentences import sentences_of
from ivr.speech.words import Word, moved, words_of

Sayable = str | AudioClip | Path | AsyncIterator[str]
SaySource = Sayable | Iterable[Sayable]
"""Text, an audio file (a WAV's path, or decoded), text that is still being written, or a list of these."""


@runtime_checkable
class Prepared(Protocol):
    """A TTS that may have a text's sound at hand (the prompt cache)."""

    def lookup(self, text: str) -> Prompt | None:
        """Its sound at the engine's ``sample_rate`` and its words, or None."""


class SayHandle:
    """What ``VoiceSession.say`` returns."""

    def __init__(self, barge_in: BargeIn, buffer: Playback, on_cancel: Callable[["SayHandle"], None]) -> None:
        self.barge_in: BargeIn = barge_in
        self.buffer = buffer
        self.parts: list[SpokenPart] = []
        self.error: Exception | None = None
        self.playing = False
        self.yielding = False
        """Set before the buffer is stopped by a barge-in, on whatever thread that is."""
        self.starter: asyncio.Task[None] | None = None
        """Waits for the first sound of the prompt at the head of the queue."""
        self.producer: asyncio.Task[None] | None = None
        self.audio_ready = asyncio.Event()
        self.room = asyncio.Event()
        """There is room for more sound: the producer waits for it when far ahead of the player."""
        self._on_cancel = on_cancel
        self._outcome: asyncio.Future[PlayoutResult] = asyncio.get_running_loop().create_future()

    @property
    def done(self) -> bool:
        return self._outcome.done()

    async def wait_for_playout(self) -> PlayoutResult:
        """Wait until it was played, interrupted or cancelled. Any number of tasks may wait.

        Raises SpeechError when the speech engine and its fallbacks failed: what was made before was
        played.
        """
        return await asyncio.shield(self._outcome)

    def cancel(self) -> None:
        """Stop now. Idempotent; frees everything; the result says what was heard."""
        if not self.done:
            self._on_cancel(self)

    # -- for the session

    def yields_to(self, cause: BargeIn) -> bool:
        return self.barge_in == "any" or self.barge_in == cause

    def resolve(self, *, interrupted: bool) -> PlayoutResult | None:
        """Settle the outcome, once, and free the sound. None when it was settled before."""
        if self.done:
            return None
        if self.producer is not None:
            self.producer.cancel()
        played, rate = self.buffer.played, self.buffer.sample_rate
        result = PlayoutResult(interrupted, samples_to_ms(played, rate), heard_text(self.parts, played, rate))
        if self.error is not None and not interrupted:
            self._outcome.set_exception(self.error)
            self._outcome.exception()  # nobody is obliged to wait for it
        else:
            self._outcome.set_result(result)
        self.parts.clear()
        return result


def _items(source: SaySource) -> list[Sayable]:
    """What is to be said, one after the other, files decoded. Raises TypeError for what cannot be said,
    OSError and WavError for a file that cannot be read.
    """
    whole = isinstance(source, str | AudioClip | Path | AsyncIterator)
    if not whole and (isinstance(source, bytes) or not isinstance(source, Iterable)):
        raise TypeError(f"{type(source).__name__} cannot be said: give text, a file, or a list of these")
    items: list[Sayable] = []
    for item in [source] if whole else source:  # type: ignore[union-attr]
        if isinstance(item, Path):
            samples, rate = decode_wav(item.read_bytes())
            items.append(AudioClip(samples.tobytes(), rate))
        elif isinstance(item, str | AudioClip | AsyncIterator):
            items.append(item)
        else:
            raise TypeError(f"{type(item).__name__} cannot be said: give text or an audio file")
    return items


class SoundMaker:
    """Turns what is to be said into the handle's buffer, part by part."""

    def __init__(self, tts: TextToSpeech) -> None:
        self._tts = tts

    def prepare(self, source: SaySource, handle: SayHandle) -> list[Sayable]:
        """Write at once what is at hand; returns what still has to be made. Raises what ``_items`` raises."""
        rest = _items(source)
        while rest and self._write_prepared(rest[0], handle):
            rest.pop(0)
        return rest

    async def produce(self, rest: list[Sayable], handle: SayHandle) -> None:
        """Make the rest in order. Raises what the engine raises."""
        for item in rest:
            if self._write_prepared(item, handle):
                continue
            if isinstance(item, str):
                await self._speak(item, handle)
            elif isinstance(item, AsyncIterator):
                async for sentence in sentences_of(item):
                    if not self._write_prepared(sentence, handle):
                        await self._speak(sentence, handle)

    def _write_prepared(self, item: Sayable, handle: SayHandle) -> bool:
        rate = handle.buffer.sample_rate
        if isinstance(item, AudioClip):
            self._write_whole(item.text, item.pcm16, item.sample_rate, handle)
            return True
        if isinstance(item, str):
            if not item.strip():
                return True
            if isinstance(self._tts, Prepared) and self._tts.sample_rate == rate:
                prompt = self._tts.lookup(item)
                if prompt is not None:
                    self._write_whole(item, prompt.pcm, rate, handle, prompt.words)
                    return True
        return False

    @staticmethod
    def _write_whole(
        text: str, pcm16: bytes, sample_rate: int, handle: SayHandle, words: Sequence[Word] = ()
    ) -> None:
        rate = handle.buffer.sample_rate
        if sample_rate != rate:
            pcm16 = resample(np.frombuffer(pcm16, dtype=np.int16), sample_rate, rate).tobytes()
        part = SpokenPart(text, handle.buffer.written, [pcm16], words, complete=True)
        handle.parts.append(part)
        handle.buffer.write(pcm16)
        handle.audio_ready.set()

    async def _speak(self, text: str, handle: SayHandle) -> None:
        buffer = handle.buffer
        part = SpokenPart(text, buffer.written)
        handle.parts.append(part)
        resampler = Resampler(self._tts.sample_rate, buffer.sample_rate)
        chunks = self._tts.synthesize(text)
        try:
            async for chunk in chunks:
                part.words = moved(words_of(chunks), 0, self._tts.sample_rate, buffer.sample_rate)
                self._add(part, resampler.process(np.frombuffer(chunk, dtype=np.int16)).tobytes(), handle)
                while buffer.buffered > 2 * buffer.low_water and not buffer.stopped:
                    handle.room.clear()
                    await handle.room.wait()
            self._add(part, resampler.flush().tobytes(), handle)
            part.complete = True
        finally:
            # A barge-in closes the engine's request at once, not when the garbage collector comes by.
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    @staticmethod
    def _add(part: SpokenPart, pcm: bytes, handle: SayHandle) -> None:
        if pcm:
            part.audio.append(pcm)
            handle.buffer.write(pcm)
            handle.audio_ready.set()
