"""Speech to text by OpenAI's transcription interface, or any server with that interface."""

import math
from dataclasses import dataclass
from typing import Any

from ivr.audio.wav import encode_wav
from ivr.speech.base import SpeechError, Transcript, options_of
from ivr.speech.providers.openai.client import OpenAIClient, OpenAIOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISttOptions(OpenAIOptions):
    model: str = "gpt-transcribe"
    """The server's model for transcription."""
    language: str | None = "en"
    """ISO 639-1 code; empty lets the model detect it, which fails for short words."""
    prompt: str | None = None
    """Words to expect, as the model's documentation describes it."""
    stream: bool | None = None
    """Receive the text as it is recognised; when not set, it streams for the gpt models and not for whisper-1
    and others, which cannot."""


class OpenAIStt:
    """A SpeechToText. One request a turn, the sound as a WAV file of PCM16 at the rate given."""

    name = "openai"
    options_type = OpenAISttOptions

    def __init__(self, **options: Any) -> None:
        """Options are the fields of OpenAISttOptions. Raises ValueError."""
        self.options = options_of(OpenAISttOptions, self.name, options)
        self._http = OpenAIClient(self.name, self.options)
        gpt = self.options.model.startswith("gpt-")
        self._streamed = gpt if self.options.stream is None else self.options.stream
        # The only models with a probability of each token.
        self._logprobs = self.options.model.startswith(("gpt-4o-transcribe", "gpt-4o-mini-transcribe"))
        self._logprobs = self._logprobs and "diarize" not in self.options.model

    async def start(self) -> None:
        await self._http.start()

    async def check(self) -> str:
        """Reach the server. Raises SpeechError."""
        return await self._http.check()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        """See SpeechToText. A model without confidences has 1.0 for any text."""
        if len(pcm16) % 2 or sample_rate <= 0:
            raise SpeechError(self.name, f"not PCM16: {len(pcm16)} bytes at {sample_rate} Hz")
        request = self._request(encode_wav(pcm16, sample_rate))
        send = self._request_stream if self._streamed else self._request_whole
        text, confidence = await self._http.attempt(lambda: send(request))
        text = text.strip()
        return Transcript(text, confidence if text else 0.0, self.name)

    def _request(self, wav: bytes) -> dict[str, Any]:
        request: dict[str, Any] = {"file": ("turn.wav", wav, "audio/wav"), "model": self.options.model}
        if self.options.language:
            request["language"] = self.options.language
        if self.options.prompt:
            request["prompt"] = self.options.prompt
        if self._logprobs:
            request["include"] = ["logprobs"]
        # whisper-1 has its likelihood in the segments only.
        request["response_format"] = "verbose_json" if self.options.model == "whisper-1" else "json"
        return request

    async def _request_whole(self, request: dict[str, Any]) -> tuple[str, float]:
        answer = await self._http.client.audio.transcriptions.create(**request)
        text = getattr(answer, "text", None)
        if not isinstance(text, str):
            raise SpeechError(self.name, "the server's answer has no text")
        segments = getattr(answer, "segments", None)
        if segments:
            likely = math.exp(min(0.0, _mean([segment.avg_logprob for segment in segments])))
            return text, likely * (1.0 - max(segment.no_speech_prob for segment in segments))
        return text, _confidence(getattr(answer, "logprobs", None))

    async def _request_stream(self, request: dict[str, Any]) -> tuple[str, float]:
        events = await self._http.client.audio.transcriptions.create(stream=True, **request)
        deltas: list[str] = []
        try:
            async for event in events:
                if event.type == "transcript.text.delta":
                    deltas.append(event.delta)
                elif event.type == "transcript.text.done":
                    return event.text, _confidence(event.logprobs)
        finally:
            await events.close()
        # The text so far may lack a "not": it is no transcript.
        reason = f"the stream ended before the transcript did, after {len(deltas)} pieces"
        raise SpeechError(self.name, reason)

    async def aclose(self) -> None:
        await self._http.aclose()


def _confidence(logprobs: Any) -> float:
    values = [item.logprob for item in logprobs or () if item.logprob is not None]
    return math.exp(min(0.0, _mean(values))) if values else 1.0


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
