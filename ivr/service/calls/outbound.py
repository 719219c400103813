"""``ivr call``: place one call, run a plan when it is answered."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from ivr.errors import IvrError
from ivr.service.calls.call import CallEnd
from ivr.service.config.settings import Settings
from ivr.service.ports import bind_error, listeners
from ivr.service.server import Server, serve
from ivr.sip.errors import SipError
from ivr.sip.pjsip.tls import build_security
from ivr.sip.routing import dial_uri, route
from ivr.sip.security.check import check_bind, check_call, check_reach

log: Any = structlog.get_logger("ivr.outbound")

_PORTS_TRIED = 50
_WORDS = {
    "busy": "busy",
    "noanswer": "no answer",
    "refused": "refused",
    "failed": "the call failed",
    "error": "the plan failed, see the log",
    "full": "no line is free",
    "shutdown": "interrupted",
}


class CallError(IvrError):
    """The call cannot be tried; one line that says why and what to do."""


def call(
    settings: Settings,
    plan: Path,
    to: str,
    *,
    account: str | None = None,
    caller: str | None = None,
    out: Callable[[str], None],
) -> int:
    """One line to ``out`` and the exit code: 0 when the conversation took place, 1 when not, 130 when it was
    interrupted. Raises CallError, and what ``serve`` raises.
    """
    try:
        where = route(to, settings.sip.registrations, account)
        if caller is not None:
            dial_uri(caller, where.domain)
        build = build_security()
        check_bind(settings.sip, build)
        check_reach(settings.sip, where.uri)
        check_call(settings.sip, build, where.uri, where.transport)
    except (ValueError, SipError) as error:
        raise CallError(str(error)) from error
    ends: list[CallEnd] = []

    async def place(server: Server) -> None:
        ends.append(await server.dial(to, account=account, caller=caller))

    try:
        code = serve(_free(settings), (plan,), place)
    except asyncio.CancelledError:
        code = 130
    if not ends:
        out(f"{where.uri}: not dialled")
        return code or 130
    end = ends[0]
    out(f"{where.uri}: {_reported(end)}")
    if end.reason == "shutdown":
        return 130
    return 0 if end.answered and end.reason not in _WORDS else 1


def _reported(end: CallEnd) -> str:
    if end.answered and end.reason not in _WORDS:
        return f"answered; ended by {end.reason}"
    words = _WORDS.get(end.reason, end.reason)
    # 487 is what our own CANCEL was answered with.
    return f"{words} ({end.status} {end.phrase})" if end.status not in (0, 487) else words


def _free(settings: Settings) -> Settings:
    """Settings without the TLS listener, for nobody calls us; and with another port where a service runs on
    its own already: one call needs no particular one, unless a trunk knows us by it.
    """
    sip = dataclasses.replace(settings.sip, tls_bind=None)
    settings = dataclasses.replace(settings, sip=sip)
    host, port = settings.bind

    def taken(port: int) -> bool:
        return any(bind_error(host, port, kind) is not None for _, _, kind, _ in listeners(sip))

    if not taken(port):
        return settings
    others = range(port + 1, min(port + _PORTS_TRIED, 65535))
    free = next((other for other in others if not taken(other)), None)
    if free is None:
        return settings  # the server says what is wrong
    log.info("port_changed", requested=port, used=free)
    return dataclasses.replace(settings, sip=dataclasses.replace(sip, bind=f"{host}:{free}"))
