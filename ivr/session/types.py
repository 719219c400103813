"""What a session gives back and what it needs: results, turns, the player."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ivr.audio.playback import Playback
from ivr.grammar.recognition import Hypothesis
from ivr.speech.timed_words import Word


@dataclass(frozen=True, slots=True)
class PlayoutResult:
    """How a ``say`` ended. An interruption is a result, not an error."""

    interrupted: bool
    heard_ms: float
    """Audio that had left the player before it stopped, in milliseconds."""
    heard_text: str
    """The words of it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the caller."""

    text: str
    """What was said, or the keys pressed; empty for noinput and for speech that was not understood."""
    confidence: float
    """0.0 to 1.0; 1.0 for keys."""
    audio_ms: float
    """Length of the speech, in milliseconds, without the pre-roll."""
    barged_in: bool
    """It began while a prompt was playing."""
    reason: Literal["speech", "dtmf", "noinput"]
    private: bool = field(default=False, compare=False)
    """It is never to be written anywhere (see ``Privacy``)."""
    at: int = field(default=0, compare=False)
    """Where it began: samples of the session's clock. The order of two turns is that of their beginnings."""
    key_follows: bool = field(default=False, compare=False)
    """A key was pressed after this speech before its words were known, and is the next turn."""
    hypotheses: tuple[Hypothesis, ...] = field(default=(), compare=False)
    """Answers to the question that were compared with the sound, the likeliest first."""
    reply: "asyncio.Future[Any] | None" = field(default=None, repr=False, compare=False)
    """What ``VoiceSession.prepare_replies`` has begun to make at the last pause of it; None when nothing was,
    or the turn became another."""


@dataclass(frozen=True, slots=True)
class AudioClip:
    """An audio file, decoded: PCM16 mono at ``sample_rate`` Hz; ``text`` is what it says."""

    pcm16: bytes = field(repr=False)
    sample_rate: int
    text: str = ""
    words: tuple[Word, ...] = ()
    """Where the words of ``text`` are, where that is known, in samples at ``sample_rate``."""


def silence(seconds: float, rate: int = 8000) -> AudioClip:
    """So long of nothing."""
    return AudioClip(bytes(2 * round(seconds * rate)), rate)


class Player(Protocol):
    """Where a session's sound goes. One prompt at a time."""

    sample_rate: int
    """Hz of what it plays."""

    def playback(self) -> Playback:
        """A new one to be filled and given to ``play``: of the kind that this player can read."""

    def play(self, buffer: Playback) -> None:
        """Begin to read ``buffer``, which ``playback`` made, until it ends."""

    def release(self, buffer: Playback) -> None:
        """The buffer is over (its end was seen or it was stopped): un-wire. Must not wait."""

    def advance(self, samples: int) -> bytes | None:
        """``samples`` at ``sample_rate`` have gone by on the caller's side (see MemoryPlayer): what was
        played meanwhile, None for nothing.
        """
