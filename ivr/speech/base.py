"""Protocols of speech engines (recogniser, synthesiser, turn detector), their errors and options."""

import dataclasses
import difflib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from ivr.errors import IvrError
from ivr.grammar.recognition import Hypothesis, RecognitionContext

_Options = TypeVar("_Options")


class SpeechError(IvrError):
    """An engine failed a request. ``engine`` names it; the text is for the log, never for the caller."""

    def __init__(self, engine: str, message: str) -> None:
        super().__init__(f"{engine}: {message}")
        self.engine = engine


class SpeechTimeout(SpeechError):
    """The engine did not answer within its time limit."""


class SpeechBusy(SpeechError):
    """The engine's queue is full; the request was not taken."""


class SpeechLost(SpeechError):
    """The engine's process ended with the request, or is being started again: the request may be repeated.
    ``sent`` is False where no process was there to take it.
    """

    def __init__(self, engine: str, message: str, *, sent: bool = True) -> None:
        super().__init__(engine, message)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Transcript:
    """Result of one recognition. ``text`` is empty when nothing was understood; ``confidence`` is 0 to 1."""

    text: str
    confidence: float = 0.0
    engine: str = ""
    hypotheses: tuple[Hypothesis, ...] = ()
    """Answers to the question that were compared with the sound, the likeliest first (see ``HasGrammar``)."""
    rule: str = ""
    """The rule of ``ivr.grammar.fusion`` that decided; empty from an engine."""


@runtime_checkable
class SpeechToText(Protocol):
    name: str

    async def start(self) -> None:
        """Load or connect. Idempotent. Raises SpeechError."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        """Transcribe PCM16 mono at ``sample_rate`` Hz. Cancelling the task abandons the request.

        Raises SpeechError and its kinds.
        """

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


@runtime_checkable
class HasGrammar(Protocol):
    """A SpeechToText that knows what was asked."""

    async def recognise(self, pcm16: bytes, sample_rate: int, context: RecognitionContext) -> Transcript:
        """Transcribe as ``transcribe`` does, and compare the sound with the answers of ``context``: the
        result's ``hypotheses``. Raises SpeechError and its kinds.
        """


async def recognise(
    engine: SpeechToText, pcm16: bytes, sample_rate: int, context: RecognitionContext
) -> Transcript:
    """Return what ``engine`` understands; one without ``HasGrammar`` gives text alone. Raises SpeechError and
    its kinds."""
    if isinstance(engine, HasGrammar):
        return await engine.recognise(pcm16, sample_rate, context)
    return await engine.transcribe(pcm16, sample_rate)


@runtime_checkable
class HasHealth(Protocol):
    """An engine that knows whether it works."""

    @property
    def down(self) -> bool:
        """It failed, and the next request is expected to fail too."""


@runtime_checkable
class TextToSpeech(Protocol):
    name: str
    sample_rate: int
    """Hz of the sound that ``synthesize`` yields."""

    async def start(self) -> None:
        """Load or connect. Idempotent. Raises SpeechError."""

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Yield PCM16 mono chunks (whole samples) of ``text`` as they are made. Raises SpeechError and its
        kinds.

        Closing the iterator (``aclose``) abandons the request. An engine that knows the times of its words
        returns a ``timed_words.TimedAudio``.
        """

    def fingerprint(self) -> str:
        """Return engine, voice and every option that changes the sound; with the text, the prompt cache's
        key."""

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


@runtime_checkable
class TurnDetector(Protocol):
    name: str

    async def start(self) -> None:
        """Load or connect. Idempotent. Raises SpeechError."""

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        """Return the probability, 0 to 1, that the caller has finished and does not only pause.

        PCM16 mono at ``sample_rate`` Hz: the turn from a little before its onset to 200 ms after its last
        sound; more of the pause makes a detector too sure (see the README's measurements). A late answer is
        useless: the engine answers within its own limit or raises SpeechTimeout, and silence decides.
        Cancelling the task abandons the request. Raises SpeechError and its kinds.
        """

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


def options_of(kind: type[_Options], engine: str, given: dict[str, Any]) -> _Options:
    """Return ``kind(**given)`` for an options dataclass. Raises ValueError, which names the known options."""
    known = [item.name for item in dataclasses.fields(kind) if item.init]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            raise ValueError(
                f"{engine} has no option {name!r}{nearest(name, known)}; it has: {', '.join(known)}"
            )
    return kind(**given)


def nearest(name: str, known: list[str]) -> str:
    """Return ", did you mean 'x'?" when a known name is similar to ``name``, else an empty string."""
    like = difflib.get_close_matches(name, known, 1)
    return f", did you mean {like[0]!r}?" if like else ""
