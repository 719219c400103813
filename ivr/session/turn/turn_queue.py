"""The caller's turns: which speech becomes one, from the end of speech to text, in the order they were
spoken.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from ivr.audio.frames import VAD_RATE, samples_to_ms
from ivr.session.options import SessionConfig
from ivr.session.turn.end_of_turn import PreparedReply
from ivr.session.types import Turn
from ivr.speech.base import Transcript
from ivr.tasks import TaskSupervisor
from ivr.vad.base import VadStream
from ivr.vad.events import SpeechEnded, SpeechStarted, VadEvent

KEY_WAIT_S = 1.5
"""Seconds of the clock for which a key waits for the text of what was said before it."""


class TurnQueue:
    """Waits for the text of each turn and keeps the turn until it is fetched.

    A turn that no engine could transcribe is delivered with empty text: the conversation continues.
    """

    def __init__(
        self,
        config: SessionConfig,
        tasks: TaskSupervisor,
        *,
        is_private: Callable[[int, int], bool],
        on_ready: Callable[[], None],
        log: Any,
    ) -> None:
        """``on_ready`` is called on the loop when a turn can be fetched, or when one that was expected will
        not come. ``is_private(onset, offset)``: what was said there must never be written anywhere.
        """
        self._config, self._tasks = config, tasks
        self._is_private, self._on_ready, self._log = is_private, on_ready, log
        self._pending: deque[Turn] = deque()
        self._last: asyncio.Task[None] | None = None
        self._transcribing: set[asyncio.Task[None]] = set()
        self._held: list[Turn] = []
        """Keys behind speech whose end is under way."""
        self._held_timer: asyncio.TimerHandle | None = None
        self._keys_waiting = 0
        self._discards = 0
        self.speech_open = False
        """Speech began, and its end was not seen yet."""
        self._barged_in = False
        self._protected = False

    @property
    def transcribing(self) -> bool:
        """A turn is over, and its text is not known yet."""
        return bool(self._transcribing)

    @property
    def active(self) -> bool:
        """A turn waits to be fetched, or will."""
        return bool(self._pending or self._transcribing or self._held)

    def fetch(self) -> Turn | None:
        """The oldest turn, removed from the queue; None when there is none."""
        return self._pending.popleft() if self._pending else None

    def add(self, turn: Turn) -> None:
        """Queue a turn; the oldest is dropped, with a warning, when ``max_pending_turns`` are waiting."""
        if len(self._pending) >= self._config.max_pending_turns:
            dropped = self._pending.popleft()
            self._log.warning("turn_dropped", reason="not fetched in time", turn_reason=dropped.reason)
        self._pending.append(turn)
        self._on_ready()

    def add_key(self, turn: Turn, *, speech_ends: bool) -> None:
        """Queue a key behind what was said before it, whose text is waited for ``KEY_WAIT_S`` at most.
        ``speech_ends``: the end of speech before it is under way.
        """
        if (speech_ends and self.speech_open) or self._held:
            self._held.append(turn)
            if self._held_timer is None:
                self._held_timer = asyncio.get_running_loop().call_later(KEY_WAIT_S, self.release_keys)
        else:
            self._chain_key(turn)

    def release_keys(self) -> None:
        """Queue the keys that waited for the end of speech."""
        if self._held_timer is not None:
            self._held_timer.cancel()
            self._held_timer = None
        held, self._held = self._held, []
        for turn in held:
            self._chain_key(turn)

    def _chain_key(self, turn: Turn) -> None:
        if self._last is None:
            self.add(turn)
            return
        self._keys_waiting += 1
        work = self._deliver_key(turn, self._last, self._discards)
        task = self._last = self._tasks.start(work, "delivery of a key")
        self._transcribing.add(task)

    async def _deliver_key(self, turn: Turn, before: asyncio.Task[None], discards: int) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await asyncio.wait([before], timeout=KEY_WAIT_S)
        finally:
            self._keys_waiting -= 1
            self._transcribing.discard(task)
            if self._last is task:
                self._last = None
        if discards == self._discards:
            self.add(turn)
        else:
            self._on_ready()

    def discard(self) -> None:
        """Drop the turns that wait to be fetched."""
        self._discards += 1
        self._pending.clear()
        self._held.clear()

    def on_speech_started(self, *, barged_in: bool, protected: bool = False) -> None:
        """``protected``: it began over a prompt that speech cannot interrupt, or not yet."""
        self._barged_in, self._protected = barged_in, protected
        self.speech_open = True

    @property
    def over_protected(self) -> bool:
        """The current speech is over a prompt that it cannot interrupt, and is not kept."""
        return self._protected and not self._config.keep_speech_over_protected

    def is_dropped(self, event: SpeechEnded, *, protected_until: int) -> bool:
        """Whether a turn is dropped, as it was spoken over a prompt that it could not interrupt and that
        ended at sample ``protected_until``.
        """
        if self.over_protected and event.offset <= protected_until:
            self._log.info("speech_dropped", reason="spoken over a protected prompt")
            self._on_ready()
            return True
        return False

    def on_speech_ended(
        self,
        event: SpeechEnded,
        transcript: "asyncio.Task[Transcript]",
        is_turn: Callable[[Transcript], bool],
        reply: PreparedReply | None,
    ) -> None:
        """``is_turn`` is called on the loop, in order, and says whether it is a turn of the caller. ``reply``
        is one that was prepared for it.
        """
        waiting = self._deliver(event, transcript, is_turn, reply, self._barged_in, self._last)
        task = self._last = self._tasks.start(waiting, "delivery of a turn")
        self._transcribing.add(task)
        self.release_keys()

    async def _deliver(
        self,
        event: SpeechEnded,
        transcribing: "asyncio.Task[Transcript]",
        is_turn: Callable[[Transcript], bool],
        reply: PreparedReply | None,
        barged_in: bool,
        before: asyncio.Task[None] | None,
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            transcript = await transcribing
            if before is not None and not before.done():
                await asyncio.wait([before])
        except asyncio.CancelledError:
            transcribing.cancel()
            if reply is not None:
                reply.reply.cancel()
            self._transcribing.discard(task)
            raise
        # Not counted any more before the turn can be fetched: the session is idle for whoever fetches it.
        self._transcribing.discard(task)
        if self._last is task:
            self._last = None
        wanted = is_turn(transcript)
        overlap = self._config.turn.reply_overlap if wanted else float("inf")
        prepared = reply.to(transcript.text, overlap) if reply is not None else None
        if not wanted:
            self._on_ready()
            return
        audio_ms = samples_to_ms(event.offset - event.onset, VAD_RATE)
        private = self._is_private(event.onset, event.offset)
        self.add(
            Turn(
                transcript.text,
                transcript.confidence,
                audio_ms,
                barged_in,
                "speech",
                private=private,
                hypotheses=transcript.hypotheses,
                at=event.onset,
                key_follows=bool(self._held or self._keys_waiting),
                reply=prepared,
            )
        )


class SpeechGate:
    """Says whether the caller's speech is to be understood. Belongs to the loop."""

    def __init__(self, stream: VadStream, turns: TurnQueue) -> None:
        self._stream, self._turns = stream, turns
        self._closed = 0
        self._open_from = self._onset = 0

    def accepts(self, onset: int) -> bool:
        """Whether speech that began at that sample is to be understood."""
        return not self._closed and onset >= self._open_from

    @property
    def speaking(self) -> bool:
        """The caller speaks, and it is to be understood."""
        return self._stream.speaking and self.accepts(self._onset)

    def on_event(self, event: VadEvent) -> None:
        """An event of the detector."""
        if isinstance(event, SpeechStarted):
            self._onset = event.onset

    @contextlib.contextmanager
    def ignore_speech(self, *, discard_turns: bool = False) -> Iterator[None]:
        """See ``VoiceSession.ignore_speech``."""
        if discard_turns:
            self._turns.discard()
        self._closed += 1
        try:
            yield
        finally:
            self._closed -= 1
            self._open_from = self._stream.clock
