"""The session's state machine: one table, nothing else is legal."""

from enum import StrEnum

from ivr.errors import IvrError


class SessionState(StrEnum):
    INITIAL = "initial"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    ENDED = "ended"


class InvalidTransition(IvrError):
    """A transition that is not in the table was asked for; nothing was changed."""

    def __init__(self, source: SessionState, target: SessionState) -> None:
        super().__init__(f"a session cannot go from {source} to {target}")
        self.source = source
        self.target = target


TRANSITIONS: dict[SessionState, frozenset[SessionState]] = {
    SessionState.INITIAL: frozenset({SessionState.LISTENING, SessionState.ENDED}),
    SessionState.LISTENING: frozenset({SessionState.PROCESSING, SessionState.ENDED}),
    SessionState.PROCESSING: frozenset({SessionState.SPEAKING, SessionState.ENDED}),
    SessionState.SPEAKING: frozenset({SessionState.LISTENING, SessionState.ENDED}),
    SessionState.ENDED: frozenset(),
}
