"""Text to speech by OpenAI's speech interface, or any server with that interface."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from ivr.speech.base import SpeechError, options_of
from ivr.speech.providers.openai.answered_sound import AnsweredSound, NotSound
from ivr.speech.providers.openai.client import OpenAIClient, OpenAIOptions

_NO_SOUND = frozenset({"application/json", "application/problem+json", "text/html", "text/plain"})
"""Content types that are refused before a byte is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAITtsOptions(OpenAIOptions):
    model: str = "gpt-4o-mini-tts"
    """The server's model for speech."""
    voice: str = "alloy"
    """The voice, as the server names it."""
    instructions: str | None = None
    """Style of speech in words, for models that take it."""
    speed: float | None = None
    """Speed, 0.25 to 4, for models that take it."""
    sample_rate: int = 24_000
    """Hz of the server's ``pcm`` format. OpenAI's is 24,000; a server of one's own may differ."""


class OpenAITts:
    """A TextToSpeech: PCM16 at ``sample_rate``, yielded as it arrives."""

    name = "openai"
    options_type = OpenAITtsOptions

    def __init__(self, **options: Any) -> None:
        """Options are the fields of OpenAITtsOptions. Raises ValueError."""
        self.options = options_of(OpenAITtsOptions, self.name, options)
        self.sample_rate = self.options.sample_rate
        self._http = OpenAIClient(self.name, self.options)

    async def start(self) -> None:
        await self._http.start()

    async def check(self) -> str:
        """Reach the server. Raises SpeechError."""
        return await self._http.check()

    def fingerprint(self) -> str:
        chosen = self.options
        where = chosen.base_url or "openai"
        parts = (where, chosen.model, chosen.voice, chosen.instructions, chosen.speed, chosen.sample_rate)
        return f"openai {parts!r}"

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """See TextToSpeech. Retries happen only before the first sound; a connection that breaks after it
        raises SpeechError when what had arrived has been yielded."""
        if not text.strip():
            return
        async with AsyncExitStack() as stack:

            async def begin() -> tuple[AsyncIterator[bytes], bytes, str]:
                # A failed attempt must not keep its connection until the last one is over.
                async with AsyncExitStack() as attempt:
                    response = await attempt.enter_async_context(self._request(text))
                    kind = str(response.headers.get("content-type", ""))
                    self._check_kind(kind)
                    arriving: AsyncIterator[bytes] = response.iter_bytes()
                    first = await anext(arriving, b"")
                    stack.push_async_exit(attempt.pop_all().__aexit__)
                    return arriving, first, kind

            arriving, piece, kind = await self._http.attempt(begin)
            sound = AnsweredSound(self.sample_rate, kind)
            while piece:
                if whole := self._decoded(partial(sound.take, piece)):
                    yield whole
                try:
                    async with asyncio.timeout(self.options.timeout_s):
                        piece = await anext(arriving, b"")
                except Exception as error:
                    raise self._http.error(error) from None
            if last := self._decoded(sound.end):
                yield last

    def _request(self, text: str) -> Any:
        optional: dict[str, Any] = {}
        if self.options.instructions:
            optional["instructions"] = self.options.instructions
        if self.options.speed is not None:
            optional["speed"] = self.options.speed
        return self._http.client.audio.speech.with_streaming_response.create(
            model=self.options.model,
            voice=self.options.voice,
            input=text,
            response_format="pcm",
            **optional,
        )

    def _check_kind(self, content_type: str) -> None:
        """Refuse an answer that is not sound: it would be played as noise."""
        kind = content_type.split(";")[0].strip().lower()
        if kind in _NO_SOUND:
            raise SpeechError(self.name, f"the server sent {kind} where PCM was asked for")

    def _decoded(self, take: Callable[[], bytes]) -> bytes:
        try:
            return take()
        except NotSound as error:
            raise SpeechError(self.name, f"the server sent {error}") from None

    async def aclose(self) -> None:
        await self._http.aclose()
