"""Options, client, retries and errors that the two ``openai`` engines share."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from ivr.speech.base import SpeechError, SpeechTimeout
from ivr.text import clean_text

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")

KEY_VARIABLE = "OPENAI_API_KEY"
RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504})
MAX_REASON = 500
"""Characters of a server's own words that are kept."""
BACKOFF_S = 0.25
"""Seconds before the first retry when the server names no time; doubled for each further one."""
_KEY_LIKE = re.compile(r"\b(sk|key)-[^\s,;\"']+")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIOptions:
    """Options for any OpenAI-compatible server."""

    base_url: str | None = None
    """``http://host:port/v1``; when not set, OpenAI's own, or ``OPENAI_BASE_URL`` of the environment."""
    api_key: str | None = field(default=None, repr=False)
    """The key itself. Better: ``api_key_file``, or ``OPENAI_API_KEY`` in the environment."""
    api_key_file: str | None = None
    """A file whose first line is the key."""
    timeout_s: float = 5.0
    """Seconds until the answer (for speech: until its first sound, and between any two pieces of it),
    retries and the waits between them included."""
    retries: int = 2
    """Further attempts after a lost connection, a timeout of the server, 429 or 5xx. A wait that the server
    requests is respected; when it does not fit into ``timeout_s`` the request fails at once."""


class OpenAIClient:
    """A lazily made ``AsyncOpenAI``, and retries within a time limit."""

    def __init__(self, engine: str, options: OpenAIOptions) -> None:
        self.engine, self._options = engine, options
        self._client: AsyncOpenAI | None = None
        self._closed = False
        self._key = ""

    async def start(self) -> None:
        """Make the client; connects to nothing. Raises SpeechError when the server needs a key and there is
        none."""
        if self._closed:
            raise SpeechError(self.engine, "it has been closed")
        if self._client is not None:
            return
        self._key = self.read_key()
        client = await asyncio.to_thread(self._make)  # the import alone takes most of a second
        if self._client is None:
            self._client = client

    def _make(self) -> "AsyncOpenAI":
        from openai import AsyncOpenAI

        timeout = self._options.timeout_s
        # The package's own retries would wait for Retry-After beyond our limit.
        return AsyncOpenAI(api_key=self._key, base_url=self._options.base_url, timeout=timeout, max_retries=0)

    def read_key(self) -> str:
        """Return the API key. Raises SpeechError as ``start`` does."""
        if self._options.api_key:
            return self._options.api_key
        if self._options.api_key_file:
            path = Path(self._options.api_key_file).expanduser()
            try:
                key = path.read_text(encoding="utf-8").split("\n", 1)[0].strip()
            except (OSError, UnicodeDecodeError) as error:
                raise SpeechError(self.engine, f"the API key file cannot be read: {error}") from None
            if not key:
                raise SpeechError(self.engine, f"the API key file {path} is empty")
            return key
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if key:
            return key
        if self._options.base_url or os.environ.get("OPENAI_BASE_URL"):
            return "none"  # a local server often needs no key, and the package insists on one
        raise SpeechError(self.engine, f"no API key: set {KEY_VARIABLE}, or api_key_file in the settings")

    @property
    def client(self) -> "AsyncOpenAI":
        if self._client is None:
            raise SpeechError(
                self.engine, "it has been closed" if self._closed else "it has not been started"
            )
        return self._client

    async def check(self) -> str:
        """Request the server's list of models; returns the address. Raises SpeechError."""

        async def ask() -> None:
            await self.client.models.list()

        await self.attempt(ask)
        return f"reached {self.client.base_url}"

    async def attempt(self, request: Callable[[], Awaitable[_Result]]) -> _Result:
        """Return the result of ``request`` within ``timeout_s``, retries included. Raises SpeechError,
        SpeechTimeout."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.timeout_s
        for turn in range(self._options.retries + 1):
            try:
                async with asyncio.timeout_at(deadline):
                    return await request()
            except Exception as error:
                known = self.error(error)
                wait = _wait_before_retry(error, turn)
                fits = wait is not None and loop.time() + wait < deadline
                if wait is None or not fits or turn == self._options.retries:
                    raise known from None
                _log.info("speech_retry", engine=self.engine, reason=str(known), wait_s=round(wait, 2))
                await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    def error(self, error: Exception) -> SpeechError:
        """Return any exception as a SpeechError, without the key. The server's own words are kept."""
        if isinstance(error, SpeechError):
            return error
        import openai

        if isinstance(error, TimeoutError | openai.APITimeoutError) or "Timeout" in type(error).__name__:
            return SpeechTimeout(self.engine, f"no answer within {self._options.timeout_s:g} s")
        cause: BaseException = error
        if isinstance(error, openai.APIConnectionError) and error.__cause__ is not None:
            cause = error.__cause__
        text = f"{type(cause).__name__}: {cause}"
        if isinstance(error, openai.APIStatusError):
            text = f"HTTP {error.status_code}: {error.message}"
        if self._key and self._key != "none":
            text = text.replace(self._key, "[key]")
        # A server's page of an error may be long, and anything.
        return SpeechError(self.engine, clean_text(_KEY_LIKE.sub("[key]", text[:MAX_REASON])))

    async def aclose(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _wait_before_retry(error: Exception, turn: int) -> float | None:
    """Return the seconds to wait before a retry, None when a retry is of no use."""
    import openai

    own = BACKOFF_S * 2.0**turn
    if isinstance(error, openai.APIStatusError):
        if error.status_code not in RETRIED:
            return None
        asked = _retry_after(error.response.headers)
        return own if asked is None else asked
    if isinstance(error, openai.APITimeoutError):
        return None
    return own if isinstance(error, openai.APIConnectionError) else None


def _retry_after(headers: Any) -> float | None:
    """Return Retry-After (RFC 9110, 10.2.3) in seconds; also the millisecond form that some servers add."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
