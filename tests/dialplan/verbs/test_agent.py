"""agent: conversations with a scripted model behind a real server, through the real client."""

import asyncio
import contextlib
import json
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan import Plan, PlanError, TransferResult, load_plan
from ivr.dialplan.plan.plan import APOLOGY
from ivr.dialplan.runtime.world import World
from ivr.dialplan.verbs.agent.tools import BadArguments, Param, Tool
from ivr.dialplan.verbs.agent.verb import Agent
from ivr.dialplan.verbs.python import Python
from ivr.dialplan.verbs.request import Request
from ivr.grammar.languages import registry
from ivr.service.world.http_client import HttpClient
from ivr.service.world.language_model import OpenAIModel
from ivr.service.world.options import AgentOptions, HttpOptions
from tests.dialplan import plans
from tests.dialplan.backend import Backend, answers
from tests.dialplan.model_server import failure, reply, tool_call
from tests.dialplan.phone import Phone
from tests.grammar import esperanto

KEY = "sk-test-0123456789abcdef"


@pytest.fixture
async def server() -> AsyncIterator[Backend]:
    async with Backend() as backend:
        yield backend


@pytest.fixture
async def world(server: Backend) -> AsyncIterator[World]:
    options = AgentOptions(
        base_url=f"{server.url}/v1", api_key=KEY, model="small", timeout_s=2.0, gap_s=0.5, retries=1
    )
    model, http = OpenAIModel(options), HttpClient(HttpOptions(base_url=server.url))
    yield World(model=model, http=http)
    await model.aclose()
    await http.aclose()


def plan(folder: Path, fields: str, *more: str) -> Plan:
    lines = "".join(f"    {line}\n" for line in fields.strip("\n").splitlines())
    steps = "".join(
        f"{name}:\n  - hangup: {name}\n"
        for name in ["over", "quiet", "turns", "time", "cost", "down", "sales"]
    )
    first = "a:\n  - agent:\n      instructions: You are a test of {{ call.id }}.\n"
    return plans.plan(
        folder,
        first
        + "".join(f"  {line}" for line in lines.splitlines(keepends=True))
        + "  - hangup: next\n"
        + steps
        + "".join(more),
    )


def roles(server: Backend, at: int = -1) -> list[str]:
    return [message["role"] for message in server.json(at)["messages"]]


async def test_a_conversation(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [
        reply("We are open ", "from nine. ", "Any", "thing else?"),
        reply("Goodbye.", calls=(tool_call("done"),)),
    ]
    made = plan(tmp_path, "greeting: Hello there.\non: {done: over}\ntemperature: 0.5")
    async with Phone(made, world=world) as phone:
        await phone.hears("Hello there.")
        await phone.silence(0.5)
        await phone.says("when are you open")
        await phone.hears("We are open from nine.")  # sentence by sentence
        await phone.hears("Anything else?")
        await phone.silence(0.5)
        await phone.says("no thanks")
        await phone.hears("Goodbye.")
        assert await phone.ends() == "over"
        (ended,) = phone.logged("agent_ended")
        assert (ended["how"], ended["turns"], ended["tokens"]) == ("done", 2, 20)
    asked = server.json(0)
    assert asked["model"] == "small" and asked["stream"] is True and asked["temperature"] == 0.5
    assert [tool["function"]["name"] for tool in asked["tools"]] == ["done"]
    assert asked["messages"][0]["content"].endswith("The language is: en.\n\nYou are a test of phone.")
    assert server.json()["messages"][1:] == [
        {"role": "assistant", "content": "Hello there."},
        {"role": "user", "content": "when are you open"},
        {"role": "assistant", "content": "We are open from nine. Anything else?"},
        {"role": "user", "content": "no thanks"},
    ]


async def test_what_the_caller_cut_off_was_not_said(tmp_path: Path, server: Backend, world: World) -> None:
    words = [f"word{n} " for n in range(60)]
    server.answers = [reply(*words, calls=(tool_call("sales"),)), reply("Good.", calls=(tool_call("done"),))]
    made = plan(tmp_path, "tools: {sales: {description: Sales, goto: sales}}\non: {done: over}")
    async with Phone(made, world=world) as phone:
        await phone.says("tell me a story")
        await phone.hears("".join(words).strip())
        await phone.silence(0.8)
        await phone.says("stop")
        await phone.hears("Good.")
        assert await phone.ends() == "over"
        assert phone.logged("agent_replied")[0]["interrupted"] is True
    history = server.json()["messages"]
    assert [message["role"] for message in history] == ["system", "user", "assistant", "user"]
    heard = history[2]["content"].split()
    assert 5 < len(heard) < 30 and heard == [word.strip() for word in words[: len(heard)]]
    assert "tool_calls" not in history[2]  # what it wanted after that was not done


async def test_a_tool_asks_a_back_end_and_the_model_gets_the_answer(
    tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [
        reply("One moment.", calls=(tool_call("balance", {"account": "12 34"}),)),
        answers({"balance": 7}),
        reply("You have seven.", calls=(tool_call("done"),)),
    ]
    fields = """
tools:
  balance:
    description: The balance of an account.
    params: {account: {description: the account number, type: digits}}
    request: {url: "/accounts/{{ account }}", into: {balance: body.balance}}
"""
    made = plan(tmp_path, fields)
    async with Phone(made, world=world) as phone:
        await phone.says("what do i have")
        await phone.hears("One moment.")
        await phone.hears("You have seven.")
        assert await phone.ends() == "next"
    assert server.paths == ["POST /v1/chat/completions", "GET /accounts/1234", "POST /v1/chat/completions"]
    (offer, _done) = server.json(0)["tools"]
    assert offer["function"]["parameters"]["properties"]["account"]["pattern"] == "^[0-9]+$"
    assert server.json()["messages"][2:] == [
        {
            "role": "assistant",
            "content": "One moment.",
            "tool_calls": [
                {
                    "id": "call_balance_0",
                    "type": "function",
                    "function": {"name": "balance", "arguments": '{"account": "12 34"}'},
                }
            ],
        },
        {"role": "tool", "content": '{"balance": 7}', "tool_call_id": "call_balance_0"},
    ]


async def test_a_tool_leads_to_a_step_with_what_the_model_found(
    tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [reply(calls=(tool_call("book", {"day": "2026-12-24", "people": 3, "window": True}),))]
    fields = """
tools:
  book:
    description: Book a table.
    params:
      day: {description: the day, type: date}
      people: {description: how many, type: integer}
      window: {description: at the window, type: yes_no, required: false}
      note: {description: what else, required: false}
    goto: booked
"""
    booked = 'booked:\n  - hangup: "{{ day.weekday() }} {{ people + 1 }} {{ window }} {{ note }}"\n'
    made = plan(tmp_path, fields, booked)
    assert set(made.steps["a"].verbs[0].verb.sets()) == {"day", "people", "window", "note"}
    async with Phone(made, world=world) as phone:
        await phone.says("a table please")
        assert await phone.ends() == "3 4 True None"


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("nothing", "{}", "there is no tool 'nothing'"),
        ("book", "{not json", "the arguments are not JSON"),
        ("book", "[1]", "the arguments are no object"),
        ("book", '{"x": 1}', "there is no parameter 'x'"),
        ("book", "", "day is missing: ask the caller"),
        ("book", '{"day": "tomorrow"}', "day must be a date written as YYYY-MM-DD"),
        ("book", "[" * 5000, "the arguments are not JSON"),
    ],
)
async def test_a_model_that_errs_is_reported_so(
    tool: str, arguments: str, message: str, tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [reply(calls=(tool_call(tool, arguments),)), reply(calls=(tool_call("done"),))]
    fields = """
tools:
  book: {description: Book., params: {day: {description: the day, type: date}}, goto: sales}
"""
    async with Phone(plan(tmp_path, fields), world=world) as phone:
        await phone.says("a table please")
        assert await phone.ends() == "next"
    assert server.json()["messages"][-1]["content"] == f"error: {message}"


async def test_transfer_hangup_and_a_function(tmp_path: Path, server: Backend, world: World) -> None:
    (tmp_path / "own.py").write_text(
        "async def double(call, n):\n    return n * 2\n\nasync def fails(call):\n    raise ValueError('no')\n"
    )
    fields = """
tools:
  desk: {description: The desk., transfer: "100"}
  double: {description: Double., params: {n: {description: a number, type: number}},
           python: {function: own.py:double, with: {n: n}}}
  fails: {description: Fails., python: own.py:fails}
  bye: {description: End., hangup: }
"""
    server.answers = [
        reply(calls=(tool_call("double", {"n": 2.5}), tool_call("fails", at=1))),
        reply(calls=(tool_call("desk"),)),
        reply("Sorry.", calls=(tool_call("bye"),)),
    ]
    made = plan(tmp_path, fields)
    assert made.steps["a"].verbs[0].verb.may_end()
    async with Phone(made, world=world) as phone:
        phone.call.reached["100"] = TransferResult("busy", 486, "Busy Here")
        await phone.says("the desk please")
        assert await phone.ends() == "hangup"
        assert phone.tts.spoken == ["Sorry, that line is busy.", "Sorry."]
    reported = [message["content"] for message in server.json()["messages"] if message["role"] == "tool"]
    assert reported == [
        '{"result": 5.0}',
        "error: own.py:fails: ValueError: no (own.py:5)",
        "nobody could be reached there, and the caller knows it",
    ]
    server.answers = [reply("I connect you.", calls=(tool_call("desk"),))]
    async with Phone(made, world=world) as phone:
        await phone.says("the desk please")
        assert await phone.ends() == "transferred"


async def test_a_tool_asks_the_caller_for_a_choice(tmp_path: Path, server: Backend, world: World) -> None:
    fields = """
tools:
  sure:
    description: Ask whether they are sure.
    gather:
      prompt: Are you sure?
      choices: {"yes": {say: ["yes"], press: 1, goto: sales}, "no": {say: ["no"], press: 2}}
"""
    server.answers = [reply(calls=(tool_call("sure"),)), reply(calls=(tool_call("sure"),))]
    async with Phone(plan(tmp_path, fields), world=world) as phone:
        await phone.says("cancel it all")
        await phone.hears("Are you sure?")
        await phone.presses("2")
        await phone.hears("Are you sure?")
        await phone.presses("1")
        assert await phone.ends() == "sales"


# -- how it ends


async def test_who_says_nothing(tmp_path: Path, server: Backend, world: World) -> None:
    made = plan(tmp_path, "tries: 1\ntimeout: 2s\nnoinput: Hello?\non: {noinput: quiet}")
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "quiet"
        assert phone.tts.spoken == ["Hello?"]
        assert 4 < phone.clock < 6
    assert not server.received


async def test_limits(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply("Yes?", tokens=500)]
    for limit, end in (("max_turns: 2", "turns"), ("max_time: 6s", "time"), ("max_cost: 900", "cost")):
        made = plan(
            tmp_path, f"{limit}\ntimeout: 60s\non: {{max_turns: turns, max_time: time, max_cost: cost}}"
        )
        async with Phone(made, world=world) as phone:
            await phone.says("one")
            await phone.hears("Yes?")
            if end != "time":
                await phone.silence(0.5)
                await phone.says("two")
            assert await phone.ends() == end
            assert phone.clock < 12


async def test_a_server_that_does_not_count_is_estimated(
    tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [reply("Yes?", tokens=None)]
    async with Phone(plan(tmp_path, "max_cost: 100\non: {max_cost: cost}"), world=world) as phone:
        await phone.says("one")
        assert await phone.ends() == "cost"


async def test_tools_without_end_are_no_reply(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply(calls=(tool_call("nothing"),))]
    async with Phone(plan(tmp_path, "on: {down: down}"), world=world) as phone:
        await phone.says("one")
        assert await phone.ends() == "down"
    assert len(server.received) == 6


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        (failure(500), 2),
        (failure(401, f"bad key {KEY}"), 1),
        (reply("x", before_s=10), 1),
        (reply("never", "x", stalls_after=0), 1),
        (reply("", tokens=0), 2),
        (reply("x", breaks_after=0), 1),
    ],
)
async def test_a_model_that_is_down(
    answer: Any, asked: int, tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [answer]
    async with Phone(plan(tmp_path, "on: {down: down}"), world=world) as phone:
        await phone.says("hello")
        assert await phone.ends() == "down"
        assert phone.tts.spoken == []
        assert phone.logged("model_down")[0]["level"] == "error"
        assert KEY not in json.dumps(phone.events, default=str)
    assert len(server.received) == asked
    async with Phone(plan(tmp_path, ""), world=world) as phone:
        await phone.says("hello")
        assert await phone.ends() == "error"
        assert phone.tts.spoken == [APOLOGY]
        assert phone.logged("verb_failed")[0]["failure"] == "model_down"


async def test_a_service_without_a_model(tmp_path: Path) -> None:
    async with Phone(plan(tmp_path, "on: {down: down}")) as phone:
        assert await phone.ends() == "down"


async def test_after_a_failure_it_is_tried_again(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [failure(503), reply("Here I am.", calls=(tool_call("done"),))]
    async with Phone(plan(tmp_path, ""), world=world) as phone:
        await phone.says("hello")
        await phone.hears("Here I am.")
        assert await phone.ends() == "next"


@pytest.mark.parametrize("how", [{"breaks_after": 2}, {"stalls_after": 2}])
async def test_a_reply_that_breaks_off_is_gone_on_with(
    how: dict[str, int], tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [
        reply("This is whole. ", "This is ", "not.", **how),
        reply("not, was my word.", calls=(tool_call("done"),)),
    ]
    async with Phone(plan(tmp_path, ""), world=world) as phone:
        await phone.says("hello")
        await phone.hears("This is whole.")
        await phone.hears("This is")
        await phone.hears("not, was my word.")
        assert await phone.ends() == "next"
    assert roles(server) == ["system", "user", "assistant", "system"]
    assert server.json()["messages"][2]["content"] == "This is whole. This is"


async def test_a_slow_model_has_a_filler(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply("Done.", before_s=1.0, calls=(tool_call("done"),))]
    async with Phone(plan(tmp_path, "filler: Let me see.\nfiller_after: 300ms"), world=world) as phone:
        await phone.says("hello")
        await phone.hears("Let me see.")
        await phone.hears("Done.")
        assert await phone.ends() == "next"


async def test_a_reply_is_begun_at_a_pause(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply("Yes, ", "of course.", calls=(tool_call("done"),))]
    async with Phone(plan(tmp_path, "preemptive: true"), world=world) as phone:
        await phone.says("are you open")
        await phone.hears("Yes, of course.")
        assert await phone.ends() == "next"
        assert phone.logged("agent_reply_prepared")
        assert phone.logged("agent_ended")[0]["tokens"] == 10
    assert len(server.received) == 1


async def test_one_to_what_was_not_all_is_never_heard(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply("Half.", between_s=5), reply("Whole.", calls=(tool_call("done"),))]
    async with Phone(plan(tmp_path, "preemptive: true"), world=world) as phone:
        phone.stt.texts = ["are you"]
        await phone.says("are you open", pause=0.3)
        await asyncio.wait_for(server.asked.wait(), 5)
        phone.stt.texts = ["are you open on sundays"] * 5
        await phone.says("are you open on sundays")
        assert await phone.ends() == "next"
        assert phone.tts.spoken == ["Whole."]
        assert phone.logged("agent_ended")[0]["tokens"] > 10  # what was thrown away has its price too
    assert len(server.received) == 2
    assert server.json()["messages"][-1]["content"] == "are you open on sundays"


async def test_keys_are_reported_to_the_model(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply("Yes."), reply("Bye.", calls=(tool_call("done"),))]
    async with Phone(plan(tmp_path, ""), world=world) as phone:
        await phone.silence(0.2)
        await phone.presses("12#")
        await phone.hears("Yes.")
        await phone.silence(0.3)
        await phone.presses("7")
        assert await phone.ends() == "next"
    said = [message["content"] for message in server.json()["messages"] if message["role"] == "user"]
    assert said == ["(The caller pressed 12.)", "(The caller pressed 7.)"]


@pytest.mark.parametrize("by", ["keys", "speech", "speech, with more"])
async def test_universals_are_not_the_models_affair(
    by: str, tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [reply("Is it?", calls=(tool_call("done"),))]
    text = "dialplan: 1\nstart: a\nuniversals: {operator: {say: somebody, press: 0, goto: b}}\nsteps:\n"
    path = plans.write(
        tmp_path,
        f"{text}  a:\n    - agent: {{instructions: Be kind.}}\n    - hangup: next\n  b: [hangup: b]\n",
    )
    async with Phone(load_plan(path), world=world) as phone:
        await phone.silence(0.2)
        if by == "keys":
            await phone.presses("0")
        else:
            await phone.says("somebody" if by == "speech" else "somebody stole my umbrella")
        assert await phone.ends() == ("next" if by == "speech, with more" else "b")
    assert bool(server.received) == (by == "speech, with more")


async def test_universals_are_understood_in_the_language_of_the_call(
    tmp_path: Path, server: Backend, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Esperanto has "du" for 2 and "bonvolu" for noise; in English both would be other words."""
    monkeypatch.setattr(registry, "_languages", dict(registry._languages))
    registry.register(esperanto.LANGUAGE)
    text = 'dialplan: 1\nstart: a\nlanguages: [eo]\nuniversals: {two: {say: "loko 2", goto: b}}\nsteps:\n'
    steps = "  a:\n    - agent: {instructions: Be kind.}\n    - hangup: next\n  b: [hangup: b]\n"
    async with Phone(load_plan(plans.write(tmp_path, text + steps)), world=world) as phone:
        await phone.silence(0.2)
        await phone.says("loko du bonvolu")
        assert await phone.ends() == "b"
    assert not server.received


async def test_a_caller_who_leaves_ends_the_request(tmp_path: Path, server: Backend, world: World) -> None:
    server.answers = [reply("x", before_s=30)]
    async with Phone(plan(tmp_path, ""), world=world) as phone:
        speaking = asyncio.ensure_future(phone.says("hello"))
        await asyncio.wait_for(server.asked.wait(), 10)
        await phone.session.stop()
        await speaking
        phone.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(phone.task, 2)


async def test_nothing_sensitive_is_logged_or_reported(tmp_path: Path, server: Backend, world: World) -> None:
    secret = "4711081500"
    fields = """
tools:
  pin:
    description: Check.
    params: {pin: {description: the PIN, type: digits, sensitive: true}}
    request: {url: "/pin/{{ pin }}", sensitive: true, into: {found: body.found}}
  same:
    description: The same.
    params: {pin: {description: the PIN, type: digits, sensitive: true}}
    python: {function: own.py:same, with: {value: pin}}
"""
    (tmp_path / "own.py").write_text("async def same(call, value):\n    return value\n")
    server.answers = [
        reply(calls=(tool_call("pin", {"pin": secret}), tool_call("same", {"pin": secret}, at=1))),
        answers({"found": "0815-secret"}),
        reply(calls=(tool_call("done"),)),
    ]
    async with Phone(plan(tmp_path, fields), world=world) as phone:
        await phone.says("check it")
        assert await phone.ends() == "next"
        logged = json.dumps(phone.events, default=str)
        assert secret not in logged and "0815-secret" not in logged
    reported = [message["content"] for message in server.json()["messages"] if message["role"] == "tool"]
    assert reported == ['{"found": "***"}', '{"outcome": "done"}']


# -- plans


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("tools: {done: {description: x, goto: over}}", "every agent has the tool 'done'"),
        (
            "tools: {x: {description: x}}",
            "a tool needs one of transfer, hangup, gather, request, python, goto",
        ),
        (
            "tools: {x: {description: x, hangup: a, transfer: '1'}}",
            "a tool does one thing, found transfer, hangup",
        ),
        ("tools: {x: {goto: over}}", "x needs 'description'"),
        ("tools: {x: {description: x, goto: ovr}}", "there is no step 'ovr'; did you mean 'over'"),
        ("tools: {x: {description: x, request: {url: ftp}}}", "expected an address"),
        ("tools: {x: {description: x, request: {url: /, method: GET, json: {a: 1}}}}", "nothing can be sent"),
        ("tools: {x: {description: x, goto: over, params: {a: {description: a, type: txt}}}}", "'text'"),
        ("on: {dun: over}", "'dun' is not a field of on; expected done"),
        ("max_turns: 0", "expected 1 or more"),
        ("greeting: '{{ }'", "has a mistake"),
    ],
)
def test_mistakes_are_found_when_the_plan_is_loaded(tmp_path: Path, fields: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan(tmp_path, fields)


def test_each_field_has_its_schema() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for verb in (Agent, Request, Python):
            schema = verb.model_json_schema(by_alias=True)
            fields = schema["properties"]
            assert fields and all(
                field.get("description") or "$ref" in field
                for name, field in fields.items()
                if name in verb.model_fields
            )


def test_what_the_checks_receive(tmp_path: Path) -> None:
    fields = """
greeting: Hello {{ who }}.
on: {done: over, down: down}
tools:
  one: {description: x, params: {p: a text}, goto: sales,
        request: {url: "/{{ p }}/{{ q }}", into: {r: body.x}}}
  two: {description: x, transfer: {to: "1", busy: quiet}}
"""
    verb = plan(tmp_path, fields).steps["a"].verbs[0].verb
    assert set(verb.reads()) == {"call", "who", "q"}
    assert set(verb.sets()) == {"p", "r"}
    ways = list(verb.may_go_to())
    assert ways == [("done", "over"), ("down", "down"), ("one", "sales"), ("two: busy", "quiet")]
    assert verb.listens and verb.may_end() and not verb.always_leaves()
    assert "Sorry, that line is busy." in list(verb.prompts())


@given(
    text=st.text()
    | st.recursive(st.none() | st.floats() | st.integers() | st.text(), st.lists).map(json.dumps)
)
def test_whatever_a_model_writes_is_arguments_or_refused(text: str) -> None:
    tool = Tool.model_validate(
        {
            "description": "x",
            "goto": "a",
            "params": {kind: {"description": "x", "type": kind, "required": "false"} for kind in KINDS},
        }
    )
    with contextlib.suppress(BadArguments):
        assert set(tool.arguments(text)) == set(KINDS)


KINDS = ("text", "digits", "integer", "number", "yes_no", "date", "time")


@given(
    kind=st.sampled_from(KINDS),
    value=st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
)
def test_a_value_is_of_its_kind_or_refused(kind: Any, value: Any) -> None:
    try:
        read = Param(description="x", type=kind).read("p", value)
    except BadArguments:
        return
    types = {"integer": int, "number": float, "yes_no": bool}
    if kind in types:
        assert type(read) is types[kind]
    elif kind in ("text", "digits"):
        assert isinstance(read, str) and read


async def test_thinking_markup_and_halves_of_an_emoji_never_reach_the_voice(
    tmp_path: Path, server: Backend, world: World
) -> None:
    server.answers = [
        reply(
            "<th",
            "ink>The caller wants **",
            "it</thi",
            "nk>",
            "**Hel",
            "lo** \ud83d",
            "\ude00 there. ",
            "<b",
            ">Bye</b>.",
        ),
        reply("Goodbye.", calls=(tool_call("done"),)),
    ]
    async with Phone(plan(tmp_path, "greeting: Yes?\non: {done: over}"), world=world) as phone:
        await phone.hears("Yes?")
        await phone.silence(0.5)
        await phone.says("hello")
        await phone.hears("Hello there.")
        await phone.hears("Bye.")
        await phone.silence(0.5)
        await phone.says("bye")
        assert await phone.ends() == "over"
    (said,) = [
        m["content"] for m in server.json()["messages"] if m["role"] == "assistant" and "Bye" in m["content"]
    ]
    assert said == "Hello there. Bye."
