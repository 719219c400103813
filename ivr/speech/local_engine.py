"""A local engine: requests to its process, whose errors become those of the speech room."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any

from ivr.process.host_client import request_client
from ivr.process.requests import (
    ProcessAway,
    ProcessLost,
    ProcessOptions,
    QueueFull,
    RequestFailed,
    RequestTimeout,
)
from ivr.speech.base import SpeechBusy, SpeechError, SpeechLost, SpeechTimeout


class LocalEngine:
    """An engine that runs in a process of its own, or in a host's when ``options.host`` names one.

    ``target`` is ``"package.module:Class"`` and names what runs there (``ivr.process.request_server``).
    """

    def __init__(self, name: str, target: str, arguments: Mapping[str, Any], options: ProcessOptions) -> None:
        self.requests = request_client(name, target, arguments, options)

    @property
    def pid(self) -> int | None:
        """The engine's process, while there is one."""
        return self.requests.pid

    async def start(self) -> None:
        """Start the process and wait until its model is loaded. Idempotent. Raises SpeechError."""
        with _speech_errors():
            await self.requests.start()

    async def run(
        self, request: Mapping[str, Any], payload: bytes = b""
    ) -> AsyncGenerator[bytes | dict[str, Any], None]:
        """Yield the pieces of a request as they come, then its result. Closing abandons it. Raises
        SpeechError and its kinds."""
        with _speech_errors():
            async with aclosing(self.requests.run(request, payload)) as items:
                async for item in items:
                    yield item

    async def call(
        self, request: Mapping[str, Any], payload: bytes = b"", *, within_s: float | None = None
    ) -> dict[str, Any]:
        """Return the result of a request, within ``within_s`` seconds. Raises SpeechError and its kinds."""
        with _speech_errors():
            return await self.requests.call(request, payload, within_s=within_s)

    async def aclose(self) -> None:
        """End the process. Idempotent."""
        await self.requests.aclose()


@contextmanager
def _speech_errors() -> Iterator[None]:
    try:
        yield
    except QueueFull as error:
        raise SpeechBusy(error.process, error.reason) from error
    except RequestTimeout as error:
        raise SpeechTimeout(error.process, error.reason) from error
    except ProcessLost as error:
        sent = not isinstance(error, ProcessAway)
        raise SpeechLost(error.process, error.reason, sent=sent) from error
    except RequestFailed as error:
        raise SpeechError(error.process, error.reason) from error
