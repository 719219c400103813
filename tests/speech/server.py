"""A server with OpenAI's two audio interfaces, on loopback, that answers as each test sets it."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request, "Received"], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    """One request as it came over the wire."""

    path: str
    authorization: str
    at: float
    """The loop's clock."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields of a form (lists for names with brackets), or the JSON object."""
    file: bytes = b""
    file_name: str = ""
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)
    """The client closed the connection while it was being answered."""


class SpeechServer:
    """``answers`` are used one a request, the last one for all that follow."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.received: list[Received] = []
        self.url = ""
        self._asked = asyncio.Event()

    async def asked(self) -> None:
        """Wait until a request has come."""
        await asyncio.wait_for(self._asked.wait(), 5)

    async def __aenter__(self) -> "SpeechServer":
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/v1/{what:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = "http://{}:{}/v1".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        got = Received(request.path, request.headers.get("Authorization", ""), loop.time())
        if request.content_type.startswith("multipart/"):
            async for part in await request.multipart():
                assert part.name is not None  # type: ignore[union-attr]
                if part.name == "file":  # type: ignore[union-attr]
                    got.file, got.file_name = bytes(await part.read()), part.filename or ""  # type: ignore[union-attr, arg-type]
                elif part.name.endswith("[]"):  # type: ignore[union-attr]
                    got.fields.setdefault(part.name[:-2], []).append(await part.text())  # type: ignore[union-attr]
                else:
                    got.fields[part.name] = await part.text()  # type: ignore[union-attr, index]
        elif request.can_read_body:
            got.fields = await request.json()
        self.received.append(got)
        self._asked.set()
        answer = self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        try:
            return await answer(request, got)
        except (asyncio.CancelledError, ConnectionError):
            got.disconnected.set()
            raise


def error(status: int, message: str = "it went wrong", **headers: str) -> Answer:
    async def answer(request: web.Request, got: Received) -> web.StreamResponse:
        body = {"error": {"message": message, "type": "test", "code": None, "param": None}}
        return web.json_response(
            body, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    return answer


def json_body(body: dict[str, Any]) -> Answer:
    async def answer(request: web.Request, got: Received) -> web.StreamResponse:
        return web.json_response(body)

    return answer


def events(*items: dict[str, Any], cut: bool = False, pause_s: float = 0.0) -> Answer:
    """Server-sent events; ``cut`` drops the connection after them."""

    async def answer(request: web.Request, got: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for item in items:
            await response.write(f"event: {item['type']}\ndata: {json.dumps(item)}\n\n".encode())
            await asyncio.sleep(pause_s)
        if cut:
            _cut(request)
        await response.write_eof()
        return response

    return answer


def sound(
    pcm: bytes,
    *,
    sizes: tuple[int, ...] = (4096,),
    cut: bool = False,
    pause_s: float = 0.0,
    kind: str = "audio/pcm",
) -> Answer:
    """Bytes in chunks of the ``sizes``, over and over; ``cut`` drops the connection after them."""

    async def answer(request: web.Request, got: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        response.enable_chunked_encoding()
        await response.prepare(request)
        at, turn = 0, 0
        while at < len(pcm):
            size = sizes[turn % len(sizes)]
            await response.write(pcm[at : at + size])
            at, turn = at + size, turn + 1
            await asyncio.sleep(pause_s)
        if cut:
            _cut(request)
            return response
        await response.write_eof()
        return response

    return answer


def silence(seconds: float) -> Answer:
    """Nothing at all, then an error nobody should be there to see."""

    async def answer(request: web.Request, got: Received) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return web.Response(status=500)

    return answer


def cut_at_once() -> Answer:
    async def answer(request: web.Request, got: Received) -> web.StreamResponse:
        _cut(request)
        return web.Response()

    return answer


def _cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()
