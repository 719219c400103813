"""The speech engines of a replayed call: what was understood is understood again, nothing is spoken anew."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE, VAD_RATE
from ivr.audio.resample import DOUBLE_AFTER, DOUBLE_BEFORE, double
from ivr.service.audio_loop import AudioLoop
from ivr.service.recording import Recording
from ivr.speech.base import SpeechError, SpeechToText, Transcript
from ivr.vad.silero import WINDOW

UNKNOWN = "unknown"
"""What speech is taken to say that has no transcript in the recording."""
MAX_BACK = 200
"""Windows by which a request may be older than the clock."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A transcript of the recording. Samples of the session's clock."""

    onset: int
    offset: int
    latency: int
    """From the decision that the sound was complete to the text."""
    text: str
    confidence: float
    interim: bool


def understood(recording: Recording) -> list[Understood]:
    """All of a recording, in order. A transcript without its places (hidden, or of no speech) is left out."""
    decided = {d.details.get("offset"): d.at for d in recording.of("paused", "turn_ended")}
    found = []
    for decision in recording.of("transcript"):
        onset, text = decision.details.get("onset"), decision.details.get("text")
        if isinstance(onset, int) and isinstance(text, str):
            offset = decision.details.get("offset")
            end = offset if isinstance(offset, int) else decision.at
            latency = max(0, decision.at - decided.get(end, decision.at))
            confidence = float(decision.details.get("confidence", 1.0))
            interim = bool(decision.details.get("interim"))
            found.append(Understood(onset, end, latency, text, confidence, interim))
    return found


class RecordedSTT:
    """A ``SpeechToText`` that answers what the recording's was answered, as late as it was.

    It knows which speech it is asked about by where the sound stands in the recording. A request may cover
    more than one turn of then, or a part of one: then the texts follow each other, or as many words are
    answered as the part is long.
    """

    name = "recorded"

    def __init__(self, recording: Recording, clock: Callable[[], int]) -> None:
        self._clock = clock
        self.busy = 0
        """Requests not yet answered."""
        self._known = understood(recording)
        silence = np.zeros(DOUBLE_BEFORE, np.int16), np.zeros(DOUBLE_AFTER + WINDOW, np.int16)
        padded = np.concatenate((silence[0], recording.caller, silence[1]))
        self._wide = double(padded[np.newaxis])[0]

    async def start(self) -> None:
        """Everything is there."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        assert sample_rate == VAD_RATE
        size = len(pcm16) // BYTES_PER_SAMPLE
        last = self._end_of(np.frombuffer(pcm16, np.int16))
        texts, latency = self._heard(last - size, last)
        self.busy += 1
        try:
            await asyncio.sleep(latency / VAD_RATE)
        finally:
            self.busy -= 1
        # What nobody transcribed on the call counts as words: under its settings it was not heard at all.
        words = [text for text, _ in texts if text] if texts else [UNKNOWN]
        confidence = min((confidence for _, confidence in texts), default=0.0)
        return Transcript(" ".join(words), confidence, self.name)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _end_of(self, pcm: "np.typing.NDArray[np.int16]") -> int:
        """Where the sound ends in the recording: at the clock, or some windows before it."""
        clock = self._clock()
        for back in range(MAX_BACK):
            last = clock - back * WINDOW
            if last < pcm.size:
                break
            if np.array_equal(self._wide[last - pcm.size : last], pcm):
                return last
        return clock

    def _heard(self, first: int, last: int) -> tuple[list[tuple[str, float]], int]:
        texts, latency = [], 0
        for onset in sorted({each.onset for each in self._known}):
            same = [each for each in self._known if each.onset == onset]
            whole = next((each for each in same if not each.interim), same[-1])
            share = _share(whole, first, last)
            if share <= 0:
                continue
            upto = [each for each in same if each.offset <= last + WINDOW]
            if share > 0.9:
                chosen, text = whole, whole.text
            elif upto and first <= onset:
                chosen = max(upto, key=lambda each: each.offset)
                text = chosen.text
            else:
                chosen, text = whole, _part(whole, first, share)
            texts.append((text, chosen.confidence))
            latency = max(latency, chosen.latency)
        return texts, latency


def _share(each: Understood, first: int, last: int) -> float:
    """How much of it lies in the samples [first, last)."""
    return (min(last, each.offset) - max(first, each.onset)) / max(1, each.offset - each.onset)


def _part(each: Understood, first: int, share: float) -> str:
    words = each.text.split()
    count = round(share * len(words))
    return " ".join(words[:count] if first <= each.onset else words[len(words) - count :])


class RealSTT:
    """An engine that is asked about a recorded call: the recording waits for its answer."""

    def __init__(self, engine: SpeechToText, loop: AudioLoop) -> None:
        self.name = engine.name
        self._engine, self._loop = engine, loop
        self.busy = 0

    async def start(self) -> None:
        with self._loop.outside():
            await self._engine.start()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        self.busy += 1
        try:
            with self._loop.outside():
                return await self._engine.transcribe(pcm16, sample_rate)
        finally:
            self.busy -= 1

    async def aclose(self) -> None:
        with self._loop.outside():
            await self._engine.aclose()


class NoTTS:
    """A ``TextToSpeech`` that nobody asks: every prompt is a piece of the recording."""

    name = "recorded"
    sample_rate = LINE_RATE

    async def start(self) -> None:
        """Nothing to load."""

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        raise SpeechError(self.name, "a replayed call says what was recorded")
        yield b""

    def fingerprint(self) -> str:
        return self.name

    async def aclose(self) -> None:
        """Nothing is held."""
