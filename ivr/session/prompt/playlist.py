"""The queue of prompts: one plays at a time, in order; one that speech stopped is suspended and resumes."""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from ivr.audio.frames import samples_to_ms
from ivr.audio.playback import Playback
from ivr.session.options import BargeInOptions
from ivr.session.prompt.handle import SayHandle, StopCause
from ivr.session.prompt.synthesis import PromptSynthesis, Sayable, SaySource
from ivr.session.state_machine import StateMachine
from ivr.session.states import SessionState
from ivr.session.types import Player
from ivr.speech.base import SpeechError, TextToSpeech
from ivr.tasks import TaskSupervisor


class Playlist:
    """The prompts of a session. All but ``head`` and ``stop_for_key`` belongs to the session's loop."""

    def __init__(
        self,
        tts: TextToSpeech,
        player: Player,
        machine: StateMachine,
        tasks: TaskSupervisor,
        *,
        post: Callable[..., None],
        clock: Callable[[], int],
        on_change: Callable[[], None],
        note: Callable[..., None],
        log: Any,
    ) -> None:
        """``post(function, *args)`` brings a call from any thread to the loop; ``clock`` returns samples of
        the caller's sound; ``on_change`` is called on the loop after every change; ``note(stage, rule,
        **details)`` records decisions.
        """
        self._synthesis = PromptSynthesis(tts)
        self._player, self._machine, self._tasks = player, machine, tasks
        self._post, self._clock, self._on_change = post, clock, on_change
        self._note, self._log = note, log
        self._numbers = itertools.count(1)
        self._queue: deque[SayHandle] = deque()
        self._changed_at = 0
        """The session's clock at the last change."""
        self._between: Playback | None = None
        """What plays now and is no prompt; see ``play_between``."""

    @property
    def current(self) -> SayHandle | None:
        """The first prompt of the queue, in whatever state."""
        return self._queue[0] if self._queue else None

    @property
    def head(self) -> SayHandle | None:
        """The prompt that is playing. Any thread."""
        try:
            handle = self._queue[0]
        except IndexError:
            return None
        return handle if handle.audible else None

    @property
    def playing(self) -> bool:
        return self.current is not None and self.current.audible

    @property
    def suspended(self) -> SayHandle | None:
        """The prompt that speech stopped and that may resume."""
        head = self.current
        return head if head is not None and head.suspended else None

    @property
    def waiting(self) -> bool:
        """The first prompt has no sound yet, or has run out of it while more is being synthesised."""
        head = self.current
        if head is None or head.suspended:
            return False
        if not head.audible:
            return self._between is None or not head.audio_ready.is_set()
        return head.buffer.starving

    @property
    def playing_between(self) -> bool:
        """A sound of ``play_between`` plays."""
        return self._between is not None

    def protected_until(self, now: int) -> int:
        """The sample until which a prompt was playing: ``now`` while one is."""
        return now if self.playing else self._changed_at

    def add(self, source: SaySource, options: BargeInOptions) -> SayHandle:
        """Queue a prompt. Raises TypeError, OSError and WavError for what cannot be said."""
        handle = SayHandle(next(self._numbers), options, self._new_buffer, self._cancel)
        rest = self._synthesis.prepare(source, handle)
        if rest:
            handle.producer = self._tasks.start(self._produce(rest, handle), "synthesis of a prompt")
        else:
            handle.finish()
        self._queue.append(handle)
        self._play_next()
        return handle

    def play_between(self, pcm16: bytes) -> None:
        """Play a short sound, PCM16 at the player's rate, while no prompt can be heard. It is no prompt: it
        is in no queue and changes no state. A prompt that gets its sound meanwhile waits for its end.
        """
        buffer = self._player.playback()
        buffer.on_end = lambda: self._post(self._between_ended, buffer)
        buffer.write(pcm16)
        buffer.finish()
        self._between = buffer
        self._player.play(buffer)

    def stop_between(self) -> None:
        """Stop the sound of ``play_between``: the caller speaks or has pressed a key."""
        if self._between is not None:
            self._between.stop()
            self._between_ended(self._between)

    def _between_ended(self, buffer: Playback) -> None:
        if buffer is not self._between:
            return
        self._between = None
        self._player.release(buffer)
        if (head := self.head) is not None:  # it had run out of sound
            self._player.play(head.buffer)
        self._play_next()

    def stop_for_key(self) -> SayHandle | None:
        """Any thread: stop the prompt that is playing, if a key may stop it; the queue changes only with
        ``interrupt``, on the loop. Returns the prompt that was stopped.
        """
        handle = self.head
        if handle is None or not handle.yields_to("dtmf") or handle.protected("dtmf"):
            return None
        return handle if handle.stop("dtmf") else None

    def suspend(self, handle: SayHandle) -> bool:
        """Keep a prompt that speech has stopped until the speech is understood. Returns False when it has
        ended.
        """
        if handle is not self.current or not handle.suspend():
            return False
        self._player.release(handle.buffer)
        if self._machine.state is SessionState.SPEAKING:
            self._machine.to(SessionState.LISTENING)
        self._changed()
        return True

    def resume(self, rule: str) -> None:
        """Play the suspended prompt from the beginning of the word or clause that was cut: by ``rule``, the
        speech that stopped it was nothing.
        """
        handle = self.suspended
        if handle is None:
            return
        cut = handle.played
        point = handle.rewind()
        rate = handle.buffer.sample_rate
        self._note("resume", rule, prompt=handle.number, cut_ms=round(samples_to_ms(cut, rate)),
                   from_ms=round(samples_to_ms(point, rate)))  # fmt: skip
        self._play_next()

    def interrupt(self, cause: StopCause, stopped: SayHandle | None = None) -> bool:
        """End ``stopped`` and the queued prompts that yield to ``cause``, from the first one to the one
        before the first that does not. Returns whether a prompt was cut short.
        """
        interrupted = stopped is not None
        while self._queue and (self._queue[0] is stopped or self._yields(self._queue[0], cause)):
            interrupted = interrupted or self._queue[0].audible or self._queue[0].suspended
            self._finish(self._queue[0], interrupted=True)
        self._play_next()
        return interrupted

    @staticmethod
    def _yields(handle: SayHandle, cause: StopCause) -> bool:
        return handle.yields_to(cause) and (handle.suspended or not handle.protected(cause))

    def close(self) -> None:
        """End all prompts; those that play count as interrupted."""
        self.stop_between()
        while self._queue:
            self._finish(self._queue[0], interrupted=True)

    # -- inside, on the loop

    def _new_buffer(self, handle: SayHandle) -> Playback:
        buffer = self._player.playback()
        buffer.on_end = lambda: self._post(self._ended, handle, buffer)
        buffer.on_low = lambda: self._post(handle.room.set)
        return buffer

    async def _produce(self, rest: list[Sayable], handle: SayHandle) -> None:
        try:
            await self._synthesis.produce(rest, handle)
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
        self._play_next()

    def _play_next(self) -> None:
        """Start the first prompt when it has sound; end those that will never have any."""
        while self._queue and not self._queue[0].audible:
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
                    head.starter = self._tasks.start(self._start_when_ready(head), "start of a prompt")
                break
            if self._between is not None:
                break
            self._start(head)
        if not self._queue and self._machine.state is SessionState.SPEAKING:
            self._machine.to(SessionState.LISTENING)
        self._changed()

    def _changed(self) -> None:
        self._changed_at = self._clock()
        self._on_change()

    async def _start_when_ready(self, handle: SayHandle) -> None:
        await handle.audio_ready.wait()
        if not handle.done:
            self._play_next()

    def _start(self, handle: SayHandle) -> None:
        handle.begin()
        if self._machine.state is SessionState.PROCESSING:
            self._machine.to(SessionState.SPEAKING)
        if not handle.base:
            self._log.debug("say_started", barge_in=handle.barge_in)
            self._note("say_started", prompt=handle.number, text=handle.text, options=handle.options.plain(),
                       planned_ms=handle.planned_ms)  # fmt: skip
        self._player.play(handle.buffer)

    def _ended(self, handle: SayHandle, buffer: Playback) -> None:
        # The event that stopped a prompt is on its way to the loop, which ends or suspends it then; a buffer
        # that is not the handle's any more was cut and has been followed by another.
        if not handle.done and handle.stop_cause is None and buffer is handle.buffer:
            self._finish(handle, interrupted=handle.buffer.stopped)
            self._play_next()

    def _cancel(self, handle: SayHandle) -> None:
        self._finish(handle, interrupted=True)
        self._play_next()

    def _finish(self, handle: SayHandle, *, interrupted: bool) -> None:
        was_audible, was_suspended = handle.audible, handle.suspended
        self._queue.remove(handle)
        handle.buffer.stop()
        known: dict[str, Any] = {"planned_ms": handle.planned_ms, "word_times": handle.word_timings}
        result = handle.end(interrupted=interrupted)
        if was_audible:
            self._player.release(handle.buffer)
        if result is not None:
            heard = {"interrupted": interrupted, "heard_ms": round(result.heard_ms)}
            self._log.debug("say_ended", **heard)
            if was_audible or handle.base or was_suspended:
                known = {name: value for name, value in known.items() if value}
                self._note("say_ended", prompt=handle.number, heard_text=result.heard_text, **heard, **known)
        if interrupted and was_audible and self._machine.state is SessionState.SPEAKING:
            # Also when another prompt follows: the caller could speak in between.
            self._machine.to(SessionState.LISTENING)
