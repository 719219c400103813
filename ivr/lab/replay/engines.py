"""Speech engines of a replay: recorded ones, which answer what was answered on the call and as late, and real
ones, which are asked again.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_RATE, VAD_RATE, ms_to_samples
from ivr.grammar.recognition import Hypothesis, RecognitionContext, hypotheses_of
from ivr.lab.replay.audio_clock import AudioClockLoop
from ivr.lab.replay.prompts import sound_of
from ivr.service.recording.recording import Recording
from ivr.session.decisions import Decision
from ivr.speech.base import SpeechError, SpeechToText, Transcript, TurnDetector, recognise
from ivr.vad.silero import WINDOW

UNKNOWN = "unknown"
"""Stands for a word in speech that has no transcript."""
WORDS_PER_S = 2.5
"""Words per second of speech that has no transcript."""
AROUND_S = 0.4
"""Seconds of such speech that are pre-roll and silence."""
SAME_PAUSE = ms_to_samples(200, VAD_RATE)
"""Samples up to which a pause of the recording and one of the replay count as the same."""
MS_PER_LETTER = 60
"""Length of a prompt that was never played, in milliseconds per letter."""


class PendingAnswers:
    """Requests that are answered when the session's clock reaches a sample."""

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
        """Answer the requests that are due; False when there are none."""
        due = [future for at, future in self._due if at <= self.clock() and not future.done()]
        for future in due:
            future.set_result(None)
        return bool(due)


@dataclass(frozen=True, slots=True)
class RecordedTranscript:
    """A transcript of the recording. Numbers are samples of the session's clock."""

    onset: int
    offset: int
    asked: int
    """The end of the sound that was transcribed."""
    latency: int
    """Samples from there to the text."""
    text: str
    confidence: float
    interim: bool
    hypotheses: tuple[Hypothesis, ...] = ()


def recorded_transcripts(recording: Recording) -> list[RecordedTranscript]:
    """All transcripts of a recording, in order, without those that have no position (hidden ones)."""
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
            offered = hypotheses_of(decision.details.get("hypotheses"))
            found.append(RecordedTranscript(onset, end, asked, latency, text, confidence, interim, offered))
    return found


class RecordedSTT:
    """A ``SpeechToText`` that gives the answers of the recording, with their latency.

    It finds the speech by where the sound ends: at the session's clock. A request that was not made on the
    call may cover several recorded turns, or a piece of one: the answer is then their texts in order, or as
    many words as the piece is long. Speech without a transcript is answered with as many unknown words as
    people say in that time.
    """

    name = "recorded"

    def __init__(self, recording: Recording, clock: Callable[[], int]) -> None:
        self.answers = PendingAnswers(clock)
        self.busy = 0
        """Requests that are not answered yet."""
        self.unknown: set[int] = set()
        """Where sounds ended that have no transcript."""
        self._known = recorded_transcripts(recording)
        self._exact = {each.asked: each for each in reversed(self._known)}  # the first: when it came
        discarded = [d for d in recording.of("discard") if d.details.get("answered") is False]
        self._abandoned = {d.details.get("asked"): d.at for d in discarded}
        latencies = [each.latency for each in self._exact.values()]
        self._usual_latency = round(statistics.median_low(latencies)) if latencies else 0

    async def start(self) -> None:
        """Do nothing: the answers are in the recording."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        assert sample_rate == VAD_RATE
        last = self.answers.clock()
        size = len(pcm16) // BYTES_PER_SAMPLE
        transcript, latency = self._answer(last - size, last)
        self.busy += 1
        try:
            # A request that was abandoned on the call is not answered before that.
            await self.answers.wait(max(last + latency, self._abandoned.get(last, 0) + 1))
        finally:
            self.busy -= 1
        return transcript

    async def aclose(self) -> None:
        """Do nothing: no resource is open."""

    def _answer(self, first: int, last: int) -> tuple[Transcript, int]:
        exact = self._exact.get(last)
        if exact is not None:
            return Transcript(exact.text, exact.confidence, self.name, exact.hypotheses), exact.latency
        texts, latency = self._texts_between(first, last)
        if not texts:
            self.unknown.add(last)
            count = round(WORDS_PER_S * ((last - first) / VAD_RATE - AROUND_S))
            return Transcript(" ".join([UNKNOWN] * max(1, count)), 0.0, self.name), self._usual_latency
        words = [text for text, _ in texts if text]
        return Transcript(" ".join(words), min(each for _, each in texts), self.name), latency

    def _texts_between(self, first: int, last: int) -> tuple[list[tuple[str, float]], int]:
        texts, latency = [], 0
        for onset in sorted({each.onset for each in self._known}):
            same = [each for each in self._known if each.onset == onset]
            whole = next((each for each in same if not each.interim), same[-1])
            share = _share(whole, first, last)
            if share <= 0:
                continue
            ended = [each for each in same if each.offset <= last + WINDOW]
            if share > 0.9:
                chosen, text = whole, whole.text
            elif ended and first <= onset:
                chosen = max(ended, key=lambda each: each.offset)
                text = chosen.text
            else:
                chosen, text = whole, _excerpt(whole, first, share)
            texts.append((text, chosen.confidence))
            latency = max(latency, chosen.latency)
        return texts, latency


def _share(each: RecordedTranscript, first: int, last: int) -> float:
    """Return the share of a transcript's speech, 0 to 1, within the samples [first, last)."""
    return (min(last, each.offset) - max(first, each.onset)) / max(1, each.offset - each.onset)


def _excerpt(each: RecordedTranscript, first: int, share: float) -> str:
    words = each.text.split()
    count = max(1, round(share * len(words)))
    return " ".join(words[:count] if first <= each.onset else words[max(0, len(words) - count) :])


class RecordedTurnDetector:
    """A ``TurnDetector`` that gives the answers of the recording, with their latency. Asked about any other
    pause it raises SpeechError, and silence decides.
    """

    name = "recorded"

    def __init__(self, recording: Recording, clock: Callable[[], int]) -> None:
        self.answers = PendingAnswers(clock)
        self._known = [
            d for d in recording.of("paused") if isinstance(d.details.get("probability"), int | float)
        ]

    async def start(self) -> None:
        """Do nothing: the answers are in the recording."""

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        now = self.answers.clock()

        def distance(decision: Decision) -> int:
            return abs(decision.at - now)

        nearest = min(self._known, key=distance, default=None)
        if nearest is None or distance(nearest) > SAME_PAUSE:
            raise SpeechError(self.name, "the recording has no answer about this pause")
        answered = nearest.details.get("answered_at")
        await self.answers.wait(now + max(0, (answered or nearest.at) - nearest.at))
        return float(nearest.details["probability"])

    async def aclose(self) -> None:
        """Do nothing: no resource is open."""


class RealSTT:
    """A recogniser of the settings, asked about a recorded call: the recording waits for its answer."""

    def __init__(self, engine: SpeechToText, loop: AudioClockLoop, clock: Callable[[], int]) -> None:
        self.name = engine.name
        self._engine, self._loop = engine, loop
        self.answers = PendingAnswers(clock)
        self.busy = 0
        """Requests that are not answered yet."""
        self.unknown: set[int] = set()

    async def start(self) -> None:
        with self._loop.wall_clock():
            await self._engine.start()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return await self.recognise(pcm16, sample_rate, RecognitionContext())

    async def recognise(self, pcm16: bytes, sample_rate: int, context: RecognitionContext) -> Transcript:
        self.busy += 1
        try:
            with self._loop.wall_clock():
                return await recognise(self._engine, pcm16, sample_rate, context)
        finally:
            self.busy -= 1

    async def aclose(self) -> None:
        with self._loop.wall_clock():
            await self._engine.aclose()


class RealTurnDetector:
    """A turn detector of the settings, asked about a recorded call: the recording waits for its answer."""

    def __init__(self, engine: TurnDetector, loop: AudioClockLoop, clock: Callable[[], int]) -> None:
        self.name = engine.name
        self._engine, self._loop = engine, loop
        self.answers = PendingAnswers(clock)

    async def start(self) -> None:
        with self._loop.wall_clock():
            await self._engine.start()

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        with self._loop.wall_clock():
            return await self._engine.probability(pcm16, sample_rate)

    async def aclose(self) -> None:
        with self._loop.wall_clock():
            await self._engine.aclose()


class RecordedTTS:
    """A ``TextToSpeech`` for what a session says by itself (``TurnOptions.cut_in``); all other prompts are
    clips of the recording. The sound is the recorded one, or silence of about that length.
    """

    name = "recorded"
    sample_rate = LINE_RATE

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def start(self) -> None:
        """Do nothing: the sounds are in the recording."""

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        said = next((d for d in self._recording.of("say_started") if d.details.get("text") == text), None)
        if said is not None:
            yield sound_of(self._recording, said).pcm16
        else:
            yield bytes(BYTES_PER_SAMPLE * ms_to_samples(MS_PER_LETTER * len(text), LINE_RATE))

    def fingerprint(self) -> str:
        return self.name

    async def aclose(self) -> None:
        """Do nothing: no resource is open."""
