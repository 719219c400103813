"""Small engines of the protocols, of the kind a third party would register: a tone a word, and its ear."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from ivr.speech.base import SpeechError, Transcript


@dataclass
class ToneOptions:
    pitch: float = 440.0
    """Hz."""


class ToneTts:
    """100 ms of a sine for every word. ``fail_at`` is the number of the word at which it fails."""

    options_type = ToneOptions

    def __init__(self, name: str = "tone", pitch: float = 440.0, sample_rate: int = 16000) -> None:
        self.name, self.pitch, self.sample_rate = name, pitch, sample_rate
        self.asked: list[str] = []
        self.fail_at: int | None = None
        self.broken_start = False
        self.started = self.closed = 0
        self._word = 0

    async def start(self) -> None:
        self.started += 1
        if self.broken_start:
            raise SpeechError(self.name, "does not start")

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        self.asked.append(text)
        for _ in text.split():
            if self._word == self.fail_at:
                raise SpeechError(self.name, "broke")
            self._word += 1
            yield self.word()

    def word(self, rate: int | None = None) -> bytes:
        rate = rate or self.sample_rate
        time = np.arange(rate // 10) / rate
        return (8000 * np.sin(2 * np.pi * self.pitch * time)).astype(np.int16).tobytes()

    def fingerprint(self) -> str:
        return f"{self.name} {self.pitch}"

    async def aclose(self) -> None:
        self.closed += 1


class ToneStt:
    """Hears how many seconds of sound there are."""

    def __init__(self, name: str = "ear") -> None:
        self.name = name
        self.asked = 0
        self.failure: SpeechError | None = None
        self.started = self.closed = 0

    async def start(self) -> None:
        self.started += 1

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return Transcript(f"{len(pcm16) / 2 / sample_rate:g} seconds", 1.0, self.name)

    async def aclose(self) -> None:
        self.closed += 1
