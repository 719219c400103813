"""Requests to back ends, by httpx: ``Http`` of the plans' world."""

import asyncio
from typing import TYPE_CHECKING

from ivr.dialplan.runtime.world import HttpFailed, HttpReply, HttpRequest
from ivr.service.world.options import HttpOptions
from ivr.text import clean_text, header_text

if TYPE_CHECKING:
    import httpx


MAX_HEADER = 8_000
"""Characters of one header that are sent."""


class HttpClient:
    """One pool of connections for all calls of a process. On one loop."""

    def __init__(self, options: HttpOptions) -> None:
        self._options = options
        self._client: httpx.AsyncClient | None = None

    async def send(self, request: HttpRequest) -> HttpReply:
        """See ``Http``. No message of a failure has the address in it: its values may be sensitive."""
        import httpx

        url = self._whole(request.url)
        try:
            async with asyncio.timeout(request.timeout_s):
                client = await self._opened()
                async with client.stream(
                    request.method,
                    url,
                    headers=[
                        (name.encode(), header_text(value, MAX_HEADER).encode())
                        for name, value in request.headers.items()
                    ],
                    content=request.body,
                ) as response:
                    body = await self._body(response)
                    return HttpReply(response.status_code, body, dict(response.headers))
        except TimeoutError:
            raise HttpFailed("timeout", f"no answer within {request.timeout_s:g} s") from None
        except httpx.ConnectTimeout:
            raise HttpFailed("unreachable", "the host does not answer") from None
        except httpx.TimeoutException:
            raise HttpFailed("timeout", f"no answer within {request.timeout_s:g} s") from None
        except httpx.TooManyRedirects:
            raise HttpFailed("unreachable", "it redirects without end") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise HttpFailed("unreachable", "the address is none of http or https") from None
        except (httpx.HTTPError, OSError) as error:
            raise HttpFailed(
                "unreachable", f"{type(error).__name__}: {clean_text(str(error))[:300]}"
            ) from None

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _opened(self) -> "httpx.AsyncClient":
        if self._client is None:
            made = await asyncio.to_thread(self._made)  # certificates are read from disk
            if self._client is None:
                self._client = made
        return self._client

    def _made(self) -> "httpx.AsyncClient":
        import ssl

        import httpx

        options = self._options
        return httpx.AsyncClient(
            # The request's own time limit holds for all of it.
            timeout=httpx.Timeout(None, connect=options.connect_timeout_s),
            limits=httpx.Limits(max_connections=options.max_connections),
            follow_redirects=options.max_redirects > 0,
            max_redirects=options.max_redirects or 1,
            verify=ssl.create_default_context(cafile=options.ca_file) if options.ca_file else True,
            event_hooks={"request": [self._allowed]},
            headers={"User-Agent": "ivr"},
        )

    def _whole(self, url: str) -> str:
        if not url.startswith("/"):
            return url
        if self._options.base_url is None:
            raise HttpFailed("unreachable", "the address has no host: set http.base_url in the settings")
        return self._options.base_url.rstrip("/") + url

    async def _allowed(self, request: "httpx.Request") -> None:
        """Check a request before it is sent, those of redirects included."""
        hosts = self._options.allowed_hosts
        host, port = request.url.host, request.url.port or {"https": 443}.get(request.url.scheme, 80)
        if hosts and host not in hosts and f"{host}:{port}" not in hosts:
            raise HttpFailed("unreachable", f"{host} is not among http.allowed_hosts of the settings")

    async def _body(self, response: "httpx.Response") -> bytes:
        """Return the body, decompressed. Raises HttpFailed when it is too long."""
        parts: list[bytes] = []
        size = 0
        async for part in response.aiter_bytes():
            size += len(part)
            if size > self._options.max_body:
                raise HttpFailed("bad_answer", f"more than http.max_body ({self._options.max_body} bytes)")
            parts.append(part)
        return b"".join(parts)
