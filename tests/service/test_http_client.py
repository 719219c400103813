"""Requests to back ends, against a real server: limits, redirects, hosts, lost connections."""

import gzip
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from ivr.dialplan.runtime.world import HttpFailed, HttpRequest
from ivr.service.world.http_client import HttpClient
from ivr.service.world.options import HttpOptions
from tests.dialplan.backend import Backend, answers, hangs_up


@pytest.fixture
async def server() -> AsyncIterator[Backend]:
    async with Backend() as backend:
        yield backend


async def fetch(server: Backend, path: str = "/", timeout_s: float = 5.0, **options: Any) -> Any:
    client = HttpClient(HttpOptions(base_url=server.url, **options))
    try:
        return await client.send(HttpRequest("GET", path, {"X-A": "é"}, timeout_s=timeout_s))
    finally:
        await client.aclose()


def redirect(to: str) -> Any:
    async def answer(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(to)

    return answer


async def test_what_is_answered(server: Backend) -> None:
    server.answers = [answers({"a": 1}, 418, **{"X-B": "c"})]
    reply = await fetch(server, "/x?y=1")
    assert (reply.status, reply.body, reply.headers["x-b"]) == (418, b'{"a": 1}', "c")
    (asked,) = server.received
    assert asked.path_qs == "/x?y=1" and asked.headers["User-Agent"] == "ivr"


async def test_below_a_base_address_with_a_path(server: Backend) -> None:
    server.answers = [answers({})]
    client = HttpClient(HttpOptions(base_url=f"{server.url}/api/"))
    await client.send(HttpRequest("GET", "/x"))
    await client.aclose()
    assert server.paths == ["GET /api/x"]


async def test_without_a_base_address_the_remedy_is_named() -> None:
    with pytest.raises(HttpFailed, match=r"set http\.base_url in the settings"):
        await HttpClient(HttpOptions()).send(HttpRequest("GET", "/x"))


async def test_the_time_is_for_all_of_it(server: Backend) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        import asyncio

        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    for answer in (drip, answers({}, after_s=5)):
        server.answers = [answer]
        began = time.monotonic()
        with pytest.raises(HttpFailed, match=r"no answer within 0\.5 s") as failed:
            await fetch(server, timeout_s=0.5)
        assert failed.value.event == "timeout" and time.monotonic() - began < 2


async def test_an_answer_without_end_is_not_read(server: Backend) -> None:
    async def bomb(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(bytes(20_000_000)), headers={"Content-Encoding": "gzip"})

    server.answers = [bomb]
    with pytest.raises(HttpFailed, match=r"more than http\.max_body \(1000 bytes\)") as failed:
        await fetch(server, max_body=1000)
    assert failed.value.event == "bad_answer"


async def test_redirects_are_followed_so_often(server: Backend) -> None:
    server.answers = [redirect("/b"), answers({"b": 1})]
    assert (await fetch(server, "/a")).status == 200
    assert server.paths == ["GET /a", "GET /b"]
    server.answers = [redirect("/c")]
    with pytest.raises(HttpFailed, match="redirects without end"):
        await fetch(server, "/c")
    assert (await fetch(server, "/c", max_redirects=0)).status == 302


async def test_only_where_it_may_go(server: Backend) -> None:
    host = server.url.removeprefix("http://")
    server.answers = [answers({})]
    for hosts in ((host,), ("127.0.0.1",)):
        assert (await fetch(server, allowed_hosts=hosts)).status == 200
    asked = len(server.received)
    with pytest.raises(HttpFailed, match=r"127\.0\.0\.1 is not among http\.allowed_hosts"):
        await fetch(server, allowed_hosts=("crm.example.org", "127.0.0.1:1"))
    assert len(server.received) == asked
    server.answers = [redirect(f"http://localhost:{host.split(':')[1]}/secret")]
    with pytest.raises(HttpFailed, match="localhost is not among"):
        await fetch(server, allowed_hosts=(host,))
    assert len(server.received) == asked + 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/pin/4711", "http://no.such.host.invalid/pin/4711", "http://[/4711"]
)
async def test_who_cannot_be_reached(url: str) -> None:
    client = HttpClient(HttpOptions(connect_timeout_s=2.0))
    with pytest.raises(HttpFailed) as failed:
        await client.send(HttpRequest("GET", url))
    assert failed.value.event == "unreachable" and "4711" not in str(failed.value)
    await client.aclose()


async def test_a_lost_connection_and_the_next_request(server: Backend) -> None:
    client = HttpClient(HttpOptions(base_url=server.url))
    server.answers = [hangs_up, answers({})]
    with capture_logs() as logged:
        with pytest.raises(HttpFailed) as failed:
            await client.send(HttpRequest("GET", "/x"))
        assert failed.value.event == "unreachable"
        assert (await client.send(HttpRequest("GET", "/x"))).status == 200
    assert logged == []
    await client.aclose()
