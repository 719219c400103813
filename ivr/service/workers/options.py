"""Options of ``ivr serve --workers``, and each worker's share of the ports."""

import dataclasses
from dataclasses import dataclass

from ivr.sip.options import SipOptions, parse_bind, parse_ports

MIN_RTP_PORTS = 4
"""Smallest number of RTP ports of a worker: one call, and one to refuse with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """Options of ``ivr serve --workers``."""

    count: int = 0
    """Worker processes; 0 is one process without a supervisor."""
    restart_backoff_s: float = 0.5
    """Seconds before a worker that died is started again; doubled for each death in ``restart_window_s``."""
    restart_backoff_max_s: float = 30.0
    """Longest pause before a restart, in seconds."""
    restart_limit: int = 10
    """Restarts of one worker within ``restart_window_s``; with one more death it is given up. 0 never starts
    one again."""
    restart_window_s: float = 600.0
    """Seconds for which a death counts."""
    kill_after_s: float = 10.0
    """Seconds beyond ``sip.drain_s`` after which a worker that has not ended is killed."""


def worker_sip_options(sip: SipOptions, index: int, count: int) -> SipOptions:
    """Return the SIP options of worker ``index`` (from 0) of ``count``.

    Its SIP port is the base port + index, likewise its TLS port; its RTP ports are the index-th of equal
    slices. Only the first worker registers: a registrar would ring every contact it knows. Raises
    ValueError when there are too few ports.
    """
    host, port = parse_bind(sip.bind)
    if port + count - 1 > 65535:
        raise ValueError(f"sip.bind: {count} workers need the ports {port} to {port + count - 1}")
    first, last = parse_ports(sip.rtp_ports)
    first += first % 2  # RTP has the even port of a pair
    share = (last - first + 1) // count // 2 * 2
    if share < MIN_RTP_PORTS:
        raise ValueError(
            f"sip.rtp_ports: {sip.rtp_ports} is too few for {count} workers; "
            f"each needs at least {MIN_RTP_PORTS}, and two for every call"
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
