import asyncio

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ivr.session.state_machine import StateMachine
from ivr.session.states import TRANSITIONS, InvalidTransition, SessionState

LEGAL = {
    ("initial", "listening"),
    ("listening", "processing"),
    ("processing", "speaking"),
    ("speaking", "listening"),
    ("initial", "ended"),
    ("listening", "ended"),
    ("processing", "ended"),
    ("speaking", "ended"),
}


def machine() -> StateMachine:
    return StateMachine(structlog.get_logger())


def test_the_table_is_the_design_and_nothing_else() -> None:
    assert {(str(a), str(b)) for a, targets in TRANSITIONS.items() for b in targets} == LEGAL


@given(st.lists(st.sampled_from(SessionState), max_size=30))
def test_an_illegal_transition_raises_and_changes_nothing(path: list[SessionState]) -> None:
    m, received = machine(), []
    m.subscribe(lambda state: received.append(state))
    for target in path:
        before, received_before = m.state, len(received)
        if (str(before), str(target)) in LEGAL:
            m.to(target)
            assert m.state is target
            assert received[-1] is target
        else:
            with pytest.raises(InvalidTransition):
                m.to(target)
            assert m.state is before
            assert len(received) == received_before


def test_initial_cannot_reach_speaking() -> None:
    with pytest.raises(InvalidTransition, match="initial to speaking"):
        machine().to(SessionState.SPEAKING)


async def test_callbacks_sync_and_async_and_unsubscribe() -> None:
    m, seen, later = machine(), [], []

    async def slow(state: SessionState) -> None:
        await asyncio.sleep(0)
        later.append(state)

    stop = m.subscribe(seen.append)
    m.subscribe(slow)
    m.to(SessionState.LISTENING)
    stop()
    stop()
    m.to(SessionState.PROCESSING)
    for _ in range(3):
        await asyncio.sleep(0)
    assert seen == [SessionState.LISTENING]
    assert later == [SessionState.LISTENING, SessionState.PROCESSING]


async def test_a_callback_that_raises_does_not_stop_the_others() -> None:
    m, seen = machine(), []

    def bad(state: SessionState) -> None:
        raise RuntimeError("mine")

    async def bad_later(state: SessionState) -> None:
        raise RuntimeError("mine too")

    m.subscribe(bad)
    m.subscribe(bad_later)
    m.subscribe(seen.append)
    m.to(SessionState.LISTENING)
    await asyncio.sleep(0)
    assert seen == [SessionState.LISTENING]
