"""Cache of synthesised prompts: 8 kHz audio under a hash of engine, voice and text."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import structlog

from ivr.audio.frames import LINE_RATE
from ivr.speech.base import SpeechError, TextToSpeech
from ivr.speech.prompts.audio import StreamShaper, shape
from ivr.speech.prompts.store import Prompt, PromptStore
from ivr.speech.timed_words import Word, shift_words, words_of
from ivr.tasks import TaskSupervisor

_log = structlog.get_logger(__name__)

VERSION = "2"
"""Part of the hash; raise it with every change of how the sound is shaped or kept."""
MEMORY_BYTES = 32 * 1024 * 1024
"""About half an hour of speech."""
GIVE_UP_AFTER = 3
"""Failures in a row after which ``prepare`` tries no further prompts: the engine does not work."""


class PromptCache:
    """A directory of prompts, shared by any number of engines."""

    def __init__(self, directory: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._store = PromptStore(Path(directory), memory_bytes)

    def wrap(self, tts: TextToSpeech) -> "CachedTTS":
        return CachedTTS(tts, self._store)


class CachedTTS:
    """A TextToSpeech at 8 kHz in front of another, whose sound it keeps.

    Prompts known beforehand (``prepare``) are kept on disk. Any other text is kept in memory only: it may
    be private, and an endless number of texts would fill the disk.
    """

    sample_rate = LINE_RATE

    def __init__(self, tts: TextToSpeech, store: PromptStore) -> None:
        self.name = tts.name
        self._tts, self._store = tts, store
        self._tasks = TaskSupervisor()
        self._making: dict[str, asyncio.Task[Prompt]] = {}
        self._gain = 1.0

    async def start(self) -> None:
        await self._tts.start()

    def fingerprint(self) -> str:
        return f"{self._tts.fingerprint()} 8 kHz {VERSION}"

    def lookup(self, text: str) -> Prompt | None:
        """Return ``text`` at 8 kHz if it is cached, in the preferred voice or else in that of a fallback."""
        for fingerprint in self._fingerprints():
            prompt = self._store.get(_key(fingerprint, text))
            if prompt is not None:
                return prompt
        return None

    async def prepare(
        self, texts: Iterable[str], on_progress: Callable[[int, int], None] = lambda done, total: None
    ) -> list[str]:
        """Synthesise, one after the other, the texts that are not on disk in the preferred voice.

        Returns the texts that could not be made; each is logged, and is tried again when a call needs it. A
        text that is being prepared already is waited for, not made twice. ``on_progress`` is called with the
        number of texts done and of all.
        """
        began, made, failed, in_a_row = time.monotonic(), 0, [], 0
        wanted = list(dict.fromkeys(texts))
        for number, text in enumerate(wanted):
            on_progress(number, len(wanted))
            known = self._store.get(_key(self._tts.fingerprint(), text))
            if known is not None:
                self._gain = known.gain
            if known is not None or not text.strip():
                continue
            if in_a_row >= GIVE_UP_AFTER:
                failed.append(text)
                continue
            try:
                await self._prepare_one(text)
                made, in_a_row = made + 1, 0
            except SpeechError as error:
                in_a_row += 1
                failed.append(text)
                _log.warning("prompt_not_prepared", text=text, reason=str(error))
        on_progress(len(wanted), len(wanted))
        if made or failed:
            seconds = round(time.monotonic() - began, 2)
            _log.info("prompts_prepared", made=made, failed=len(failed), seconds=seconds)
        return failed

    def synthesize(self, text: str) -> "CachedSpeech":
        """Yield the whole in one piece when it is cached or being prepared; else as the engine makes it.

        Sound that is passed on while it is made has the gain of the prompts made before; the even level
        of ``prepare`` needs the whole.
        """
        return CachedSpeech(self._synthesize(text))

    async def _synthesize(self, text: str) -> AsyncGenerator[tuple[bytes, Sequence[Word]], None]:
        """Yield the sound, and with each piece the words that are known by then."""
        prompt = self.lookup(text)
        if prompt is None and (task := self._making.get(text)) is not None:
            prompt = await asyncio.shield(task)
        if prompt is not None:
            yield prompt.pcm, prompt.words
            return
        shaper = StreamShaper(self._tts.sample_rate, self._gain)
        engine = _Recording(self._tts, text)
        try:
            async for piece in engine.pieces():
                if line := shaper.process(np.frombuffer(piece, np.int16)).tobytes():
                    yield line, engine.words(shaper.trimmed)
            # Kept before the last piece is yielded: the user may not ask for more.
            await self._keep(text, engine, on_disk=False)
            if line := shaper.flush().tobytes():
                yield line, engine.words(shaper.trimmed)
        finally:
            await engine.aclose()

    async def aclose(self) -> None:
        await self._tasks.aclose()
        await self._tts.aclose()

    async def _prepare_one(self, text: str) -> Prompt:
        task = self._making.get(text)
        if task is None:
            task = self._making[text] = self._tasks.start(self._make(text), "make prompt", awaited=True)
            task.add_done_callback(lambda _: self._making.pop(text, None))
        return await asyncio.shield(task)

    async def _make(self, text: str) -> Prompt:
        engine = _Recording(self._tts, text)
        try:
            async for _ in engine.pieces():
                pass
        finally:
            await engine.aclose()
        prompt = await self._keep(text, engine, on_disk=True)
        if not prompt.pcm:
            raise SpeechError(self._tts.name, "no sound was made of the text")
        return prompt

    async def _keep(self, text: str, engine: "_Recording", *, on_disk: bool) -> Prompt:
        """Shape and store what was recorded; returns it at 8 kHz."""
        sound = np.frombuffer(b"".join(engine.pieces_made), np.int16)
        line, gain, trimmed = await asyncio.to_thread(shape, sound, self._tts.sample_rate)
        prompt = Prompt(line.tobytes(), gain, tuple(engine.words(trimmed)))
        if prompt.pcm and engine.made_by is not None:
            key = _key(engine.made_by, text)
            if engine.made_by == self._tts.fingerprint():
                self._gain = gain
            self._store.remember(key, prompt)
            if on_disk:
                await asyncio.to_thread(self._store.write, key, prompt)
        return prompt

    def _fingerprints(self) -> list[str]:
        several = getattr(self._tts, "fingerprints", None)
        return list(several()) if several is not None else [self._tts.fingerprint()]


class CachedSpeech(AsyncIterator[bytes]):
    """The sound of one text at 8 kHz, with its words if the engine knows them (``TimedAudio``)."""

    def __init__(self, pieces: AsyncGenerator[tuple[bytes, Sequence[Word]], None]) -> None:
        self._pieces = pieces
        self.words: Sequence[Word] = ()

    async def __anext__(self) -> bytes:
        pcm, self.words = await anext(self._pieces)
        return pcm

    async def aclose(self) -> None:
        """Abandon the request."""
        await self._pieces.aclose()


class _Recording:
    """One synthesis whose sound is kept."""

    def __init__(self, tts: TextToSpeech, text: str) -> None:
        self._fingerprint, self._rate = tts.fingerprint(), tts.sample_rate
        self._sound = tts.synthesize(text)
        self.pieces_made: list[bytes] = []

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        async for piece in self._sound:
            self.pieces_made.append(piece)
            yield piece

    def words(self, trimmed: int) -> list[Word]:
        """Return its words so far, at 8 kHz, in sound without its first ``trimmed`` samples."""
        return shift_words(words_of(self._sound), -trimmed, self._rate, LINE_RATE)

    @property
    def made_by(self) -> str | None:
        """Fingerprint of the engine; None when several made it, which is not kept."""
        made_by: str | None = getattr(self._sound, "made_by", self._fingerprint)
        return made_by

    async def aclose(self) -> None:
        close = getattr(self._sound, "aclose", None)
        if close is not None:
            await close()


def _key(fingerprint: str, text: str) -> str:
    return hashlib.sha256(f"{VERSION}\0{fingerprint}\0{text}".encode()).hexdigest()
