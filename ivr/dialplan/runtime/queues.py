"""Queues: callers who wait for agents, in order, and which agents are free.

All of one process, on its event loop. A queue has a name; several plans may use the same one. With several
workers each has queues of its own: a caller's place is among those of the same worker.
"""

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

RETRY_AGENT_S = 5.0
"""Seconds before an agent who was busy or did not answer is tried again."""
FIRST_GUESS_S = 180.0
"""Seconds that a talk is assumed to take until one has ended."""
_TALKS = 20
"""The last talks of a queue, of which the mean is taken."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One caller's place in a queue."""

    queue: "_Queue"
    agents: tuple[str, ...]
    turn: "asyncio.Future[str] | None" = None
    """Resolved with the agent who is free for this caller."""


@dataclass(eq=False, slots=True)
class _Queue:
    name: str
    waiting: list[Ticket] = field(default_factory=list)
    talks: "deque[float]" = field(default_factory=lambda: deque(maxlen=_TALKS))


class Queues:
    """Every queue of the process."""

    def __init__(self, retry_agent_s: float = RETRY_AGENT_S) -> None:
        self._retry_agent_s = retry_agent_s
        self._queues: dict[str, _Queue] = {}
        self._busy: set[str] = set()
        """Agents that are being called, talk, or have a pause."""

    def length(self, name: str) -> int:
        """Return the number of waiting callers."""
        queue = self._queues.get(name)
        return len(queue.waiting) if queue is not None else 0

    def join(self, name: str, agents: tuple[str, ...]) -> Ticket:
        """The last place. ``agents`` are addresses, tried in that order."""
        queue = self._queues.setdefault(name, _Queue(name))
        ticket = Ticket(queue, agents)
        queue.waiting.append(ticket)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Take a caller out of the queue, who has left or talks. Idempotent."""
        queue = ticket.queue
        if ticket in queue.waiting:
            queue.waiting.remove(ticket)
        if not queue.waiting and not queue.talks and self._queues.get(queue.name) is queue:
            del self._queues[queue.name]

    def position(self, ticket: Ticket) -> int:
        """Return the position, from 1; 0: no longer in the queue."""
        waiting = ticket.queue.waiting
        return waiting.index(ticket) + 1 if ticket in waiting else 0

    def wait_s(self, ticket: Ticket) -> float:
        """Return the estimated wait in seconds, from the queue's last talks."""
        talks = ticket.queue.talks
        mean = sum(talks) / len(talks) if talks else FIRST_GUESS_S
        return math.ceil(self.position(ticket) / max(1, len(ticket.agents))) * mean

    async def agent(self, ticket: Ticket) -> str:
        """Wait until it is this caller's turn and somebody is free; they are taken until ``release``."""
        turn: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        ticket.turn = turn
        self._assign()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(turn.result())
            raise
        finally:
            ticket.turn = None

    def release(self, agent: str) -> None:
        """Make an agent free again."""
        self._busy.discard(agent)
        self._assign()

    def not_reached(self, agent: str) -> None:
        """Try an agent who was busy or did not answer again later, others first."""
        asyncio.get_running_loop().call_later(self._retry_agent_s, self.release, agent)

    def record_talk(self, ticket: Ticket, seconds: float) -> None:
        """Record how long a talk took, in seconds."""
        self._queues.setdefault(ticket.queue.name, ticket.queue).talks.append(seconds)

    def _assign(self) -> None:
        """Assign each free agent to the caller who has waited longest for them."""
        for queue in tuple(self._queues.values()):
            for ticket in queue.waiting:
                turn = ticket.turn
                if turn is None or turn.done():
                    continue
                agent = next((each for each in ticket.agents if each not in self._busy), None)
                if agent is not None:
                    self._busy.add(agent)
                    turn.set_result(agent)
