"""The language model behind a real server: parameters that it refuses, and text that is broken in pieces."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from ivr.dialplan.runtime.language_model import Ask, Message, ModelFailed, Piece, ToolDefinition
from ivr.service.world.language_model import OpenAIModel
from ivr.service.world.options import AgentOptions
from ivr.speech.providers.openai import parameters
from tests.dialplan.backend import Answer, Backend
from tests.dialplan.model_server import reply, tool_call

ASK = Ask(
    (Message("user", "Hello"),), (ToolDefinition("done", "It is over.", {"type": "object"}),), temperature=0.2
)


@pytest.fixture
async def server() -> AsyncIterator[Backend]:
    parameters.forget()
    async with Backend() as backend:
        yield backend


@pytest.fixture
async def model(server: Backend) -> AsyncIterator[OpenAIModel]:
    made = OpenAIModel(
        AgentOptions(base_url=f"{server.url}/v1", api_key="sk-test", model="small", timeout_s=3.0)
    )
    yield made
    await made.aclose()


async def pieces(model: OpenAIModel, ask: Ask = ASK) -> list[Piece]:
    return [piece async for piece in model.reply(ask)]


def strict(server: Backend, *taken: str, body: Any, status: int = 400) -> None:
    """Let the server refuse every optional parameter but those; ``body(name)`` is its answer."""

    async def answer(request: web.Request) -> web.StreamResponse:
        for name in json.loads(await request.text()):
            if name not in ("model", "messages", "stream", *taken):
                return web.json_response(body(name), status=status)
        return await reply("Hi.")(request)

    server.answers = [answer]


def openai_error(name: str) -> dict[str, Any]:
    return {
        "error": {
            "message": f"Unsupported parameter: '{name}' is not supported with this model.",
            "type": "invalid_request_error",
            "param": name,
            "code": "unsupported_parameter",
        }
    }


BODIES: dict[str, tuple[Any, int]] = {
    "OpenAI": (openai_error, 400),
    "FastAPI": (
        lambda name: {"detail": [{"loc": ["body", name], "msg": "Extra inputs are not permitted"}]},
        422,
    ),
    "prose": (lambda name: {"error": {"message": f"{name} is not supported"}}, 400),
    "plain": (lambda name: {"message": f"unknown field `{name}`"}, 400),
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("taken", [(), ("max_tokens",), ("tools", "temperature"), ("max_completion_tokens",)])
async def test_parameters_that_a_server_refuses_are_left_out_and_remembered(
    server: Backend, model: OpenAIModel, kind: str, taken: tuple[str, ...]
) -> None:
    body, status = BODIES[kind]
    strict(server, *taken, body=body, status=status)
    assert "".join(piece.text for piece in await pieces(model)) == "Hi."
    assert 1 < len(server.received) <= 7
    asked = len(server.received)
    assert "".join(piece.text for piece in await pieces(model)) == "Hi."
    assert len(server.received) == asked + 1, "it is remembered"
    assert set(server.json()) == {"model", "messages", "stream", *taken}


async def test_max_completion_tokens_becomes_max_tokens(server: Backend, model: OpenAIModel) -> None:
    def body(name: str) -> dict[str, Any]:
        return {"error": {"message": f"Unrecognized argument: {name}. Use max_tokens instead."}}

    strict(server, "max_tokens", "tools", "temperature", "stream_options", body=body)
    await pieces(model)
    assert len(server.received) == 2 and server.json()["max_tokens"] == 400


async def test_another_model_of_the_server_is_asked_with_everything(
    server: Backend, model: OpenAIModel
) -> None:
    strict(server, body=openai_error)
    await pieces(model)
    before = len(server.received)
    await pieces(model, Ask(ASK.messages, ASK.tools, "large", 0.2))
    assert "temperature" in server.json(before)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "The model `small` does not exist", "code": "model_not_found"},
        {
            "message": "maximum context length is 10, max_completion_tokens 400",
            "code": "context_length_exceeded",
        },
        {"message": "messages: too long", "param": "messages"},
    ],
)
async def test_other_refusals_fail_at_once(
    server: Backend, model: OpenAIModel, error: dict[str, str]
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": error}, status=400)

    server.answers = [answer]
    with pytest.raises(ModelFailed):
        await pieces(model)
    assert len(server.received) == 1


async def test_an_endless_page_of_an_error_is_cut_and_clean(server: Backend, model: OpenAIModel) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(text="<h1>\x1b[31m\r\nbad</h1>" * 10_000, status=403, content_type="text/html")

    server.answers = [answer]
    with pytest.raises(ModelFailed) as caught:
        await pieces(model)
    assert len(str(caught.value)) < 700 and str(caught.value).isprintable()


async def test_a_tools_name_and_arguments_are_valid_text(server: Backend, model: OpenAIModel) -> None:
    hostile: Answer = reply("a", calls=(tool_call("x\x1b[31m\ud83d", '{"a": "\ud83d"}'),))
    server.answers = [hostile]
    call = (await pieces(model))[-1].calls[0]
    assert (call.id + call.name).isprintable() and call.arguments.encode()
