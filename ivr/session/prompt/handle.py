"""``SayHandle``: one prompt, its state, what stopped it, and how it ended."""

import asyncio
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Literal

from ivr.audio.frames import BYTES_PER_SAMPLE, ms_to_samples, samples_to_ms
from ivr.audio.level import fade_in
from ivr.audio.playback import Playback
from ivr.session.options import BargeIn, BargeInOptions
from ivr.session.prompt.heard_words import SpokenPart, audio_from, heard_text
from ivr.session.prompt.resume_point import resume_point
from ivr.session.types import PlayoutResult
from ivr.speech.timed_words import shift_words

FADE_MS = 10
"""Fade-in of a prompt that resumes, in milliseconds: a jump in the sound would be heard as a click."""

StopCause = Literal["speech", "dtmf"]
"""What the caller did to stop a prompt."""


class PromptState(StrEnum):
    """The state of a prompt. ``queued`` → ``playing`` ⇄ ``ducked`` → ``ended``; a prompt that speech stopped
    is ``suspended`` until that speech is understood, and then ``queued`` again or ``ended``.
    """

    QUEUED = "queued"
    """It waits for the prompts before it, or for its own sound."""
    PLAYING = "playing"
    DUCKED = "ducked"
    """It plays more softly: the caller may have begun to speak."""
    SUSPENDED = "suspended"
    """Speech stopped it, and no words are known yet; it may resume."""
    ENDED = "ended"
    """It was played, interrupted or cancelled; its sound is freed."""


AUDIBLE = frozenset({PromptState.PLAYING, PromptState.DUCKED})


class SayHandle:
    """A prompt, as ``VoiceSession.say`` returns it.

    ``state`` and ``stop_cause`` are read by any thread and change under a lock: the detector's thread ducks
    and stops, a key stops on the thread that received it, all other changes are made on the session's loop.
    """

    def __init__(
        self,
        number: int,
        options: BargeInOptions,
        new_buffer: Callable[["SayHandle"], Playback],
        on_cancel: Callable[["SayHandle"], None],
    ) -> None:
        self.number = number
        """The prompts of a session are counted from 1."""
        self.options = options
        self._new_buffer = new_buffer
        self.buffer = new_buffer(self)
        """The sound that plays: the whole prompt, or the rest of it after a false interruption."""
        self.base = 0
        """The prompt's sample at which ``buffer`` begins; above 0 once it has resumed."""
        self.written = 0
        """Samples synthesised so far."""
        self._furthest = 0
        self.parts: list[SpokenPart] = []
        self.error: Exception | None = None
        """Why its sound could not be made completely."""
        self._lock = threading.Lock()
        self._state = PromptState.QUEUED
        self._stop_cause: StopCause | None = None
        self.starter: asyncio.Task[None] | None = None
        """Waits for the first sound of the prompt at the head of the queue."""
        self.producer: asyncio.Task[None] | None = None
        """Makes the sound."""
        self.complete = False
        """All of the sound is made."""
        self.audio_ready = asyncio.Event()
        self.room = asyncio.Event()
        """There is room for more sound: the producer waits for it when it is far ahead of the player."""
        self._on_cancel = on_cancel
        self._outcome: asyncio.Future[PlayoutResult] = asyncio.get_running_loop().create_future()

    @property
    def barge_in(self) -> BargeIn:
        """What may interrupt it."""
        return self.options.barge_in

    @property
    def text(self) -> str:
        """Its words, as far as they are known."""
        return " ".join(part.text for part in self.parts)

    @property
    def done(self) -> bool:
        """It has ended: ``wait_for_playout`` returns at once."""
        return self._outcome.done()

    async def wait_for_playout(self) -> PlayoutResult:
        """Wait until it was played, interrupted or cancelled. Any number of tasks may wait.

        Raises SpeechError when the speech engine and its fallbacks failed; what was synthesised before that
        was played.
        """
        return await asyncio.shield(self._outcome)

    def cancel(self) -> None:
        """Stop now. Idempotent; frees the sound; the result says what was heard."""
        if not self.done:
            self._on_cancel(self)

    # -- state

    @property
    def state(self) -> PromptState:
        return self._state

    @property
    def audible(self) -> bool:
        """It is being played, at whatever volume; also in the moment between ``stop`` and ``suspend``."""
        return self._state in AUDIBLE

    @property
    def suspended(self) -> bool:
        return self._state is PromptState.SUSPENDED

    @property
    def stop_cause(self) -> StopCause | None:
        """What stopped it; None while it plays on, and again once it resumes."""
        return self._stop_cause

    def stop(self, cause: StopCause) -> bool:
        """Stop the sound at the player's next frame. Any thread, never waits.

        The session's loop decides afterwards whether the prompt is suspended or ends. Returns whether this
        call stopped it: False when it does not play, or was stopped before.
        """
        with self._lock:
            if self._state not in AUDIBLE or self._stop_cause is not None:
                return False
            self._stop_cause = cause
        self.buffer.stop()
        return True

    def duck(self) -> bool:
        """Play more softly by ``duck_db``. Any thread. Returns whether this call changed the volume."""
        if not self.options.duck_db or not self._move(PromptState.PLAYING, PromptState.DUCKED):
            return False
        self.buffer.set_gain(10 ** (-self.options.duck_db / 20))
        return True

    def restore(self) -> None:
        """Play at full volume again. Any thread."""
        if self._move(PromptState.DUCKED, PromptState.PLAYING):
            self.buffer.set_gain(1.0)

    def begin(self) -> None:
        """It is played from now on."""
        self._move(PromptState.QUEUED, PromptState.PLAYING)

    def suspend(self) -> bool:
        """Wait, after a stop, until it is known whether the caller said anything. Returns False when it does
        not play.
        """
        return self._move(PromptState.PLAYING, PromptState.SUSPENDED) or self._move(
            PromptState.DUCKED, PromptState.SUSPENDED
        )

    def rewind(self) -> int:
        """Queue it again from the start of the word or clause that was cut; returns the prompt's sample."""
        rate = self.buffer.sample_rate
        self._furthest = max(self._furthest, self.played)
        self.base = resume_point(self.parts, self.played, rate)
        self.buffer = self._new_buffer(self)
        rest = audio_from(self.parts, self.base)
        self.buffer.write(fade_in(rest, ms_to_samples(FADE_MS, rate)) if self.base else rest)
        if self.complete:
            self.buffer.finish()
        with self._lock:
            self._state, self._stop_cause = PromptState.QUEUED, None
        return self.base

    def end(self, *, interrupted: bool) -> PlayoutResult | None:
        """Settle the outcome, once, and free the sound. Returns None when it had ended before."""
        self.buffer.stop()
        if self.done:
            return None
        if self.producer is not None:
            self.producer.cancel()
        played, rate = max(self._furthest, self.played), self.buffer.sample_rate
        result = PlayoutResult(interrupted, samples_to_ms(played, rate), heard_text(self.parts, played, rate))
        with self._lock:
            self._state = PromptState.ENDED
        if self.error is not None and not interrupted:
            self._outcome.set_exception(self.error)
            self._outcome.exception()  # asyncio would complain about an error that no task awaits
        else:
            self._outcome.set_result(result)
        self.parts.clear()
        self.audio_ready.set()
        self.room.set()
        return result

    def _move(self, source: PromptState, target: PromptState) -> bool:
        with self._lock:
            if self._state is not source:
                return False
            self._state = target
        return True

    # -- rules of its options

    def yields_to(self, cause: StopCause) -> bool:
        """Whether its options let ``cause`` stop it."""
        return self.barge_in in ("any", cause)

    def protected(self, cause: StopCause) -> bool:
        """Whether it is in its protected beginning. Any thread."""
        ms = self.options.protect_ms if cause == "speech" else self.options.protect_dtmf_ms
        return ms > 0 and samples_to_ms(self.played, self.buffer.sample_rate) < ms

    # -- sound

    @property
    def word_timings(self) -> list[tuple[str, int, int]]:
        """The words that the speech engine timed, with the ms of the prompt at which each begins and ends."""
        rate = self.buffer.sample_rate
        words = [word for part in self.parts for word in shift_words(part.words, part.start, rate, rate)]
        return [
            (text, round(samples_to_ms(begin, rate)), round(samples_to_ms(end, rate)))
            for text, begin, end in words
        ]

    @property
    def planned_ms(self) -> float | None:
        """Length of the whole prompt; None until all of it is synthesised."""
        return samples_to_ms(self.written, self.buffer.sample_rate) if self.complete else None

    @property
    def played(self) -> int:
        """The prompt's sample up to which it was played."""
        return self.base + self.buffer.played

    @property
    def left_ms(self) -> float:
        """Length of what is synthesised and was not played."""
        return samples_to_ms(self.written - self.played, self.buffer.sample_rate)

    def write(self, pcm: bytes) -> None:
        """Append sound: PCM16 at the buffer's rate."""
        self.written += len(pcm) // BYTES_PER_SAMPLE
        self.buffer.write(pcm)

    def finish(self) -> None:
        """Nothing more will be written."""
        self.complete = True
        self.buffer.finish()
