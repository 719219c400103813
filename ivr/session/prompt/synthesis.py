"""The sound of a prompt: text, files and text that is still being written, made into its buffer in order."""

from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from ivr.audio.resample import Resampler, resample
from ivr.audio.wav import decode_wav
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.heard_words import SpokenPart
from ivr.session.types import AudioClip
from ivr.speech.base import TextToSpeech
from ivr.speech.prompts.store import Prompt
from ivr.speech.sentences import sentences_of
from ivr.speech.timed_words import Word, shift_words, words_of
from ivr.text import REPLACEMENT, clean_text

Sayable = str | AudioClip | Path | AsyncIterator[str]
SaySource = Sayable | Iterable[Sayable]
"""Text, an audio file (a WAV's path, or decoded), text that is still being written, or a list of these."""


@runtime_checkable
class PreparedPrompts(Protocol):
    """A TTS that may have a text's sound ready (the prompt cache)."""

    def lookup(self, text: str) -> Prompt | None:
        """Its sound at the engine's ``sample_rate`` and its words, or None."""


def spoken_text(text: str) -> str:
    """Return ``text`` as an engine is given it: valid, without control characters and their substitutes."""
    return clean_text(text, lines=True).replace(REPLACEMENT, "")


def _items(source: SaySource) -> list[Sayable]:
    """The items to say in order, files decoded. Raises TypeError for what cannot be said, OSError and
    WavError for a file that cannot be read.
    """
    whole = isinstance(source, str | AudioClip | Path | AsyncIterator)
    if not whole and (isinstance(source, bytes) or not isinstance(source, Iterable)):
        raise TypeError(f"{type(source).__name__} cannot be said: give text, a file, or a list of these")
    items: list[Sayable] = []
    for item in [source] if whole else source:  # type: ignore[union-attr]
        if isinstance(item, Path):
            samples, rate = decode_wav(item.read_bytes())
            items.append(AudioClip(samples.tobytes(), rate))
        elif isinstance(item, str):
            items.append(spoken_text(item))
        elif isinstance(item, AudioClip | AsyncIterator):
            items.append(item)
        else:
            raise TypeError(f"{type(item).__name__} cannot be said: give text or an audio file")
    return items


class PromptSynthesis:
    """Fills the buffer of a handle with the sound of what is to be said, part by part."""

    def __init__(self, tts: TextToSpeech) -> None:
        self._tts = tts

    def prepare(self, source: SaySource, handle: SayHandle) -> list[Sayable]:
        """Write at once what needs no engine; returns what is left to synthesise. Raises as ``_items``."""
        rest = _items(source)
        while rest and self._write_prepared(rest[0], handle):
            rest.pop(0)
        return rest

    async def produce(self, rest: list[Sayable], handle: SayHandle) -> None:
        """Synthesise the rest in order. Raises what the engine raises."""
        for item in rest:
            if self._write_prepared(item, handle):
                continue
            if isinstance(item, str):
                await self._synthesise(item, handle)
            elif isinstance(item, AsyncIterator):
                async for piece in sentences_of(item):
                    sentence = spoken_text(piece)
                    if not self._write_prepared(sentence, handle):
                        await self._synthesise(sentence, handle)

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

    async def _synthesise(self, text: str, handle: SayHandle) -> None:
        part = SpokenPart(text, handle.written)
        handle.parts.append(part)
        rates = self._tts.sample_rate, handle.buffer.sample_rate
        resampler = Resampler(*rates)
        chunks = self._tts.synthesize(text)
        try:
            async for chunk in chunks:
                part.words = shift_words(words_of(chunks), 0, *rates)
                self._add(part, resampler.process(np.frombuffer(chunk, dtype=np.int16)).tobytes(), handle)
                while handle.buffer.buffered > 2 * handle.buffer.low_water and not handle.buffer.stopped:
                    handle.room.clear()
                    await handle.room.wait()
            self._add(part, resampler.flush().tobytes(), handle)
            part.complete = True
        finally:
            # A barge-in ends the engine's request at once, not when the garbage collector runs.
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    @staticmethod
    def _add(part: SpokenPart, pcm: bytes, handle: SayHandle) -> None:
        if pcm:
            part.audio.append(pcm)
            handle.write(pcm)
            handle.audio_ready.set()
