"""The three small protocols behind which every speech engine stands, and the errors they raise."""

import dataclasses
import difflib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from ivr.errors import IvrError

_Options = TypeVar("_Options")


class SpeechError(IvrError):
    """An engine could not do one request. ``engine`` names it; the text is for the log, never the caller."""

    def __init__(self, engine: str, message: str) -> None:
        super().__init__(f"{engine}: {message}")
        self.engine = engine


class SpeechTimeout(SpeechError):
    """The engine did not answer in its time limit."""


class SpeechBusy(SpeechError):
    """The engine's queue is full; the request was not taken."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood. ``text`` is empty when nothing was; ``confidence`` is 0.0 to 1.0."""

    text: str
    confidence: float = 0.0
    engine: str = ""


@runtime_checkable
class SpeechToText(Protocol):
    name: str

    async def start(self) -> None:
        """Make ready (load, connect). Idempotent. Raises SpeechError."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        """PCM16 mono at ``sample_rate`` Hz to text. Cancelling the task abandons the request.

        Raises SpeechError and its kinds.
        """

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


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
    """Hz of what ``synthesize`` yields."""

    async def start(self) -> None:
        """Make ready (load, connect). Idempotent. Raises SpeechError."""

    def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """Text to PCM16 mono chunks (whole samples) as they are made. Raises SpeechError and its kinds.

        Closing the iterator (``aclose``) abandons the request. An engine that knows where its words are gives
        a ``words.TimedAudio``.
        """

    def fingerprint(self) -> str:
        """Engine, voice and every option that changes the sound: the prompt cache's key, with the text."""

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


@runtime_checkable
class TurnDetector(Protocol):
    name: str

    async def start(self) -> None:
        """Make ready (load, connect). Idempotent. Raises SpeechError."""

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        """How likely it is, 0 to 1, that the caller has finished and does not only pause.

        PCM16 mono at ``sample_rate`` Hz: the turn from its onset, a little pre-roll before, to 200 ms
        behind its last sound; more of the pause makes a detector too sure (measured: see the README). An
        answer that comes late is worth nothing: it comes within the engine's own limit, or SpeechTimeout
        does, and silence decides. Cancelling the task abandons the request. Raises SpeechError and its
        kinds.
        """

    async def aclose(self) -> None:
        """Free everything. Idempotent."""


def options_of(kind: type[_Options], engine: str, given: dict[str, Any]) -> _Options:
    """``kind(**given)`` for an options dataclass. Raises ValueError naming what is known."""
    known = [item.name for item in dataclasses.fields(kind) if item.init]  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            raise ValueError(
                f"{engine} has no option {name!r}{nearest(name, known)}; it has: {', '.join(known)}"
            )
    return kind(**given)


def nearest(name: str, known: list[str]) -> str:
    """ ", did you mean 'x'?" when something known is like ``name``, else nothing."""
    like = difflib.get_close_matches(name, known, 1)
    return f", did you mean {like[0]!r}?" if like else ""
