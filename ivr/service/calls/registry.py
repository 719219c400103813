"""The open calls of a process: one registry, read by the server, the supervisor's reports and an API."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import structlog

from ivr.service.calls.call import CallEnd, ServedCall
from ivr.service.calls.dialing import CalledParty, PartyObserver
from ivr.sip.leg import CallLeg, LegListener
from ivr.sip.transfer import TransferEnd
from ivr.tasks import TaskSupervisor, on_loop

log: Any = structlog.get_logger("ivr.calls")


class CallObserver(PartyObserver, Protocol):
    """Receives the beginning and the end of each call, and of each call to a party. On the event loop."""

    def call_started(self, call: ServedCall) -> None: ...

    def call_ended(self, call: ServedCall) -> None: ...


class CallRegistry:
    """Owns the open calls of a process and the tasks that serve them. On the event loop.

    Calls are those that a plan runs on. The calls placed to connect their callers with somebody are
    ``parties``.
    """

    def __init__(self) -> None:
        self._calls: dict[CallLeg, ServedCall] = {}
        self._served: dict[CallLeg, asyncio.Task[CallEnd]] = {}
        self._tasks = TaskSupervisor(log)
        self._parties: dict[CallLeg, CalledParty] = {}
        self._observers: list[CallObserver] = []
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[ServedCall]:
        """The open calls in the order in which they began."""
        return iter(tuple(self._calls.values()))

    def records(self) -> list[dict[str, Any]]:
        """The fields of ``call_started`` of each open call, with its ``key``."""
        return [{"key": call.leg.key, **call.record} for call in self]

    @property
    def parties(self) -> tuple[CalledParty, ...]:
        """The parties that are called or connected, in the order in which they were called."""
        return tuple(self._parties.values())

    def party_records(self) -> list[dict[str, Any]]:
        """``PARTY_FIELDS`` of each party, with the ``key`` of its leg."""
        return [{"key": leg.key, **party.record} for leg, party in self._parties.items()]

    def party_called(self, party: CalledParty) -> None:
        assert party.leg is not None
        self._parties[party.leg] = party
        for observer in self._observers:
            observer.party_called(party)

    def party_ended(self, party: CalledParty) -> None:
        assert party.leg is not None
        if self._parties.pop(party.leg, None) is not None:
            for observer in self._observers:
                observer.party_ended(party)

    def find(self, leg: CallLeg) -> ServedCall | None:
        """Return the open call of a leg. Any thread."""
        return self._calls.get(leg)

    def subscribe(self, observer: CallObserver) -> None:
        """``observer`` receives every call that begins or ends from now on."""
        self._observers.append(observer)

    def serve(self, call: ServedCall, ring_s: float) -> asyncio.Task[CallEnd]:
        """Register the call, which is open from now on, and serve it to its end."""
        self._calls[call.leg] = call
        self._all_ended.clear()
        for observer in self._observers:
            observer.call_started(call)
        task = self._tasks.start(call.serve(ring_s), f"call-{call.leg.key}", awaited=True)
        self._served[call.leg] = task
        task.add_done_callback(lambda done: self._ended(call, done))
        return task

    def listener(
        self,
        leg: CallLeg,
        loop: asyncio.AbstractEventLoop,
        *,
        on_offered: Callable[[], None] = lambda: None,
        on_dialed: Callable[[], None] = lambda: None,
    ) -> LegListener:
        """Return what brings the events of ``leg`` to its call. Any thread.

        ``on_offered`` is called on the SIP thread when an incoming call waits for an answer, ``on_dialed`` on
        the loop when a call placed by us has its Call-ID.
        """
        return _CallListener(self, leg, loop, on_offered, on_dialed)

    async def wait_until_empty(self) -> None:
        """Wait until no call is open."""
        await self._all_ended.wait()

    async def end_all(self, reason: str, status: int, timeout_s: float) -> None:
        """Hang up every open call and every party, and wait for the ends of the calls, ``timeout_s`` at
        most.
        """
        for leg in (*self._calls, *self._parties):
            leg.hangup(reason, status)
        if self._served:
            await asyncio.wait(tuple(self._served.values()), timeout=timeout_s)

    async def aclose(self) -> None:
        """Cancel the tasks of calls that have not ended."""
        await self._tasks.aclose()

    def _ended(self, call: ServedCall, task: asyncio.Task[CallEnd]) -> None:
        del self._served[call.leg], self._calls[call.leg]
        for observer in self._observers:
            observer.call_ended(call)
        if not task.cancelled() and task.exception() is not None:
            log.error("call_task_failed", call=call.leg.call_id, exc_info=task.exception())
            call.leg.hangup("failed")
        if not self._calls:
            self._all_ended.set()


class _CallListener(LegListener):
    """Passes the events of one leg to its call on the event loop, in the order in which they came: first the
    call is registered, then it changes. Events after its end are dropped.
    """

    def __init__(
        self,
        registry: CallRegistry,
        leg: CallLeg,
        loop: asyncio.AbstractEventLoop,
        on_offered: Callable[[], None],
        on_dialed: Callable[[], None],
    ) -> None:
        self._registry, self._leg, self._loop = registry, leg, loop
        self._on_offered, self._on_dialed = on_offered, on_dialed

    def offered(self) -> None:
        self._on_offered()

    def dialed(self) -> None:
        on_loop(self._loop, self._on_dialed)()

    def _post(self, method: Callable[[ServedCall], None]) -> None:
        def on_call() -> None:
            call = self._registry.find(self._leg)
            if call is not None:
                method(call)

        on_loop(self._loop, on_call)()

    def key_pressed(self, key: str) -> None:
        # Not by way of the loop: a prompt stops at once for a key.
        call = self._registry.find(self._leg)
        if call is not None:
            call.key_pressed(key)

    def progress(self, status: int, phrase: str) -> None:
        self._post(lambda call: call.progress(status, phrase))

    def confirmed(self) -> None:
        self._post(ServedCall.confirmed)

    def transferred(self, end: TransferEnd) -> None:
        self._post(lambda call: call.transferred(end))

    def ended(self, reason: str, status: int) -> None:
        self._post(lambda call: call.ended(reason, status))
