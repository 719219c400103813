"""The language model that ``agent`` talks with: chat completions of any OpenAI-compatible server."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

from ivr.dialplan.runtime.language_model import Ask, Message, ModelFailed, Piece, ToolCall, ToolDefinition
from ivr.service.world.options import AgentOptions
from ivr.speech.base import SpeechError
from ivr.speech.providers.openai.client import OpenAIClient
from ivr.speech.providers.openai.parameters import request_accepted
from ivr.text import clean_text

if TYPE_CHECKING:
    from openai import AsyncStream

MAX_REPLY = 8_000
"""Characters of one reply; what comes after is not waited for."""
MAX_NAME = 200
"""Characters of a tool's name, and of a call's id."""
MAX_CALLS = 8
"""Calls of tools in one reply."""


class OpenAIModel:
    """``LanguageModel`` by the ``openai`` package. One client for all calls of a process."""

    def __init__(self, options: AgentOptions) -> None:
        self._options = options
        self._client = OpenAIClient("agent", options)

    async def reply(self, ask: Ask) -> AsyncIterator[Piece]:
        """See ``LanguageModel``. A request is tried again until its first piece is there, not after."""
        written = 0
        calls: dict[int, list[str]] = {}
        tokens = 0
        try:
            await self._client.start()
            stream = await self._client.attempt(lambda: self._asked(ask))
            async with contextlib.aclosing(_pieces(stream, self._options)) as pieces:
                async for chunk in pieces:
                    tokens = _tokens(chunk) or tokens
                    for choice in chunk.choices[:1]:
                        _gather(choice.delta, calls)
                        text = (choice.delta.content or "")[: MAX_REPLY - written]
                        if text:
                            written += len(text)
                            yield Piece(text)
                    if written >= MAX_REPLY:
                        break
        except SpeechError as error:
            raise ModelFailed(str(error)) from None
        except (GeneratorExit, asyncio.CancelledError):
            raise
        except Exception as error:
            raise ModelFailed(str(self._client.error(error))) from None
        yield Piece(
            calls=tuple(
                ToolCall(parts[0], parts[1], clean_text(parts[2], lines=True))
                for _, parts in sorted(calls.items())
            ),
            tokens=tokens,
        )

    async def _asked(self, ask: Ask) -> "AsyncStream[Any]":
        optional: dict[str, Any] = {
            "stream_options": {"include_usage": True},
            "max_completion_tokens": self._options.max_reply_tokens,
        }
        if ask.tools:
            optional["tools"] = [_tool(tool) for tool in ask.tools]
        if ask.temperature is not None:
            optional["temperature"] = ask.temperature
        model, client = ask.model or self._options.model, self._client.client
        messages = _messages(ask.messages)

        async def send(accepted: dict[str, Any]) -> "AsyncStream[Any]":
            stream: AsyncStream[Any] = await client.chat.completions.create(
                model=model, messages=messages, stream=True, **accepted
            )
            return stream

        return await request_accepted(str(client.base_url), model, optional, send)

    async def aclose(self) -> None:
        await self._client.aclose()


async def _pieces(stream: "AsyncStream[Any]", options: AgentOptions) -> AsyncGenerator[Any, None]:
    """The stream's chunks; closed with it. Raises ModelFailed when one takes too long, and for a stream that
    breaks off before the reply was over.
    """
    finished = False
    limit = options.timeout_s
    try:
        while True:
            try:
                async with asyncio.timeout(limit):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise SpeechError("agent", f"nothing more came within {limit:g} s") from None
            limit = options.gap_s
            finished = finished or any(choice.finish_reason for choice in chunk.choices)
            yield chunk
    finally:
        await stream.close()
    if not finished:
        raise SpeechError("agent", "the reply broke off")


def _messages(messages: Sequence[Message]) -> Any:
    made: list[dict[str, Any]] = []
    for message in messages:
        entry: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.calls:
            entry["content"] = message.content or None
            entry["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in message.calls
            ]
        if message.role == "tool":
            entry["tool_call_id"] = message.call_id
        made.append(entry)
    return made


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _tokens(chunk: Any) -> int:
    return int(chunk.usage.total_tokens) if getattr(chunk, "usage", None) is not None else 0


def _gather(delta: Any, calls: dict[int, list[str]]) -> None:
    """A tool call comes in pieces: first its id and name, then its arguments bit by bit."""
    for piece in delta.tool_calls or ():
        if piece.index not in calls and len(calls) >= MAX_CALLS:
            continue
        parts = calls.setdefault(piece.index, ["", "", ""])
        parts[0] = clean_text(piece.id or "")[:MAX_NAME] or parts[0] or f"call_{piece.index}"
        if piece.function is not None:
            parts[1] = clean_text(piece.function.name or "")[:MAX_NAME] or parts[1]
            if len(parts[2]) < MAX_REPLY:
                parts[2] += piece.function.arguments or ""
