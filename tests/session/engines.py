"""Engines for the tests of the session: their speech is counted, not loaded; the detector is the real one."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from ivr.session import SessionState, VoiceSession
from ivr.speech.base import SpeechError, Transcript
from ivr.speech.timed_words import Word

MS_PER_LETTER = 50


class LetterTTS:
    """Speaks 50 ms of a buzz per letter and 100 ms of silence per comma or stop, at 16 kHz."""

    name = "letters"
    sample_rate = 16_000

    def __init__(self) -> None:
        self.open = 0
        self.fail_on: str | None = None
        self.made: list[str] = []

    async def start(self) -> None:
        pass

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        self.open += 1
        try:
            if self.fail_on is not None and self.fail_on in text:
                raise SpeechError(self.name, "made to fail")
            for word in text.split():
                await asyncio.sleep(0)
                yield self.sound(word)
            self.made.append(text)
        finally:
            self.open -= 1

    def sound(self, word: str) -> bytes:
        letters = sum(c.isalnum() for c in word)
        t = np.arange(letters * MS_PER_LETTER * self.sample_rate // 1000)
        buzz = 6000 * np.sign(np.sin(2 * np.pi * 150 * t / self.sample_rate))
        pause = np.zeros(1600 * sum(c in ",." for c in word))
        return np.concatenate((buzz, pause)).astype(np.int16).tobytes()

    def fingerprint(self) -> str:
        return self.name

    async def aclose(self) -> None:
        pass


class TimedLetterTTS(LetterTTS):
    """The same, with the places of its words."""

    def synthesize(self, text: str) -> "TimedLetters":  # type: ignore[override]
        return TimedLetters(super().synthesize(text), text.split())


class TimedLetters(AsyncIterator[bytes]):
    def __init__(self, sound: AsyncIterator[bytes], texts: list[str]) -> None:
        self._sound, self._texts = sound, texts
        self._made = 0
        self.words: list[Word] = []

    async def __anext__(self) -> bytes:
        piece = await anext(self._sound)
        text = self._texts[len(self.words)]
        letters = sum(c.isalnum() for c in text) * MS_PER_LETTER * LetterTTS.sample_rate // 1000
        self.words.append(Word(text, self._made, self._made + letters))
        self._made += len(piece) // 2
        return piece

    async def aclose(self) -> None:
        await self._sound.aclose()  # type: ignore[attr-defined]


class ScriptSTT:
    """Returns the given transcripts in order; keeps the sound it was given."""

    name = "script"

    def __init__(self, *texts: str | Exception) -> None:
        self.texts = list(texts)
        self.heard: list[bytes] = []
        self.gate: asyncio.Event | None = None
        """When set, no answer comes before it."""

    async def start(self) -> None:
        pass

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        self.heard.append(pcm16)
        if self.gate is not None:
            await self.gate.wait()
        answer = self.texts.pop(0) if self.texts else ""
        if isinstance(answer, Exception):
            raise answer
        return Transcript(answer, 0.9 if answer else 0.0, self.name)

    async def aclose(self) -> None:
        pass


class States:
    """Every state a session went through, the one it was in first."""

    def __init__(self, session: VoiceSession) -> None:
        self.seen = [session.state]
        session.on_state_changed(self.seen.append)

    def since(self, state: SessionState) -> list[SessionState]:
        last = len(self.seen) - 1 - self.seen[::-1].index(state)
        return self.seen[last:]


async def feed(session: VoiceSession, pcm: np.ndarray, rate: int = 8000) -> None:
    """The caller's sound, frame by frame, with the engines keeping up."""
    step = rate // 50
    for at in range(0, len(pcm), step):
        session.process_audio(pcm[at : at + step].astype(np.int16).tobytes(), rate)
        for _ in range(3):
            await asyncio.sleep(0)


async def feed_silence(session: VoiceSession, ms: float) -> None:
    await feed(session, np.zeros(round(8 * ms), np.int16))
