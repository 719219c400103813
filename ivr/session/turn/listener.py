"""``Listener``: waits for the caller's next turn, or for the no-input timeout."""

import asyncio
from collections.abc import Callable

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.session.alarms import Alarms
from ivr.session.turn.turn_queue import TurnQueue
from ivr.session.types import Turn
from ivr.vad.base import VadStream

_NO_INPUT = "noinput"
"""Name of the alarm."""


class Listener:
    """The one task of a session that may listen. Belongs to the loop."""

    def __init__(
        self,
        stream: VadStream,
        alarms: Alarms,
        turns: TurnQueue,
        *,
        is_silent: Callable[[], bool],
        note: Callable[..., None],
    ) -> None:
        """``is_silent``: nothing is being said, by either side. ``note(stage, rule, **details)`` records
        decisions.
        """
        self._stream, self._alarms, self._turns = stream, alarms, turns
        self._is_silent, self._note = is_silent, note
        self._waiting: asyncio.Future[Turn] | None = None
        self._timeout: float | None = None

    @property
    def waiting(self) -> bool:
        """A task listens, and there is no turn for it yet."""
        return self._waiting is not None and not self._waiting.done()

    async def listen(self, timeout: float | None, on_start: Callable[[], None]) -> Turn:  # noqa: ASYNC109  (seconds of sound, not of the loop)
        """See ``VoiceSession.listen``. ``on_start`` is called when no turn was waiting."""
        turn = self._turns.fetch()
        if turn is not None:
            return turn
        if self._waiting is not None:
            raise RuntimeError("another task is already listening on this session")
        self._waiting = asyncio.get_running_loop().create_future()
        self._timeout = timeout
        self._note("listen", timeout_s=timeout)
        self.set_alarm()
        on_start()
        try:
            return await self._waiting
        finally:
            self._waiting = None
            self._timeout = None
            self.set_alarm()

    def on_turn(self) -> None:
        """A turn waits to be fetched, or one that was expected will not come."""
        if self.waiting and (turn := self._turns.fetch()) is not None:
            self._deliver(turn)
        self.set_alarm()

    def set_alarm(self) -> None:
        """Start the no-input timer, or stop it while something is being said."""
        if not self.waiting or self._timeout is None or not self._is_silent():
            self._alarms.clear(_NO_INPUT)
        elif not self._alarms.is_set(_NO_INPUT):
            at = self._stream.clock + ms_to_samples(self._timeout * 1000, VAD_RATE)
            self._alarms.set(_NO_INPUT, at, self._no_input)

    def close(self, error: Exception) -> None:
        """The session is over: ``listen`` raises ``error``."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def _no_input(self) -> None:
        self._note("noinput")
        self._deliver(Turn("", 0.0, 0.0, False, "noinput"))

    def _deliver(self, turn: Turn) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(turn)
