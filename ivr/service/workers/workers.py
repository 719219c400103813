"""What the supervisor knows and decides, without processes: each worker's share of the ports, when a dead
one is started again, and which calls are open in which worker."""

import dataclasses
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ivr.service.calls.call_record import ended
from ivr.sip.options import SipOptions, parse_bind, parse_ports

LEAST_PORTS = 4
"""RTP ports a worker cannot do without: one call, and one to refuse with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Of ``ivr serve --workers``."""

    count: int = 0
    """Worker processes; 0 is one process without a supervisor."""
    restart_backoff_s: float = 0.5
    """Seconds before a worker that died is started again; doubled for each death in ``restart_window_s``."""
    restart_backoff_max_s: float = 30.0
    restart_limit: int = 10
    """Restarts of one worker within ``restart_window_s``; with one more death it is given up. 0 never starts
    one again."""
    restart_window_s: float = 600.0
    kill_after_s: float = 10.0
    """Seconds beyond ``sip.drain_s`` after which a worker that has not ended is killed."""


def sip_of(sip: SipOptions, index: int, count: int) -> SipOptions:
    """Worker ``index`` (from 0) of ``count``: SIP port = base port + index, likewise the TLS port; the
    index-th equal slice of the RTP ports. Only the first worker registers: a registrar would ring every
    contact it knows.

    Raises ValueError when the ports do not suffice.
    """
    host, port = parse_bind(sip.bind)
    if port + count - 1 > 65535:
        raise ValueError(f"sip.bind: {count} workers need the ports {port} to {port + count - 1}")
    first, last = parse_ports(sip.rtp_ports)
    first += first % 2  # RTP has the even port of a pair
    share = (last - first + 1) // count // 2 * 2
    if share < LEAST_PORTS:
        raise ValueError(
            f"sip.rtp_ports: {sip.rtp_ports} is too few for {count} workers; "
            f"each needs at least {LEAST_PORTS}, and two for every call"
        )
    low = first + index * share
    tls_bind = sip.tls_bind
    if tls_bind is not None:
        tls_host, tls_port = parse_bind(tls_bind)
        if abs(tls_port - port) < count and (host == tls_host or "0.0.0.0" in (host, tls_host)):
            raise ValueError(
                f"sip.tls_bind: {count} workers take the TCP ports {port} to {port + count - 1} and as many "
                f"for TLS from {tls_port} on; choose a port from {port + count} on"
            )
        if tls_port + count - 1 > 65535:
            last_port = tls_port + count - 1
            raise ValueError(f"sip.tls_bind: {count} workers need the ports {tls_port} to {last_port}")
        tls_bind = f"{tls_host}:{tls_port + index}"
    return dataclasses.replace(
        sip,
        bind=f"{host}:{port + index}",
        tls_bind=tls_bind,
        rtp_ports=f"{low}-{low + share - 1}",
        random_rtp_start=True,
        registrations=sip.registrations if index == 0 else (),
    )


class Restarts:
    """When a process that died is started again. Times are of any one clock, in seconds."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._deaths: deque[float] = deque()

    def after_death(self, now: float) -> float | None:
        """Seconds to wait before the next start; None when it is given up."""
        while self._deaths and self._deaths[0] <= now - self._options.restart_window_s:
            self._deaths.popleft()
        self._deaths.append(now)
        if len(self._deaths) > self._options.restart_limit:
            return None
        delay = self._options.restart_backoff_s * 2.0 ** min(len(self._deaths) - 1, 30)
        return min(delay, self._options.restart_backoff_max_s)


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call as its worker reported it; ``began`` is when the report came (the supervisor's clock)."""

    fields: Mapping[str, Any]
    """``call_record.BEGUN``."""
    began: float


class OpenCalls:
    """The calls that one worker has open, from its reports.

    Reports are frames: ``{"op": "began", "key"}`` with the fields ``call_record.BEGUN``,
    ``{"op": "ended", "key"}``, and after reports were dropped ``{"op": "calls", "open": [...]}`` with a
    ``began`` for every call that is open now. The key is the worker's own number of the call.
    """

    def __init__(self) -> None:
        self._calls: dict[int, OpenCall] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def take(self, report: Mapping[str, Any], now: float) -> None:
        """Note one report. Raises KeyError for one that is none."""
        operation = report["op"]
        if operation == "began":
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
        else:
            raise KeyError(operation)

    def _begin(self, report: Mapping[str, Any], now: float) -> None:
        fields = {name: value for name, value in report.items() if name not in ("op", "key")}
        self._calls[int(report["key"])] = OpenCall(fields, now)

    def lost(self, now: float) -> list[dict[str, Any]]:
        """The worker is dead: the fields of a ``call_ended`` line for each open call, in the order in which
        they began. Then there are none."""
        lines = [ended(call.fields, now - call.began, "worker_lost") for call in self._calls.values()]
        self._calls.clear()
        return lines
