"""request: what is sent, where each answer leads, verbs in an answer; against a real HTTP server."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.dialplan import PlanError
from ivr.dialplan.engine.reply_verbs import MAX_VERBS, verbs_of_reply
from ivr.dialplan.plan.plan import APOLOGY
from ivr.dialplan.runtime.world import BadReply, HttpRequest, World
from ivr.dialplan.values.urls import leads_elsewhere
from ivr.service.world.http_client import HttpClient
from ivr.service.world.options import HttpOptions
from tests.dialplan.backend import Backend, answers, hangs_up, text
from tests.dialplan.phone import Phone
from tests.dialplan.plans import plan


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with Backend() as server:
        yield server


@pytest.fixture
async def world(backend: Backend) -> AsyncIterator[World]:
    client = HttpClient(HttpOptions(base_url=backend.url, connect_timeout_s=1.0, max_body=50_000))
    backend.answers = [answers({})]
    await client.send(HttpRequest("GET", "/"))  # certificates are read at the first
    backend.received.clear()
    yield World(http=client)
    await client.aclose()


ROUTES = (
    "{200: fine, 2xx: fine, 404: unknown, 4xx: wrong, 5xx: down, timeout: late, unreachable: gone, "
    "bad_answer: odd}"
)
STEPS = ("fine", "unknown", "wrong", "down", "late", "gone", "odd")
ENDS = "".join(f"\n{step}:\n  - hangup: {step}" for step in STEPS)


async def test_what_is_sent_and_what_is_kept(tmp_path: Path, backend: Backend, world: World) -> None:
    backend.answers = [answers({"account": {"balance": 12.5, "owner": "Ada"}}, **{"X-Trace": "t1"})]
    made = plan(
        tmp_path,
        """
        a:
          - set: {account: "'12/../3?x=1 é'", extra: 7}
          - request:
              url: "/accounts/{{ account }}/balance?v=2"
              query: {from: call.from, list: "[1, true]", missing: none}
              headers: {X-Call: "{{ call.id }}", Authorization: "Bearer {{ extra }}"}
              json: {account: account, amounts: [extra, extra * 2], note: "'a'"}
              into: {balance: body.account.balance, who: body.account.owner,
                     trace: headers.x_trace, code: status}
          - say: "{{ who }} has {{ balance }}, {{ trace }}, {{ code }}."
          - hangup:
        """,
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "hangup"
        assert phone.tts.spoken == ["Ada has 12.5, t1, 200."]
    (asked,) = backend.received
    assert asked.method == "POST"
    assert asked.raw_path == "/accounts/12%2F..%2F3%3Fx%3D1%20%C3%A9/balance?v=2&from=&list=1&list=true"
    assert asked.headers["X-Call"] == "phone" and asked.headers["Authorization"] == "Bearer 7"
    assert asked.headers["Content-Type"] == "application/json"
    assert backend.json() == {"account": "12/../3?x=1 é", "amounts": [7, 14], "note": "a"}


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (answers({}), "fine"),
        (answers({}, 204), "fine"),
        (answers({}, 404), "unknown"),
        (answers({}, 403), "wrong"),
        (answers({}, 503), "down"),
        (answers({}, after_s=5), "late"),
        (hangs_up, "gone"),
    ],
)
async def test_each_status_has_its_way(
    answer: Any, end: str, tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answer]
    made = plan(tmp_path, f"a:\n  - request: {{url: /x, timeout: 600ms, retries: 0, on: {ROUTES}}}" + ENDS)
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == end
    assert len(backend.received) == 1


@pytest.mark.parametrize(
    "answer",
    [
        answers({"balance": 1}),
        text("{", "application/json"),
        text("[" * 5000, "application/json"),
        text("9" * 10_000, "application/json"),
        text("none of it"),
        answers("x" * 60_000),
        answers({"wanted": {"deep": "x" * 20_000}}),
    ],
)
async def test_an_answer_without_what_is_needed_is_a_bad_one(
    answer: Any, tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answer]
    made = plan(
        tmp_path,
        f"a:\n  - set: {{found: 1}}\n"
        f"  - request: {{url: /x, into: {{first: 1, found: body.wanted.deep}}, on: {ROUTES}}}"
        + ENDS.replace("  - hangup: odd", '  - hangup: "odd {{ first is defined }} {{ found }}"'),
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "odd False 1"
        assert phone.logged("bad_answer")[0]["level"] == "error"


async def test_without_a_route_a_failure_is_the_verbs(tmp_path: Path, backend: Backend, world: World) -> None:
    backend.answers = [answers({}, 404)]
    made = plan(
        tmp_path,
        """
        a:
          - request: {url: /x, on: {5xx: never}}
        never:
          - hangup: never
        """,
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "error"
        assert phone.tts.spoken == [APOLOGY]
        assert phone.logged("verb_failed")[0]["failure"] == "request_failed"
    made = plan(
        tmp_path,
        """
        a:
          - request: {url: /x, on: {failed: rest, 5xx: never}}
        rest:
          - request: {url: /x, on_error: last}
        last:
          - hangup: "{{ error.event }} {{ error.verb }}"
        never:
          - hangup: never
        """,
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "request_failed request"


async def test_who_is_not_there_is_unreachable(tmp_path: Path, backend: Backend, world: World) -> None:
    made = plan(
        tmp_path,
        "a:\n  - request: {url: 'http://127.0.0.1:1/x', on: {unreachable: b}}\nb:\n  - hangup: gone\n",
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "gone"
    async with Phone(made) as phone:  # a service that has no HTTP at all
        assert await phone.ends() == "error"


async def test_it_is_tried_again_where_that_is_safe(tmp_path: Path, backend: Backend, world: World) -> None:
    backend.answers = [answers({}, 503), hangs_up, answers({}, 200)]
    made = plan(tmp_path, "a:\n  - request: {url: /x, retries: 2}\n  - hangup:\n")
    async with Phone(made, world=world) as phone:
        began = time.monotonic()
        assert await phone.ends() == "hangup"
        assert time.monotonic() - began >= 0.25 + 0.5  # the back-off doubles
    assert len(backend.received) == 3
    backend.received.clear()
    backend.answers = [answers({}, 503), answers({}, 200)]
    made = plan(
        tmp_path, "a:\n  - request: {url: /x, method: POST, retries: 2, on: {503: b}}\nb:\n  - hangup: down\n"
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "down"
    assert len(backend.received) == 1
    backend.answers = [answers({}, 503)]
    made = plan(
        tmp_path, "a:\n  - request: {url: /x, retries: 5, timeout: 1s, on: {503: b}}\nb:\n  - hangup: down\n"
    )
    async with Phone(made, world=world) as phone:
        began = time.monotonic()
        assert await phone.ends() == "down"  # all tries together have the time of the verb
        assert time.monotonic() - began < 1.5


async def test_a_slow_answer_has_a_filler_and_a_quick_one_none(
    tmp_path: Path, backend: Backend, world: World
) -> None:
    steps = """
        a:
          - request:
              url: /x
              filler: [One moment please., Still looking.]
              filler_after: 400ms
              into: {n: body.n}
          - say: It is {{ n }}.
          - hangup:
        """
    backend.answers = [answers({"n": 1})]
    async with Phone(plan(tmp_path, steps), world=world) as phone:
        await phone.ends()
        assert phone.tts.spoken == ["It is 1."]
    backend.answers = [answers({"n": 2}, after_s=0.6)]
    async with Phone(plan(tmp_path, steps), world=world) as phone:
        await phone.ends()
        assert phone.tts.spoken == ["One moment please.", "It is 2."]
        assert phone.clock >= 0.6  # it was not cut when the answer came
    backend.answers = [answers({"n": 3}, after_s=1.6)]
    async with Phone(plan(tmp_path, steps), world=world) as phone:
        await phone.ends()
        assert phone.tts.spoken == ["One moment please.", "Still looking.", "It is 3."]


async def test_who_hangs_up_meanwhile_is_not_waited_for(
    tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answers({}, after_s=30)]
    async with Phone(plan(tmp_path, "a:\n  - request: {url: /x, timeout: 30s}\n"), world=world) as phone:
        await asyncio.wait_for(backend.asked.wait(), 5)
        await phone.session.stop()
        phone.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(phone.task, 1)


async def test_after_the_caller_has_left_it_is_sent_without_a_word(
    tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answers({"ok": 1}, after_s=0.2)]
    path = tmp_path / "plan.yaml"
    path.write_text(
        "dialplan: 1\nstart: a\non_hangup: b\nsteps:\n  a:\n    - pause: 60s\n  b:\n"
        "    - request: {url: /left, filler: Wait., filler_after: 50ms, into: {ok: body.ok}}\n"
        '    - log: "logged {{ ok }}"\n'
    )
    from ivr.dialplan import load_plan

    async with Phone(load_plan(path), world=world) as phone:
        await phone.silence(0.5)
        await phone.session.stop()
        assert await asyncio.wait_for(phone.task, 5) == "caller_hangup"
        assert phone.logged("plan_log")[0]["message"] == "logged 1"
        assert phone.tts.spoken == []


async def test_nothing_sensitive_is_logged(tmp_path: Path, backend: Backend, world: World) -> None:
    secret = "4711-0815"
    backend.answers = [answers({"pin": secret}), answers({secret: 1}, 404)]
    made = plan(
        tmp_path,
        """
        a:
          - request: {url: /x, sensitive: true, into: {pin: body.pin}}
          - request:
              url: /check/{{ pin }}
              query: {pin: pin}
              headers: {Authorization: "Bearer {{ pin }}"}
        """,
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "error"
        assert phone.logged("verb_failed")
        assert secret not in json.dumps(phone.events, default=str)
    assert backend.received[-1].headers["Authorization"] == f"Bearer {secret}"


# -- verbs in an answer


async def test_an_application_drives_the_call(tmp_path: Path, backend: Backend, world: World) -> None:
    backend.answers = [
        answers(
            {
                "verbs": [
                    {"say": "Hello {{ name }}."},
                    {"set": {"n": "n + 1"}},
                    {"call": {"step": "more", "with": {"what": "'param'"}}},
                    {"say": {"text": "Then.", "barge_in": "none"}},
                ]
            }
        ),
        answers({"verbs": []}),
        answers({"verbs": [{"say": "Bye."}, {"goto": "end"}, {"say": "Never."}]}),
    ]
    made = plan(
        tmp_path,
        """
        a:
          - set: {name: "'Ada'", n: 1}
          - request: {url: /one, verbs: true}
          - request: {url: /two, verbs: true}
          - request: {url: /three, verbs: true}
          - say: Never either.
        more:
          params: [what]
          do:
            - say: More {{ what }}.
        end:
          - hangup: "end {{ n }}"
        """,
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "end 2"
        assert phone.tts.spoken == ["Hello Ada.", "More param.", "Then.", "Bye."]


async def test_an_application_may_go_on_for_as_long_as_it_likes(
    tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answers({"verbs": [{"say": "Again."}, {"goto": "a"}]}) for _ in range(80)]
    backend.answers.append(answers({"verbs": [{"hangup": "enough"}]}))
    made = plan(tmp_path, "a:\n  - request: {url: /x, verbs: true}\n  - say: Never.\n")
    async with Phone(made, world=world) as phone:
        assert await phone.ends(within=300) == "enough"
        assert phone.tts.spoken == ["Again."] * 80


async def test_an_answer_that_asks_for_itself_is_a_loop(
    tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answers({"verbs": [{"request": {"url": "/x", "verbs": "true"}}]})]
    made = plan(tmp_path, "a:\n  - request: {url: /x, verbs: true}\n")
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "loop"
        assert phone.tts.spoken == [APOLOGY]


async def test_a_failure_in_an_answer_goes_where_the_plan_says(
    tmp_path: Path, backend: Backend, world: World
) -> None:
    backend.answers = [answers({"verbs": [{"say": {"text": "{{ missing }}", "on_error": "b"}}]})]
    made = plan(
        tmp_path,
        'a:\n  - request: {url: /x, verbs: true}\nb:\n  - hangup: "{{ error.step }} {{ error.event }}"\n',
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "a/reply #1 bad_value"


async def test_verbs_with_a_mistake_are_none(tmp_path: Path, backend: Backend, world: World) -> None:
    backend.answers = [answers({"verbs": [{"say": "Heard?"}, {"goto": "nowhere"}]})]
    made = plan(
        tmp_path,
        "a:\n  - request: {url: /x, verbs: true, on: {bad_answer: b}}\nb:\n  - hangup: bad\n",
    )
    async with Phone(made, world=world) as phone:
        assert await phone.ends() == "bad"
        assert phone.tts.spoken == []
        assert "$.verbs[1].goto" in phone.logged("bad_answer")[0]["error"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ([], "expected an object with a list of verbs"),
        ({"verbs": {}}, "expected an object with a list of verbs"),
        ({"verbs": [], "more": 1}, "expected an object with a list of verbs"),
        ({"verbs": [{"sayy": "x"}]}, r"\$\.verbs\[0\]\.sayy: there is no verb 'sayy'; did you mean 'say'"),
        ({"verbs": [{"say": {"text": "x", "loop": 1000}}]}, r"\$\.verbs\[0\]\.say\.loop: .*100 or less"),
        ({"verbs": [{"say": None}]}, r"\$\.verbs\[0\]\.say: 'say': expected a text to speak.*found nothing"),
        ({"verbs": [{"play": "../../etc/secret.wav"}]}, "the plan plays no file"),
        ({"verbs": [{"python": "x.py:f"}]}, "functions cannot be named in an answer"),
        ({"verbs": [{"say": "x"}] * (MAX_VERBS + 1)}, "101 verbs, more than 100"),
        ({"verbs": [{"set": {f"v{n}": 1 for n in range(6000)}}]}, "more than 5000 values"),
    ],
)
def test_the_mistakes_of_an_answer_have_their_place(tmp_path: Path, reply: Any, message: str) -> None:
    made = plan(tmp_path, "a:\n  - hangup:\n")
    with pytest.raises(BadReply, match=message):
        verbs_of_reply(reply, made)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["say", "text", "set", "goto", "gather", "request", "url", "if", "x"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(verbs=st.lists(_JSON, max_size=4))
def test_any_answer_is_verbs_or_refused(verbs: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    made = plan(tmp_path_factory.mktemp("plan"), "a:\n  - hangup:\n")
    try:
        assert len(verbs_of_reply({"verbs": verbs}, made)) == len(verbs)
    except BadReply as error:
        assert "$" in str(error)


# -- plans


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("url: ftp://x/", "expected an address that begins with http"),
        ("url: 'http://{{ h }}/x'", "the host cannot depend on a value"),
        ("url: 'http://a:b@h/x'", "a user and a password do not belong"),
        ("url: '/a b'", "without blanks"),
        ("url: '/{{ a( }}'", "has a mistake"),
        ("url: /x, on: {600: a}", "'600': expected a status such as 404"),
        ("url: /x, on: {timeuot: a}", "did you mean 'timeout'"),
        ("url: /x, on: {404: nowhere}", "there is no step 'nowhere'"),
        ("url: /x, verbs: true, on: {200: a}", "no route for 200"),
        ("url: /x, method: GET, json: {a: 1}", "nothing can be sent with GET"),
        ("url: /x, json: {a: [1, 'b(']}", r"the expression 'b\(' at a\[1\] has a mistake"),
        ("url: /x, headers: {'a b': x}", "expected a header's name"),
        ("url: /x, retries: 9", "expected 5 or less"),
        ("url: /x, into: {call: body}", "'call' cannot be set"),
    ],
)
def test_mistakes_are_found_when_the_plan_is_loaded(tmp_path: Path, fields: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan(tmp_path, f"a:\n  - request: {{{fields}}}\n")


def test_what_the_checks_receive(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        """
        a:
          - request:
              url: /{{ one }}
              query: {q: two}
              headers: {h: "{{ three }}"}
              json: {deep: [four]}
              into: {five: body.x + six}
              on: {404: b, failed: b}
              filler: Wait {{ seven }}.
        b:
          - hangup:
        """,
    )
    verb = made.steps["a"].verbs[0].verb
    assert set(verb.reads()) == {"one", "two", "three", "four", "six", "seven"}
    assert list(verb.sets()) == ["five"]
    assert list(verb.may_go_to()) == [("404", "b"), ("failed", "b")]
    assert not verb.may_end()


@pytest.mark.parametrize(
    ("url", "elsewhere"),
    [
        ("/a/../b", True),
        ("/a/%2e%2E/b", True),
        ("/a/..", True),
        ("http://h/./x", True),
        ("/a..b/c?../x", False),
        ("http://../x", True),
        ("/a/b.c", False),
    ],
)
def test_a_value_cannot_climb_out_of_its_place(url: str, elsewhere: bool) -> None:
    assert leads_elsewhere(url) is elsewhere


@given(value=st.text())
def test_a_value_stays_one_part_of_the_address(value: str) -> None:
    from ivr.dialplan.values.expressions import ExpressionError, Template
    from ivr.dialplan.values.urls import _url

    template: Template = _url("http://host.example/a/{{ v }}/b")
    try:
        url = template.render({"v": value})
    except ExpressionError:
        return  # a lone surrogate is no text
    assert url.startswith("http://host.example/a/") and url.endswith("/b")
    assert url.count("/") == 5 and "?" not in url and "#" not in url
