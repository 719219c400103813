"""Text to speech by OpenAI's speech interface, or any server with that interface."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from ivr.speech.base import SpeechError, options_of
from ivr.speech.providers.openai.client import OpenAIClient, OpenAIOptions

PCM_HEADER = 44
"""Bytes of the plainest WAV header."""


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

            async def begin() -> tuple[AsyncIterator[bytes], bytes]:
                # A failed attempt must not keep its connection until the last one is over.
                async with AsyncExitStack() as attempt:
                    response = await attempt.enter_async_context(self._request(text))
                    self._check_kind(str(response.headers.get("content-type", "")))
                    arriving: AsyncIterator[bytes] = response.iter_bytes()
                    first = await anext(arriving, b"")
                    stack.push_async_exit(attempt.pop_all().__aexit__)
                    return arriving, first

            arriving, piece = await self._http.attempt(begin)
            samples = _Samples(self)
            while piece:
                if whole := samples.take(piece):
                    yield whole
                try:
                    async with asyncio.timeout(self.options.timeout_s):
                        piece = await anext(arriving, b"")
                except Exception as error:
                    raise self._http.error(error) from None
            samples.end()

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
        if kind in ("application/json", "text/html", "text/plain", "audio/mpeg", "audio/ogg", "audio/opus"):
            raise SpeechError(self.name, f"the server sent {kind} where PCM was asked for")

    async def aclose(self) -> None:
        await self._http.aclose()


class _Samples:
    """Whole samples from pieces of any length; a WAV header that was not asked for is taken off."""

    def __init__(self, tts: OpenAITts) -> None:
        self._tts = tts
        self._rest = b""
        self._begun = False
        self._empty = True

    def take(self, piece: bytes) -> bytes:
        data = self._rest + piece
        if not self._begun:
            if b"RIFF".startswith(data[:4]) and len(data) < PCM_HEADER:
                self._rest = data
                return b""
            self._begun = True
            if data[:4] == b"RIFF":
                data = data[self._header(data) :]
        whole = len(data) - len(data) % 2
        self._rest = data[whole:]
        self._empty = self._empty and not whole
        return data[:whole]

    def _header(self, data: bytes) -> int:
        rate = int.from_bytes(data[24:28], "little")
        form = (data[8:16], data[20:24], data[34:36])
        if form != (b"WAVEfmt ", b"\x01\x00\x01\x00", b"\x10\x00") or data[36:40] != b"data":
            raise SpeechError(self._tts.name, "the server sent a WAV file that is not plain PCM16 mono")
        if rate != self._tts.sample_rate:
            raise SpeechError(
                self._tts.name,
                f"the server's sound has {rate} Hz; set sample_rate to that (it is {self._tts.sample_rate})",
            )
        return PCM_HEADER

    def end(self) -> None:
        if self._empty:
            raise SpeechError(self._tts.name, "the server sent no sound")
