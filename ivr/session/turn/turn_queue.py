"""The caller's turns: from the end of speech to text, in the order they were spoken."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from ivr.audio.frames import VAD_RATE, samples_to_ms
from ivr.session.options import SessionConfig
from ivr.session.turn.end_of_turn import PreparedReply
from ivr.session.types import Turn
from ivr.speech.base import Transcript
from ivr.vad.base import SpeechEnded


class TurnQueue:
    """Waits for the text of each turn and keeps it until it is fetched.

    ``on_ready`` is called on the loop when a turn can be fetched, or when one that was expected will
    not come. A turn that no engine could transcribe is delivered with empty text: the conversation
    goes on.
    """

    def __init__(self, config: SessionConfig, on_ready: Callable[[], None], log: Any) -> None:
        self._config, self._on_ready, self._log = config, on_ready, log
        self._pending: deque[Turn] = deque()
        self._tail: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._barged_in = False
        self._protected = False
        self.private: Callable[[int, int], bool] = lambda onset, offset: False
        """Whether what was said there is never to be written anywhere."""

    @property
    def transcribing(self) -> bool:
        return bool(self._tasks)

    @property
    def active(self) -> bool:
        """A turn waits to be fetched, or will."""
        return bool(self._pending or self._tasks)

    def fetch(self) -> Turn | None:
        return self._pending.popleft() if self._pending else None

    def add(self, turn: Turn) -> None:
        if len(self._pending) >= self._config.max_pending_turns:
            dropped = self._pending.popleft()
            self._log.warning("turn_dropped", reason="not fetched in time", turn_reason=dropped.reason)
        self._pending.append(turn)
        self._on_ready()

    def forget(self) -> None:
        """What waits to be fetched is dropped."""
        self._pending.clear()

    def speech_began(self, *, barged_in: bool, protected: bool = False) -> None:
        """``protected``: over a prompt that speech cannot interrupt, or not yet."""
        self._barged_in, self._protected = barged_in, protected

    @property
    def over_protected(self) -> bool:
        """The speech that goes on is over a prompt that it cannot interrupt, and is not kept."""
        return self._protected and not self._config.keep_speech_over_protected

    def dropped(self, event: SpeechEnded, *, protected_until: int) -> bool:
        """It was spoken over a prompt that it could not interrupt, which ended at ``protected_until``."""
        if self.over_protected and event.offset <= protected_until:
            self._log.info("speech_dropped", reason="spoken over a protected prompt")
            self._on_ready()
            return True
        return False

    def speech_ended(
        self,
        event: SpeechEnded,
        transcript: "asyncio.Task[Transcript]",
        judge: Callable[[Transcript], bool],
        reply: PreparedReply | None,
    ) -> None:
        """``judge`` is called on the loop, in order, and says whether it is a turn of the caller. ``reply``
        is one that was prepared for it.
        """
        waiting = self._await(event, transcript, judge, reply, self._barged_in, self._tail)
        task = asyncio.ensure_future(waiting)
        self._tail = task
        self._tasks.add(task)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pending.clear()

    async def _await(
        self,
        event: SpeechEnded,
        transcribing: "asyncio.Task[Transcript]",
        judge: Callable[[Transcript], bool],
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
            self._tasks.discard(task)
            raise
        # Gone from the set before the turn can be fetched: who fetches it finds the session at rest.
        self._tasks.discard(task)
        if self._tail is task:
            self._tail = None
        is_turn = judge(transcript)
        similar = self._config.turn.similar if is_turn else float("inf")
        prepared = reply.to(transcript.text, similar) if reply is not None else None
        if not is_turn:
            self._on_ready()
            return
        audio_ms = samples_to_ms(event.offset - event.onset, VAD_RATE)
        private = self.private(event.onset, event.offset)
        self.add(
            Turn(transcript.text, transcript.confidence, audio_ms, barged_in, "speech", private, prepared)
        )
