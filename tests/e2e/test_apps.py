"""request, agent and python in calls over SIP and RTP: with a back end and a model server on loopback."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.caller import Call, UserAgent, measure, sounds
from tests.dialplan.backend import Backend, answers
from tests.dialplan.model_server import failure, reply, tool_call
from tests.e2e.backends import running_backend
from tests.e2e.running import Service

KEY = "sk-test-0123456789abcdef"

PLAN = """
dialplan: 1
name: apps
start: menu
on_error: sorry
steps:
  menu:
    - gather:
        prompt: One, two, three or four.
        choices:
          ask:    {press: "1", goto: ask}
          driven: {press: "2", goto: driven}
          own:    {press: "3", goto: own}
          agent:  {press: "4", goto: agent}
  ask:
    - request:
        url: "/accounts/{{ call.from }}"
        headers: {Authorization: Bearer s3cret-t0ken}
        sensitive: true
        into: {balance: body.balance}
        filler: Please hold the line.
        filler_after: 500ms
        on: {404: unknown}
    - say: You have {{ balance }} euros.
    - hangup: informed
  unknown:
    - say: We do not know this number.
    - hangup: unknown
  driven:
    - request: {url: /verbs, verbs: true}
    - hangup: not driven
  own:
    - python: {function: own.py:greet, with: {name: "'Ada'"}, goto: {fine: fine}}
    - hangup: not fine
  fine:
    - hangup: fine
  agent:
    - agent:
        instructions: You are the desk of a shop.
        greeting: This is the desk. What can I do for you?
        tools:
          more: {description: What they want., params: {what: the thing}, goto: wanted}
        on: {down: nobody}
  wanted:
    - tag: {wanted: what}
    - hangup: wanted
  nobody:
    - say: Nobody is at the desk.
    - hangup: nobody
  sorry:
    - say: Something went wrong.
    - hangup: "{{ error.event }}"
"""

CODE = """
import time

async def greet(call, name):
    await call.say(f"Hello {name}.")
    turn = await call.listen(10)
    if turn.text == "9":
        raise RuntimeError("nine")
    time.sleep(0.12)
    return "fine"
"""


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with running_backend() as running:
        yield running


@pytest.fixture(scope="module")
def service(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("apps")
    plan: Path = folder / "apps.yaml"
    plan.write_text(PLAN)
    (folder / "own.py").write_text(CODE)
    env = {
        "IVR_HTTP__BASE_URL": backend.url,
        "IVR_AGENT__BASE_URL": f"{backend.url}/v1",
        "IVR_AGENT__API_KEY": KEY,
        "IVR_AGENT__RETRIES": "0",
    }
    with Service([plan], env=env) as running:
        yield running
        assert running.signal() is None and running.wait(15) == 0
        assert KEY not in running.tail(10_000) and "s3cret" not in running.tail(10_000)


@pytest.fixture
def caller() -> Iterator[UserAgent]:
    with UserAgent() as ua:
        yield ua


def choose(caller: UserAgent, service: Service, key: str) -> Call:
    call = caller.call(service.address)
    call.media.wait_loud(10, after=call.ack_at)
    call.media.press(key)
    service.wait_event("choice_matched", call=call.call_id, by="keys")
    return call


def test_a_balance_is_asked_for_and_said(service: Service, caller: UserAgent, backend: Backend) -> None:
    backend.answers = [answers({"balance": 12}, after_s=1.0)]
    call = choose(caller, service, "1")
    ended = service.wait_event("call_ended", 20, call=call.call_id)
    assert ended["reason"] == "informed"
    assert backend.paths[-1] == "GET /accounts/caller"
    assert backend.received[-1].headers["Authorization"] == "Bearer s3cret-t0ken"
    said = service.find("say_ended", call=call.call_id)
    assert len(said) == 3 and not said[1]["interrupted"] and said[2]["heard_ms"] > 700
    asked = service.find("request_ended", call=call.call_id)[0]
    assert (asked["status"], asked["url"]) == (200, "/accounts/{{ call.from }}")
    assert any(measure.is_loud(packet) for packet in call.media.packets)
    call.close()


@pytest.mark.parametrize(
    ("answer", "reason"), [(answers({}, 404), "unknown"), (answers({}), "request_failed")]
)
def test_what_cannot_be_had_goes_its_way(
    answer: object, reason: str, service: Service, caller: UserAgent, backend: Backend
) -> None:
    backend.answers = [answer]
    call = choose(caller, service, "1")
    assert service.wait_event("call_ended", 20, call=call.call_id)["reason"] == reason
    call.close()


def test_an_application_drives_a_call(service: Service, caller: UserAgent, backend: Backend) -> None:
    backend.answers = [
        answers(
            {
                "verbs": [
                    {
                        "gather": {
                            "prompt": "Press five.",
                            "choices": {"five": {"press": "5"}, "six": {"press": "6", "goto": "fine"}},
                        }
                    },
                    {"request": {"url": "/more", "verbs": True}},
                ]
            }
        ),
        answers({"verbs": [{"say": "Thank you."}, {"hangup": "driven"}]}),
    ]
    call = choose(caller, service, "2")
    since = time.time()
    call.media.wait_loud(10, after=since)
    call.media.press("5")
    assert service.wait_event("call_ended", 20, call=call.call_id)["reason"] == "driven"
    assert backend.paths[-2:] == ["GET /verbs", "GET /more"]
    call.close()


@pytest.mark.parametrize(("key", "reason"), [("1", "fine"), ("9", "python_failed")])
def test_a_function_speaks_and_listens(key: str, reason: str, service: Service, caller: UserAgent) -> None:
    call = choose(caller, service, "3")
    service.wait_event("step_entered", call=call.call_id, step="own")
    call.media.wait_loud(10, after=time.time())
    call.media.press(key)
    assert service.wait_event("call_ended", 20, call=call.call_id)["reason"] == reason
    assert bool(service.find("python_blocked_loop", call=call.call_id)) is (key == "1")
    call.close()


def test_an_agent_is_interrupted_and_learns_what_was_heard(
    service: Service, caller: UserAgent, backend: Backend
) -> None:
    story = (
        "Once upon a time there was a shop in a small town. ",
        "It sold bread and milk and many other things. ",
    )
    backend.answers = [
        reply(*story, *story),
        reply("Very well.", calls=(tool_call("more", {"what": "two"}),)),
    ]
    call = choose(caller, service, "4")
    service.wait_event("step_entered", call=call.call_id, step="agent")
    service.wait_event("say_ended", 20, since=time.time(), call=call.call_id)  # the greeting
    call.media.play(sounds.recording("digits/1")).wait()
    began = time.time()
    service.wait_until(lambda: len(service.find("say_started", began, call=call.call_id)) >= 1, 20, "reply")
    time.sleep(2.0)
    playing = call.media.play(sounds.recording("digits/2")).wait()
    call.media.wait_quiet()
    cut = measure.last_loud_before_quiet(call.media.packets, playing.onset)
    assert cut is not None and 0 < cut - playing.onset < 0.4
    ended = service.wait_event("call_ended", 20, call=call.call_id)
    assert (ended["reason"], ended["tags"]) == ("wanted", {"wanted": "two"})
    history = backend.json()["messages"]
    assert [message["role"] for message in history] == ["system", "assistant", "user", "assistant", "user"]
    heard = history[3]["content"]
    assert 2 < len(heard.split()) < 20 and "".join(story).startswith(heard.rstrip())
    assert service.find("agent_replied", call=call.call_id)[0]["interrupted"]
    call.close()


def test_a_model_that_is_down_has_its_way(service: Service, caller: UserAgent, backend: Backend) -> None:
    backend.answers = [failure(503)]
    call = choose(caller, service, "4")
    service.wait_event("say_ended", 20, since=time.time(), call=call.call_id)
    call.media.play(sounds.recording("digits/1")).wait()
    assert service.wait_event("call_ended", 20, call=call.call_id)["reason"] == "nobody"
    assert service.find("model_down", call=call.call_id)[0]["level"] == "error"
    assert KEY not in json.dumps(service.events)
    call.close()
