"""What is to be said, in order, one at a time; and what makes it stop."""

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from ivr.audio.frames import samples_to_ms
from ivr.audio.playback import Playback
from ivr.session.options import BargeInOptions
from ivr.session.prompt.handle import PromptSynthesis, SayHandle, SaySource
from ivr.session.state_machine import StateMachine
from ivr.session.states import SessionState
from ivr.session.types import Player
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
        """``note(stage, rule, **details)`` takes decisions."""
        self._maker = PromptSynthesis(tts)
        self._player, self._post, self._machine = player, post, machine
        self._on_moved, self._note, self._log = on_moved, note, log
        self._numbers = itertools.count(1)
        self._queue: deque[SayHandle] = deque()
        self._producers: set[asyncio.Task[None]] = set()
        self.clock = 0
        """The session's clock at the last change."""

    @property
    def current(self) -> SayHandle | None:
        return self._queue[0] if self._queue else None

    @property
    def head(self) -> SayHandle | None:
        """The prompt that is playing. Any thread."""
        try:
            handle = self._queue[0]
        except IndexError:
            return None
        return handle if handle.playing and not handle.done else None

    @property
    def playing(self) -> bool:
        return self.current is not None and self.current.playing

    @property
    def suspended(self) -> SayHandle | None:
        """The prompt that was stopped and may go on."""
        head = self.current
        return head if head is not None and head.suspended else None

    @property
    def waiting(self) -> bool:
        """The prompt at the head has no sound yet, or has run dry while more is being made."""
        head = self.current
        return head is not None and not head.suspended and (not head.playing or head.buffer.starving)

    def protected_until(self, now: int) -> int:
        """The sample until which a prompt was playing: ``now`` while one is."""
        return now if self.playing else self.clock

    def add(self, source: SaySource, options: BargeInOptions) -> SayHandle:
        handle = SayHandle(next(self._numbers), options, self._new_buffer, self._cancel)
        rest = self._maker.prepare(source, handle)
        if rest:
            handle.producer = asyncio.ensure_future(self._produce(rest, handle))
            self._producers.add(handle.producer)
            handle.producer.add_done_callback(self._producers.discard)
        else:
            handle.finish()
        self._queue.append(handle)
        self._go_on()
        return handle

    def _new_buffer(self, handle: SayHandle) -> Playback:
        buffer = self._player.playback()
        buffer.on_end = lambda: self._post(self._ended, handle, buffer)
        buffer.on_low = lambda: self._post(handle.room.set)
        return buffer

    def yield_now(self, cause: Literal["dtmf"]) -> SayHandle | None:
        """Any thread: stop the sound that is playing if it yields to a key; nothing else changes until
        ``interrupt`` is called on the loop. Returns the prompt that was stopped.
        """
        handle = self.head
        if handle is None or not handle.yields_to(cause) or handle.protected(cause):
            return None
        handle.yielding = True
        handle.buffer.stop()
        return handle

    def suspend(self, handle: SayHandle) -> bool:
        """The prompt that speech has stopped waits for what the speech was. False: it is over."""
        if handle.done or handle is not self.current or not handle.playing:
            return False
        handle.playing, handle.suspended = False, True
        self._player.release(handle.buffer)
        if self._machine.state is SessionState.SPEAKING:
            self._machine.to(SessionState.LISTENING)
        self._on_moved()
        return True

    def resume(self, rule: str) -> None:
        """That speech was nothing: go on where the word or clause began that was cut."""
        handle = self.suspended
        if handle is None:
            return
        cut = handle.played
        point = handle.rewind()
        rate = handle.buffer.sample_rate
        self._note("resume", rule, prompt=handle.number, cut_ms=round(samples_to_ms(cut, rate)),
                   from_ms=round(samples_to_ms(point, rate)))  # fmt: skip
        self._go_on()

    def interrupt(self, cause: Literal["speech", "dtmf"], cut: SayHandle | None = None) -> bool:
        """The caller takes the floor: what is queued and yields to ``cause`` is over, from the head on, up
        to the first that does not. ``cut`` is what ``yield_now`` gave. True when a prompt was cut.
        """
        interrupted = cut is not None
        while self._queue and (self._queue[0] is cut or self._yields(self._queue[0], cause)):
            interrupted = interrupted or self._queue[0].playing or self._queue[0].suspended
            self._finish(self._queue[0], interrupted=True)
        self._go_on()
        return interrupted

    @staticmethod
    def _yields(handle: SayHandle, cause: Literal["speech", "dtmf"]) -> bool:
        return handle.yields_to(cause) and (handle.suspended or not handle.protected(cause))

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
            handle.finish()
            handle.audio_ready.set()
            handle.producer = None
        self._go_on()

    def _go_on(self) -> None:
        """Start the prompt at the head when it has sound; settle those that never will have any."""
        while self._queue and not self._queue[0].playing:
            head = self._queue[0]
            if head.suspended:
                break
            if head.complete and head.written == 0:
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
        if not handle.base:
            self._log.debug("say_started", barge_in=handle.barge_in)
            self._note("say_started", prompt=handle.number, text=handle.text, options=handle.options.plain(),
                       planned_ms=handle.planned_ms)  # fmt: skip
        self._player.play(handle.buffer)

    def _ended(self, handle: SayHandle, buffer: Playback) -> None:
        # A prompt that is yielding is looked after by ``suspend`` or ``interrupt``, on its way to this loop;
        # a buffer that is not the handle's any more was cut and has been followed by another.
        if not handle.done and not handle.yielding and buffer is handle.buffer:
            self._finish(handle, interrupted=handle.buffer.stopped)
            self._go_on()

    def _cancel(self, handle: SayHandle) -> None:
        self._finish(handle, interrupted=True)
        self._go_on()

    def _finish(self, handle: SayHandle, *, interrupted: bool) -> None:
        handle.buffer.stop()
        was_playing = handle.playing
        self._queue.remove(handle)
        known: dict[str, Any] = {"planned_ms": handle.planned_ms, "word_times": handle.told_words}
        result = handle.resolve(interrupted=interrupted)
        handle.audio_ready.set()
        handle.room.set()
        if was_playing:
            self._player.release(handle.buffer)
        if result is not None:
            heard = {"interrupted": interrupted, "heard_ms": round(result.heard_ms)}
            self._log.debug("say_ended", **heard)
            if was_playing or handle.base or handle.suspended:
                known = {name: value for name, value in known.items() if value}
                self._note("say_ended", prompt=handle.number, heard_text=result.heard_text, **heard, **known)
        if interrupted and was_playing and self._machine.state is SessionState.SPEAKING:
            # Also when another prompt follows: the caller had the floor in between.
            self._machine.to(SessionState.LISTENING)
