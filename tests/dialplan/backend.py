"""A back end on loopback: a real HTTP server that answers as the test says, and keeps what it was asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Backend:
    """``async with Backend() as backend``. ``answers`` are used up one by one; the last goes on for ever."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.received: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.asked = asyncio.Event()
        """Something was asked."""
        self.url = ""

    async def __aenter__(self) -> "Backend":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        # What a caller cut off is not waited for.
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.path_qs}" for request in self.received]

    def json(self, at: int = -1) -> Any:
        return json.loads(self.bodies[at])

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append(request)
        self.bodies.append(await request.read())
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


def answers(body: Any = None, status: int = 200, after_s: float = 0.0, **headers: str) -> Answer:
    """JSON; with ``after_s`` seconds of silence before it."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(after_s)
        return web.json_response(body, status=status, headers=headers)

    return answer


def text(body: str, kind: str = "text/plain", status: int = 200) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=body, content_type=kind, status=status)

    return answer


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """The connection is lost before there is an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
