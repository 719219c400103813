"""The state of one session and those who want to know of its changes."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

import structlog

from ivr.session.states import TRANSITIONS, InvalidTransition, SessionState

StateCallback = Callable[[SessionState], Awaitable[None] | None]


class StateMachine:
    """Holds the state, refuses what the table does not allow, tells the subscribers in order."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        self._state = SessionState.INITIAL
        self._callbacks: list[StateCallback] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = log

    @property
    def state(self) -> SessionState:
        return self._state

    def allows(self, target: SessionState) -> bool:
        return target in TRANSITIONS[self._state]

    def to(self, target: SessionState) -> None:
        """Change state and tell the subscribers. Raises InvalidTransition and changes nothing."""
        if not self.allows(target):
            raise InvalidTransition(self._state, target)
        self._state = target
        for callback in tuple(self._callbacks):
            self._tell(callback, target)

    def subscribe(self, callback: StateCallback) -> Callable[[], None]:
        """Returns a function that unsubscribes; calling it twice does no harm."""
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return unsubscribe

    def _tell(self, callback: StateCallback, state: SessionState) -> None:
        # A subscriber's mistake is its own: it is logged and the call goes on.
        try:
            outcome = callback(state)
        except Exception:
            self._log.exception("state_callback_failed", state=str(state))
            return
        if inspect.isawaitable(outcome):
            task = asyncio.ensure_future(self._await(outcome, state))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _await(self, outcome: Awaitable[None], state: SessionState) -> None:
        try:
            await outcome
        except Exception:
            self._log.exception("state_callback_failed", state=str(state))
