"""``StateMachine``: the state of a session, and the subscribers to its changes."""

import inspect
from collections.abc import Awaitable, Callable

import structlog

from ivr.session.states import TRANSITIONS, InvalidTransition, SessionState
from ivr.tasks import TaskSupervisor

StateCallback = Callable[[SessionState], Awaitable[None] | None]


class StateMachine:
    """Holds the state, refuses what the table does not allow, calls the subscribers in order."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        self._state = SessionState.INITIAL
        self._callbacks: list[StateCallback] = []
        self._tasks = TaskSupervisor(log)
        self._log = log

    @property
    def state(self) -> SessionState:
        return self._state

    def allows(self, target: SessionState) -> bool:
        """Whether the table allows a change to ``target`` now."""
        return target in TRANSITIONS[self._state]

    def to(self, target: SessionState) -> None:
        """Change the state and call the subscribers. Raises InvalidTransition and changes nothing."""
        if not self.allows(target):
            raise InvalidTransition(self._state, target)
        self._state = target
        for callback in tuple(self._callbacks):
            self._call(callback, target)

    def subscribe(self, callback: StateCallback) -> Callable[[], None]:
        """Return a function that unsubscribes; calling it twice does no harm."""
        self._callbacks.append(callback)

        def unsubscribe() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return unsubscribe

    def _call(self, callback: StateCallback, state: SessionState) -> None:
        # An error of a subscriber is logged; the call continues.
        try:
            outcome = callback(state)
        except Exception:
            self._log.exception("state_callback_failed", state=str(state))
            return
        if inspect.isawaitable(outcome):
            self._tasks.start(self._await(outcome, state), "state callback")

    async def _await(self, outcome: Awaitable[None], state: SessionState) -> None:
        try:
            await outcome
        except Exception:
            self._log.exception("state_callback_failed", state=str(state))
