"""What is to be said, in order, one at a time; and what makes it stop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from ivr.session.machine import StateMachine
from ivr.session.say import SayHandle, SaySource, SoundMaker
from ivr.session.states import SessionState
from ivr.session.types import BargeIn, Player
from ivr.speech.base import SpeechError, TextToSpeech


class Playlist:
    """The queue of says. All but ``yield_now`` runs on the session's loop.

    ``post(function, *args)`` brings a call from any thread to the loop; ``on_moved`` is called on the
    loop after every change.
    """

    def __init__(
        self,
        tts: TextToSpeech,
        player: Player,
        post: Callable[..., None],
        machine: StateMachine,
        on_moved: Callable[[], None],
        note: Callable[..., None],
        log: Any,
    ) -> None:
        self._maker = SoundMaker(tts)
        self._player, self._post, self._machine = player, post, machine
        self._on_moved, self._note, self._log = on_moved, note, log
        self._queue: deque[SayHandle] = deque()
        self._producers: set[asyncio.Task[None]] = set()
        self._added = 0
        self.clock = 0
        """The session's clock at the last change."""

    @property
    def current(self) -> SayHandle | None:
        return self._queue[0] if self._queue else None

    @property
    def playing(self) -> bool:
        return self.current is not None and self.current.playing

    @property
    def waiting(self) -> bool:
        """The prompt at the head has no sound yet, or has run dry while more is being made."""
        head = self.current
        return head is not None and (not head.playing or head.buffer.starving)

    def protected_until(self, now: int) -> int:
        """The sample until which a prompt was playing: ``now`` while one is."""
        return now if self.playing else self.clock

    def add(self, source: SaySource, barge_in: BargeIn) -> SayHandle:
        handle = SayHandle(barge_in, self._player.playback(), self._cancel)
        self._added += 1
        handle.number = self._added
        handle.buffer.on_end = lambda: self._post(self._ended, handle)
        handle.buffer.on_low = lambda: self._post(handle.room.set)
        rest = self._maker.prepare(source, handle)
        if rest:
            handle.producer = asyncio.ensure_future(self._produce(rest, handle))
            self._producers.add(handle.producer)
            handle.producer.add_done_callback(self._producers.discard)
        else:
            handle.buffer.finish()
        self._queue.append(handle)
        self._go_on()
        return handle

    def yield_now(self, cause: BargeIn) -> SayHandle | None:
        """Any thread: stop the sound that is playing if it yields to ``cause``; nothing else changes
        until ``interrupt`` is called on the loop. Returns the prompt that was stopped.
        """
        try:
            handle = self._queue[0]
        except IndexError:
            return None
        if not handle.playing or not handle.yields_to(cause) or handle.done:
            return None
        handle.yielding = True
        handle.buffer.stop()
        return handle

    def interrupt(self, cause: BargeIn, cut: SayHandle | None = None) -> bool:
        """The caller takes the floor: what is queued and yields to ``cause`` is over, from the head on, up
        to the first that does not. ``cut`` is what ``yield_now`` gave. True when a prompt was cut.
        """
        interrupted = cut is not None
        while self._queue and (self._queue[0] is cut or self._queue[0].yields_to(cause)):
            interrupted = interrupted or self._queue[0].playing
            self._finish(self._queue[0], interrupted=True)
        self._go_on()
        return interrupted

    async def close(self) -> None:
        while self._queue:
            self._finish(self._queue[0], interrupted=True)
        producers = list(self._producers)
        for task in producers:
            task.cancel()
        await asyncio.gather(*producers, return_exceptions=True)

    # -- on the loop

    async def _produce(self, rest: list[Any], handle: SayHandle) -> None:
        try:
            await self._maker.produce(rest, handle)
        except SpeechError as error:
            handle.error = error
            self._log.error("synthesis_failed", error=str(error), remedy="see ivr doctor")
        except Exception as error:
            # An engine of a third party, or the caller's own text iterator.
            handle.error = error
            self._log.exception("synthesis_failed")
        finally:
            handle.buffer.finish()
            handle.audio_ready.set()
            handle.producer = None
        self._go_on()

    def _go_on(self) -> None:
        """Start the prompt at the head when it has sound; settle those that never will have any."""
        while self._queue and not self._queue[0].playing:
            head = self._queue[0]
            if head.buffer.finished and head.buffer.written == 0:
                self._finish(head, interrupted=False)
                continue
            if self._machine.state is SessionState.LISTENING:
                self._machine.to(SessionState.PROCESSING)
            if not head.audio_ready.is_set():
                if head.starter is None:
                    head.starter = asyncio.ensure_future(self._start_when_ready(head))
                break
            self._start(head)
        if not self._queue and self._machine.state is SessionState.SPEAKING:
            self._machine.to(SessionState.LISTENING)
        self._on_moved()

    async def _start_when_ready(self, handle: SayHandle) -> None:
        await handle.audio_ready.wait()
        if not handle.done:
            self._go_on()

    def _start(self, handle: SayHandle) -> None:
        handle.playing = True
        if self._machine.state is SessionState.PROCESSING:
            self._machine.to(SessionState.SPEAKING)
        self._log.info("say_started", barge_in=handle.barge_in)
        planned = {"planned_ms": round(handle.planned_ms)} if handle.buffer.finished else {}
        text = " ".join(part.text for part in handle.parts)
        self._note(
            "say_started", prompt=handle.number, text=text, options={"barge_in": handle.barge_in}, **planned
        )
        self._player.play(handle.buffer)

    def _ended(self, handle: SayHandle) -> None:
        # A prompt that is yielding is finished by ``interrupt``, which is on its way to this loop.
        if not handle.done and not handle.yielding:
            self._finish(handle, interrupted=handle.buffer.stopped)
            self._go_on()

    def _cancel(self, handle: SayHandle) -> None:
        self._finish(handle, interrupted=True)
        self._go_on()

    def _finish(self, handle: SayHandle, *, interrupted: bool) -> None:
        handle.buffer.stop()
        was_playing = handle.playing
        self._queue.remove(handle)
        result = handle.resolve(interrupted=interrupted)
        handle.audio_ready.set()
        handle.room.set()
        if was_playing:
            self._player.release(handle.buffer)
        if result is not None:
            self._log.info("say_ended", interrupted=interrupted, heard_ms=round(result.heard_ms))
            if was_playing:
                self._note(
                    "say_ended",
                    prompt=handle.number,
                    heard_ms=round(result.heard_ms),
                    heard_text=result.heard_text,
                    interrupted=interrupted,
                )
        if interrupted and was_playing and self._machine.state is SessionState.SPEAKING:
            # Also when another prompt follows: the caller had the floor in between.
            self._machine.to(SessionState.LISTENING)
