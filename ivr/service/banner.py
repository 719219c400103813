"""The one screen that ``ivr serve`` prints when it is ready."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Sequence

from ivr.dialplan.plan.plan import Plan
from ivr.service.config.settings import Settings
from ivr.sip.options import parse_bind
from ivr.sip.user_agent import AgentInfo


def show(text: str) -> None:
    """Print the screen. Standard output may be a pipe that is full or closed: nobody waits for it."""

    def write() -> None:
        with contextlib.suppress(OSError, ValueError):
            print(text, flush=True)

    threading.Thread(target=write, name="banner", daemon=True).start()


def banner(settings: Settings, plans: Sequence[Plan], info: AgentInfo, workers: int = 1) -> str:
    """Return the screen: addresses to dial and how, engines, calls, logs.

    It is plain text of at most 80 columns, unless a name of the settings (a plan, an engine, a host, a file)
    is longer. Each of the ``workers`` has a port, from that of ``settings`` on; ``info`` is that of each.
    """
    host, port = settings.bind
    ports = range(port, port + workers)
    hosts = [settings.sip.public_address] if settings.sip.public_address else reachable_hosts(host)
    address = f"{hosts[0]}:{port}"
    tls = _tls_addresses(settings, workers)
    tls_ports = "-".join(dict.fromkeys(each.rpartition(":")[2] for each in (tls[:1] + tls[-1:])))
    each_of = f" in each of {workers} workers" if workers > 1 else ""
    sip_ports = f"{ports[0]}-{ports[-1]}" if workers > 1 else f"{port}"
    lines = [
        "",
        "  ready: dial",
        *(f"    sip:{plan.name}@{each}:{own}" for plan in plans for each in hosts for own in ports),
        *(f"    sip:{plan.name}@{own};transport=tls" for plan in plans for own in tls),
        "",
        "  with a softphone (Linphone, Zoiper, MicroSIP): no account is needed, type the",
        "  address as it is here. With baresip:",
        *(f"    {line}" for line in dial_command(f"sip:{plans[0].name}@{address}")),
        "",
        f"  speech      stt {' > '.join(settings.stt.order)}, tts {' > '.join(settings.tts.order)}, "
        f"vad {settings.vad.name} at {settings.vad.threshold}",
        f"  turns       end by {' and '.join((*settings.turn.order, 'silence'))}",
        f"  calls       {info.max_calls} at once{each_of}",
        f"  build       {info.build}: {info.build_max_calls} calls, one to refuse with",
        f"  media       RTP on UDP {settings.sip.rtp_ports}, SIP on UDP and TCP {sip_ports}",
        *([f"  encryption  SIP over TLS on TCP {tls_ports}, SRTP {settings.sip.srtp}"] if tls else []),
        *(f"  account     {each.user} at {each.registrar}" for each in settings.sip.registrations),
        f"  logs        {settings.log.file or 'standard error'} ({settings.log.format})",
        "",
        f"  Ctrl-C: no new calls, up to {settings.sip.drain_s:g} s for running ones; twice: at once",
        "",
    ]
    return "\n".join(lines)


def dial_command(address: str) -> list[str]:
    """Return the lines of a shell command that calls ``address``.

    baresip dials from a user agent, and has none until an account is set up: the first command makes one that
    registers nowhere.
    """
    return ["baresip -e '/uanew sip:me@127.0.0.1;regint=0' \\", f"  -e '/dial {address}'"]


def _tls_addresses(settings: Settings, workers: int) -> list[str]:
    """Return ``host:port`` of each worker's TLS, the most useful address first; empty when there is none."""
    if settings.sip.tls_bind is None:
        return []
    bound, port = parse_bind(settings.sip.tls_bind)
    hosts = [settings.sip.public_address] if settings.sip.public_address else reachable_hosts(bound)
    return [f"{host}:{own}" for host in hosts for own in range(port, port + workers)]


def reachable_hosts(bound: str) -> list[str]:
    """Return the addresses that a phone can dial when the service is bound to ``bound``, the most useful
    first."""
    try:
        if not ipaddress.ip_address(bound).is_unspecified:
            return [bound]
    except ValueError:
        return [bound]
    hosts = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Connecting a datagram socket sends nothing; it makes the system choose our address.
            probe.connect(("192.0.2.1", 9))
            hosts.append(probe.getsockname()[0])
        except OSError:
            pass  # no route: only this machine can dial
    return [*hosts, "127.0.0.1"]
