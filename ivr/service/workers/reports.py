"""Reports of calls from a worker to the supervisor: both sides.

Reports are frames: ``{"op": "started", "key"}`` with the fields ``call_record.STARTED_FIELDS``,
``{"op": "ended", "key"}``, and after reports were dropped ``{"op": "calls", "open": [...], "parties":
[...]}`` with a record for everything that is open now. The key is the worker's own number of the call. A
party that is called to be connected with a caller has ``party_called``, with the fields
``call_record.PARTY_FIELDS``, and ``party_ended``.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from ivr.process.parent_link import ParentLink
from ivr.service.calls.call_record import ended_fields
from ivr.tasks import TaskSupervisor

log: Any = structlog.get_logger("ivr.worker")

BACKLOG_BYTES = 256 * 1024
"""Bytes that may wait in a worker for the supervisor to read; some 1000 reports."""


class Reports:
    """Sends the supervisor a report of every call that started or ended.

    A report goes into the socket at once, so that it is not lost when the worker is killed. When
    ``BACKLOG_BYTES`` wait because the supervisor does not read, reports are dropped, with a line in the log;
    once it reads again it receives the list of the calls that are open then.
    """

    def __init__(
        self,
        parent: ParentLink,
        open_calls: Callable[[], list[dict[str, Any]]],
        parties: Callable[[], list[dict[str, Any]]],
    ) -> None:
        """``open_calls`` and ``parties`` return the records of all that are open (``CallRegistry.records``,
        ``party_records``).
        """
        self._parties = parties
        self._parent = parent
        self._open_calls = open_calls
        self._catching_up: asyncio.Task[None] | None = None
        self._tasks = TaskSupervisor(log)
        self.dropped = 0

    def started(self, key: int, record: Mapping[str, Any]) -> None:
        self._report({"op": "started", "key": key, **record})

    def ended(self, key: int) -> None:
        self._report({"op": "ended", "key": key})

    def party_called(self, key: int, record: Mapping[str, Any]) -> None:
        self._report({"op": "party_called", "key": key, **record})

    def party_ended(self, key: int) -> None:
        self._report({"op": "party_ended", "key": key})

    def _report(self, report: dict[str, Any]) -> None:
        if self._catching_up is None and self._parent.backlog > BACKLOG_BYTES:
            log.warning("call_reports_full", limit_bytes=BACKLOG_BYTES, open=len(self._open_calls()))
            self._catching_up = self._tasks.start(self._catch_up(), "reports")
        if self._catching_up is not None:
            self.dropped += 1
        else:
            self._parent.send(report)

    async def aclose(self) -> None:
        """Wait no longer for the supervisor to read."""
        await self._tasks.aclose()

    async def _catch_up(self) -> None:
        try:
            await self._parent.drain()
        except OSError:
            return  # the supervisor is gone
        self._catching_up = None
        self._parent.send({"op": "calls", "open": self._open_calls(), "parties": self._parties()})


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call as its worker reported it; ``began`` is when the report arrived (the supervisor's clock)."""

    fields: Mapping[str, Any]
    """``call_record.STARTED_FIELDS``."""
    began: float


class OpenCalls:
    """The calls that one worker has open, and the parties it has called for them, from its reports."""

    def __init__(self) -> None:
        self._parties: dict[int, Mapping[str, Any]] = {}
        self._calls: dict[int, OpenCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, report: Mapping[str, Any], now: float) -> None:
        """Apply one report. Raises KeyError when it is not a report."""
        operation = report["op"]
        if operation == "started":
            self._begin(report, now)
        elif operation == "ended":
            self._calls.pop(int(report["key"]), None)
        elif operation == "calls":
            known = {int(each["key"]) for each in report["open"]}
            for key in self._calls.keys() - known:
                del self._calls[key]
            for each in report["open"]:
                if int(each["key"]) not in self._calls:
                    self._begin(each, now)
            self._parties = {int(each["key"]): _fields(each) for each in report["parties"]}
        elif operation == "party_called":
            self._parties[int(report["key"])] = _fields(report)
        elif operation == "party_ended":
            self._parties.pop(int(report["key"]), None)
        else:
            raise KeyError(operation)

    def _begin(self, report: Mapping[str, Any], now: float) -> None:
        self._calls[int(report["key"])] = OpenCall(_fields(report), now)

    def lost(self, now: float) -> list[dict[str, Any]]:
        """Forget all calls, since the worker is dead; returns for each the fields of a ``call_ended`` line,
        in the order in which they began."""
        lines = [ended_fields(call.fields, now - call.began, "worker_lost") for call in self._calls.values()]
        self._calls.clear()
        return lines

    def lost_parties(self) -> list[Mapping[str, Any]]:
        """Forget all parties, since the worker is dead; returns each one's fields of ``party_lost``."""
        parties = list(self._parties.values())
        self._parties.clear()
        return parties


def _fields(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in ("op", "key")}
