"""One thing to say: its sound as it is made, and how it ended."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from ivr.audio.frames import BYTES_PER_SAMPLE, ms_to_samples, samples_to_ms
from ivr.audio.level import fade_in
from ivr.audio.playback import Playback
from ivr.audio.resample import Resampler, resample
from ivr.audio.wav import decode_wav
from ivr.session.options import BargeIn, BargeInOptions
from ivr.session.prompt.heard_words import SpokenPart, audio_from, heard_text
from ivr.session.prompt.resume_point import resume_point
from ivr.session.types import AudioClip, PlayoutResult
from ivr.speech.base import TextToSpeech
from ivr.speech.prompts.store import Prompt
from ivr.speech.sentences import sentences_of
from ivr.speech.timed_words import Word, shift_words, words_of

Sayable = str | AudioClip | Path | AsyncIterator[str]
SaySource = Sayable | Iterable[Sayable]
"""Text, an audio file (a WAV's path, or decoded), text that is still being written, or a list of these."""

FADE_MS = 10
"""In which a prompt that goes on comes up from nothing."""


@runtime_checkable
class PreparedPrompts(Protocol):
    """A TTS that may have a text's sound at hand (the prompt cache)."""

    def lookup(self, text: str) -> Prompt | None:
        """Its sound at the engine's ``sample_rate`` and its words, or None."""


class SayHandle:
    """What ``VoiceSession.say`` returns."""

    def __init__(
        self,
        number: int,
        options: BargeInOptions,
        new_buffer: Callable[["SayHandle"], Playback],
        on_cancel: Callable[["SayHandle"], None],
    ) -> None:
        self.number = number
        """Prompts of a session are counted from 1."""
        self.options = options
        self._new_buffer = new_buffer
        self.buffer = new_buffer(self)
        """What is being played: the whole prompt, or the rest of it after a false interruption."""
        self.base = 0
        """The prompt's sample that ``buffer`` begins with."""
        self.written = 0
        """Samples made so far."""
        self._furthest = 0
        self.parts: list[SpokenPart] = []
        self.error: Exception | None = None
        self.playing = False
        self.yielding = False
        """Set before the buffer is stopped by a barge-in, on whatever thread that is."""
        self.suspended = False
        """Stopped by speech of which is not yet known whether it was any; it may go on."""
        self.starter: asyncio.Task[None] | None = None
        """Waits for the first sound of the prompt at the head of the queue."""
        self.producer: asyncio.Task[None] | None = None
        self.complete = False
        """All of the sound is made."""
        self.audio_ready = asyncio.Event()
        self.room = asyncio.Event()
        """There is room for more sound: the producer waits for it when far ahead of the player."""
        self._on_cancel = on_cancel
        self._outcome: asyncio.Future[PlayoutResult] = asyncio.get_running_loop().create_future()

    @property
    def barge_in(self) -> BargeIn:
        return self.options.barge_in

    @property
    def text(self) -> str:
        """The words of it, as far as they are known."""
        return " ".join(part.text for part in self.parts)

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

    @property
    def told_words(self) -> list[tuple[str, int, int]]:
        """The words whose places were told with the sound, and the ms of the prompt where each begins and
        ends.
        """
        rate = self.buffer.sample_rate
        words = [word for part in self.parts for word in shift_words(part.words, part.start, rate, rate)]
        return [
            (text, round(samples_to_ms(begin, rate)), round(samples_to_ms(end, rate)))
            for text, begin, end in words
        ]

    @property
    def planned_ms(self) -> float | None:
        """How long all of it is, once it is made."""
        return samples_to_ms(self.written, self.buffer.sample_rate) if self.complete else None

    def yields_to(self, cause: BargeIn) -> bool:
        return self.barge_in == "any" or self.barge_in == cause

    def protected(self, cause: Literal["speech", "dtmf"]) -> bool:
        """It is in its protected beginning. Any thread."""
        ms = self.options.protect_ms if cause == "speech" else self.options.protect_dtmf_ms
        return ms > 0 and samples_to_ms(self.played, self.buffer.sample_rate) < ms

    @property
    def played(self) -> int:
        """The prompt's sample up to which it was played last."""
        return self.base + self.buffer.played

    @property
    def left_ms(self) -> float:
        """What is made of it and was not played."""
        return samples_to_ms(self.written - self.played, self.buffer.sample_rate)

    def write(self, pcm: bytes) -> None:
        self.written += len(pcm) // BYTES_PER_SAMPLE
        self.buffer.write(pcm)

    def finish(self) -> None:
        """Nothing more will be written."""
        self.complete = True
        self.buffer.finish()

    def rewind(self) -> int:
        """To be played on from the beginning of the word or clause that was cut; the prompt's sample."""
        rate = self.buffer.sample_rate
        self._furthest = max(self._furthest, self.played)
        self.base = resume_point(self.parts, self.played, rate)
        self.buffer = self._new_buffer(self)
        rest = audio_from(self.parts, self.base)
        # What is cut into is no silence, whatever the dip: a jump would be heard as a click.
        self.buffer.write(fade_in(rest, ms_to_samples(FADE_MS, rate)) if self.base else rest)
        if self.complete:
            self.buffer.finish()
        self.suspended = self.yielding = False
        return self.base

    def resolve(self, *, interrupted: bool) -> PlayoutResult | None:
        """Settle the outcome, once, and free the sound. None when it was settled before."""
        if self.done:
            return None
        if self.producer is not None:
            self.producer.cancel()
        played, rate = max(self._furthest, self.played), self.buffer.sample_rate
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


class PromptSynthesis:
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
            words = shift_words(item.words, 0, item.sample_rate, rate)
            self._write_whole(item.text, item.pcm16, item.sample_rate, handle, words)
            return True
        if isinstance(item, str):
            if not item.strip():
                return True
            if isinstance(self._tts, PreparedPrompts) and self._tts.sample_rate == rate:
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
        part = SpokenPart(text, handle.written, [pcm16], words, complete=True)
        handle.parts.append(part)
        handle.write(pcm16)
        handle.audio_ready.set()

    async def _speak(self, text: str, handle: SayHandle) -> None:
        part = SpokenPart(text, handle.written)
        handle.parts.append(part)
        resampler = Resampler(self._tts.sample_rate, handle.buffer.sample_rate)
        chunks = self._tts.synthesize(text)
        try:
            async for chunk in chunks:
                part.words = shift_words(
                    words_of(chunks), 0, self._tts.sample_rate, handle.buffer.sample_rate
                )
                self._add(part, resampler.process(np.frombuffer(chunk, dtype=np.int16)).tobytes(), handle)
                while handle.buffer.buffered > 2 * handle.buffer.low_water and not handle.buffer.stopped:
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
            handle.write(pcm)
            handle.audio_ready.set()
