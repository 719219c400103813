"""What an OpenAI-compatible server answers to chat completions: server-sent events, whole and broken."""

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.dialplan.backend import Answer


def tool_call(name: str, arguments: Any = None, *, at: int = 0) -> dict[str, Any]:
    """One that the model wants; ``arguments`` are JSON, or a text as it stands."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {
        "index": at,
        "id": f"call_{name}_{at}",
        "type": "function",
        "function": {"name": name, "arguments": text},
    }


def reply(
    *texts: str,
    calls: tuple[dict[str, Any], ...] = (),
    tokens: int | None = 10,
    before_s: float = 0.0,
    between_s: float = 0.0,
    breaks_after: int | None = None,
    stalls_after: int | None = None,
) -> Answer:
    """``texts`` one after the other, then the tool calls in two pieces each, then what it cost.

    ``breaks_after`` so many texts the connection is lost; ``stalls_after`` nothing more comes.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(before_s)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)

        async def send(delta: dict[str, Any], finish: str | None = None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            await response.write(b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n")

        await send({"role": "assistant", "content": ""})
        for number, text in enumerate(texts):
            if number == breaks_after:
                assert request.transport is not None
                request.transport.abort()
                return response
            if number == stalls_after:
                await asyncio.sleep(30)
            await send({"content": text})
            await asyncio.sleep(between_s)
        for call in calls:
            whole = call["function"]["arguments"]
            half = len(whole) // 2
            await send(
                {"tool_calls": [{**call, "function": {**call["function"], "arguments": whole[:half]}}]}
            )
            more = {"index": call["index"], "function": {"arguments": whole[half:]}}
            await send({"tool_calls": [more]})
        await send({}, "tool_calls" if calls else "stop")
        if tokens is not None:
            usage = {"prompt_tokens": tokens - 1, "completion_tokens": 1, "total_tokens": tokens}
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
            await response.write(b"data: " + json.dumps({**chunk, "usage": usage}).encode() + b"\n\n")
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    return answer


def failure(status: int, message: str = "it hurts") -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": message}}, status=status)

    return answer
