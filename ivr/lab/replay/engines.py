"""The engines of a replayed call: what was understood is understood again, nothing is spoken anew."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE, VAD_RATE, ms_to_samples
from ivr.lab.audio_loop import AudioLoop
from ivr.lab.replay.prompts import sound_of
from ivr.service.recording.recording import Recording
from ivr.session.decisions import Decision
from ivr.speech.base import SpeechError, SpeechToText, Transcript, TurnDetector
from ivr.vad.silero import WINDOW

UNKNOWN = "unknown"
"""A word that nobody has transcribed."""
WORDS_PER_S = 2.5
"""In a stretch of speech that nobody has transcribed."""
AROUND_S = 0.4
"""Seconds of such a stretch that are pre-roll and silence."""
SAME_PAUSE = ms_to_samples(200, VAD_RATE)
"""Pauses of the recording and of the replay that are no further apart are the same."""
MS_PER_LETTER = 60
"""Of a prompt that was never said."""


class Answers:
    """Requests that are answered once the session's clock has reached a sample."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock = clock
        self._due: list[tuple[int, asyncio.Future[None]]] = []

    async def wait(self, until: int) -> None:
        entry = until, asyncio.get_running_loop().create_future()
        self._due.append(entry)
        try:
            await entry[1]
        finally:
            self._due.remove(entry)

    def release(self) -> bool:
        """Answer those that are due; False when none was."""
        due = [future for at, future in self._due if at <= self.clock() and not future.done()]
        for future in due:
            future.set_result(None)
        return bool(due)


@dataclass(frozen=True, slots=True)
class Understood:
    """A transcript of the recording. Samples of the session's clock."""

    onset: int
    offset: int
    asked: int
    """The end of the sound that was transcribed."""
    latency: int
    """From there to the text."""
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
            offset, asked = decision.details.get("offset"), decision.details.get("asked")
            end = offset if isinstance(offset, int) else decision.at
            if not isinstance(asked, int):
                asked = decided.get(end, decision.at)
            latency = max(0, decision.at - asked)
            confidence = float(decision.details.get("confidence") or 0.0)
            interim = bool(decision.details.get("interim"))
            found.append(Understood(onset, end, asked, latency, text, confidence, interim))
    return found


class RecordedSTT:
    """A ``SpeechToText`` that answers what the recording's was answered, as late as it was.

    It knows which speech it is asked about by where the sound ends: at the session's clock. A request that
    was not made then may cover more than one turn of then, or a part of one: then the texts follow each
    other, or as many words are answered as the part is long. Speech that nobody transcribed then is taken
    for words, as many as people say in that time (``unknown``).
    """

    name = "recorded"

    def __init__(self, recording: Recording, clock: Callable[[], int]) -> None:
        self.answers = Answers(clock)
        self.busy = 0
        """Requests not yet answered."""
        self.unknown: set[int] = set()
        """The ends of the sounds that nobody transcribed then."""
        self._known = understood(recording)
        self._exact = {each.asked: each for each in reversed(self._known)}  # the first: when it came
        discarded = [d for d in recording.of("discard") if d.details.get("answered") is False]
        self._abandoned = {d.details.get("asked"): d.at for d in discarded}
        latencies = [each.latency for each in self._exact.values()]
        self._usual_latency = round(statistics.median_low(latencies)) if latencies else 0

    async def start(self) -> None:
        """Everything is there."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        assert sample_rate == VAD_RATE
        last = self.answers.clock()
        size = len(pcm16) // BYTES_PER_SAMPLE
        transcript, latency = self._answer(last - size, last)
        self.busy += 1
        try:
            # What was abandoned then has no answer before that.
            await self.answers.wait(max(last + latency, self._abandoned.get(last, 0) + 1))
        finally:
            self.busy -= 1
        return transcript

    async def aclose(self) -> None:
        """Nothing is held."""

    def _answer(self, first: int, last: int) -> tuple[Transcript, int]:
        exact = self._exact.get(last)
        if exact is not None:
            return Transcript(exact.text, exact.confidence, self.name), exact.latency
        texts, latency = self._heard(first, last)
        if not texts:
            self.unknown.add(last)
            count = round(WORDS_PER_S * ((last - first) / VAD_RATE - AROUND_S))
            return Transcript(" ".join([UNKNOWN] * max(1, count)), 0.0, self.name), self._usual_latency
        words = [text for text, _ in texts if text]
        return Transcript(" ".join(words), min(each for _, each in texts), self.name), latency

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
    count = max(1, round(share * len(words)))
    return " ".join(words[:count] if first <= each.onset else words[max(0, len(words) - count) :])


class RecordedTurns:
    """A ``TurnDetector`` that judges the pauses of the recording as they were judged, as late as it was. Of
    another pause it knows nothing, and silence decides.
    """

    name = "recorded"
    threshold = 0.5

    def __init__(self, recording: Recording, clock: Callable[[], int]) -> None:
        self.answers = Answers(clock)
        self._known = [
            d for d in recording.of("paused") if isinstance(d.details.get("probability"), int | float)
        ]

    async def start(self) -> None:
        """Everything is there."""

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        now = self.answers.clock()

        def away(decision: Decision) -> int:
            return abs(decision.at - now)

        nearest = min(self._known, key=away, default=None)
        if nearest is None or away(nearest) > SAME_PAUSE:
            raise SpeechError(self.name, "it gave no answer about this pause then")
        answered = nearest.details.get("answered_at")
        await self.answers.wait(now + max(0, (answered or nearest.at) - nearest.at))
        return float(nearest.details["probability"])

    async def aclose(self) -> None:
        """Nothing is held."""


class RealSTT:
    """An engine that is asked about a recorded call: the recording waits for its answer."""

    def __init__(self, engine: SpeechToText, loop: AudioLoop, clock: Callable[[], int]) -> None:
        self.name = engine.name
        self._engine, self._loop = engine, loop
        self.answers = Answers(clock)
        self.busy = 0
        self.unknown: set[int] = set()

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


class RealTurns:
    """A turn detector that is asked about a recorded call, in the same way."""

    def __init__(self, engine: TurnDetector, loop: AudioLoop, clock: Callable[[], int]) -> None:
        self.name, self.threshold = engine.name, engine.threshold
        self._engine, self._loop = engine, loop
        self.answers = Answers(clock)

    async def start(self) -> None:
        with self._loop.outside():
            await self._engine.start()

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        with self._loop.outside():
            return await self._engine.probability(pcm16, sample_rate)

    async def aclose(self) -> None:
        with self._loop.outside():
            await self._engine.aclose()


class RecordedTTS:
    """A ``TextToSpeech`` for what a session says by itself (``TurnOptions.cut_in``): all else is a piece of
    the recording. It is as it was then, or silence of about that length.
    """

    name = "recorded"
    sample_rate = LINE_RATE

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def start(self) -> None:
        """Nothing to load."""

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        said = next((d for d in self._recording.of("say_started") if d.details.get("text") == text), None)
        if said is not None:
            yield sound_of(self._recording, said).pcm16
        else:
            yield bytes(BYTES_PER_SAMPLE * ms_to_samples(MS_PER_LETTER * len(text), LINE_RATE))

    def fingerprint(self) -> str:
        return self.name

    async def aclose(self) -> None:
        """Nothing is held."""
