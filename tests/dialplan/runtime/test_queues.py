"""Tests of who is next, and who is free, whatever callers and agents do."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.dialplan.runtime.queues import Queues, Ticket

AGENTS = ("a", "b", "c")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["join", "leave", "answered", "not reached", "over"]), st.integers(0, 9)),
        max_size=60,
    )
)
def test_one_caller_for_each_agent_in_the_order_they_came(moves: list[tuple[str, int]]) -> None:
    asyncio.run(follow(moves))


async def follow(moves: list[tuple[str, int]]) -> None:
    queues = Queues(retry_agent_s=0)
    waiting: dict[Ticket, asyncio.Task[str]] = {}
    talking: dict[Ticket, str] = {}
    for what, number in moves:
        if what == "join":
            ticket = queues.join("q", AGENTS[: 1 + number % len(AGENTS)])
            waiting[ticket] = asyncio.ensure_future(queues.agent(ticket))
        elif what == "leave" and waiting:
            ticket = list(waiting)[number % len(waiting)]
            task = waiting.pop(ticket)
            rung = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if rung:
                queues.release(task.result())
            queues.leave(ticket)
        elif what in ("answered", "not reached"):
            rung_now = [ticket for ticket, task in waiting.items() if task.done()]
            if rung_now:
                ticket = rung_now[number % len(rung_now)]
                agent = waiting[ticket].result()
                if what == "answered":
                    del waiting[ticket]
                    queues.leave(ticket)
                    talking[ticket] = agent
                else:
                    queues.not_reached(agent)
                    waiting[ticket] = asyncio.ensure_future(queues.agent(ticket))
        elif what == "over" and talking:
            ticket, agent = list(talking.items())[number % len(talking)]
            del talking[ticket]
            queues.record_talk(ticket, 60)
            queues.release(agent)
        for _ in range(10):
            await asyncio.sleep(0)
        taken = [*talking.values(), *(task.result() for task in waiting.values() if task.done())]
        assert len(taken) == len(set(taken))  # nobody has two callers
        assert [queues.position(ticket) for ticket in waiting] == list(range(1, len(waiting) + 1))
        assert queues.length("q") == len(waiting)
        for ticket, task in waiting.items():  # and nobody waits for somebody who is free
            assert task.done() or set(ticket.agents) <= set(taken), (ticket.agents, taken)
        if waiting:
            last = list(waiting)[-1]
            assert queues.wait_s(last) > 0
    for task in waiting.values():
        task.cancel()
    await asyncio.gather(*waiting.values(), return_exceptions=True)


def test_the_wait_is_what_the_last_talks_took() -> None:
    queues = Queues()
    first = queues.join("q", ("a", "b"))
    assert queues.wait_s(first) == 180
    for _ in range(30):
        queues.record_talk(first, 60)
    third = [queues.join("q", ("a", "b")) for _ in range(2)][-1]
    assert queues.position(third) == 3 and queues.wait_s(third) == 120
