"""The caller's turns: from the end of speech to text, in the order they were spoken."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from ivr.audio.frames import VAD_RATE, samples_to_ms
from ivr.session.types import SessionConfig, Turn
from ivr.speech.base import SpeechError, SpeechToText, Transcript
from ivr.vad.base import SpeechEnded


class TurnTaker:
    """Transcribes each turn and keeps it until it is fetched.

    ``on_ready`` is called on the loop when a turn can be fetched, or when one that was expected will
    not come. A turn that no engine could transcribe is delivered with empty text: the conversation
    goes on.
    """

    def __init__(
        self,
        stt: SpeechToText,
        config: SessionConfig,
        on_ready: Callable[[], None],
        note: Callable[..., None],
        log: Any,
    ) -> None:
        self._stt, self._config, self._on_ready, self._log = stt, config, on_ready, log
        self._note = note
        self._pending: deque[Turn] = deque()
        self._tail: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._barged_in = False
        self._protected = False

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

    def speech_began(self, *, barged_in: bool, protected: bool = False) -> None:
        """``protected``: over a prompt that speech cannot interrupt."""
        self._barged_in, self._protected = barged_in, protected

    def speech_ended(self, event: SpeechEnded, *, protected_until: int) -> None:
        """``protected_until``: the sample at which the prompt it was spoken over ended."""
        over_protected = self._protected and event.offset <= protected_until
        if over_protected and not self._config.keep_speech_over_protected:
            self._log.info("speech_dropped", reason="spoken over a protected prompt")
            self._on_ready()
            return
        task = asyncio.ensure_future(self._transcribe(event, self._barged_in, self._tail))
        self._tail = task
        self._tasks.add(task)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pending.clear()

    async def _transcribe(
        self, event: SpeechEnded, barged_in: bool, before: asyncio.Task[None] | None
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            transcript = await self._text_of(event)
            self._note(
                "transcript",
                onset=event.onset,
                offset=event.offset,
                text=transcript.text,
                confidence=round(transcript.confidence, 3),
                interim=False,
            )
            if before is not None and not before.done():
                await asyncio.wait([before])
        except asyncio.CancelledError:
            self._tasks.discard(task)
            raise
        # Gone from the set before the turn can be fetched: who fetches it finds the session at rest.
        self._tasks.discard(task)
        if self._tail is task:
            self._tail = None
        audio_ms = samples_to_ms(event.offset - event.onset, VAD_RATE)
        self.add(Turn(transcript.text, transcript.confidence, audio_ms, barged_in, "speech"))

    async def _text_of(self, event: SpeechEnded) -> Transcript:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._config.stt_timeout_s):
                transcript = await self._stt.transcribe(event.audio.tobytes(), VAD_RATE)
        except (SpeechError, TimeoutError) as error:
            self._log.error("transcription_failed", error=str(error) or "time limit", remedy="see ivr doctor")
            return Transcript("")
        except Exception:
            # An engine of a third party may raise anything; the caller must still be answered.
            self._log.exception("transcription_failed")
            return Transcript("")
        self._log.info(
            "transcript",
            text=transcript.text,
            confidence=round(transcript.confidence, 2),
            engine=transcript.engine,
            took_ms=round((loop.time() - began) * 1000),
            end_reason=event.reason,
        )
        return transcript
