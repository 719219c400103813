"""The world of a dialogue: its back ends, its clock, who its transfers reach."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ivr.dialplan.dialogue.coverage import Coverage
from ivr.dialplan.dialogue.events import EventLog
from ivr.dialplan.dialogue.reader import Dialogue
from ivr.dialplan.dialogue.stubs import RequestStub, StubCall, TransferStub, stub_world
from ivr.dialplan.dialogue.virtual_time import VirtualTimeLoop
from ivr.dialplan.runtime.control import CallFacts, Dial
from ivr.dialplan.runtime.world import HttpFailed, HttpReply, HttpRequest, World
from tests.dialplan.dialogues import dialogues, failure, hold

T = TypeVar("T")
Go = Callable[[Awaitable[T]], T]


@pytest.fixture
def loop() -> Iterator[VirtualTimeLoop]:
    made = VirtualTimeLoop()
    yield made
    made.close()


def world(loop: VirtualTimeLoop, *stubs: dict[str, Any]) -> tuple[World, EventLog]:
    event_log = EventLog(loop.time)
    requests = tuple(RequestStub.model_validate(stub) for stub in stubs)
    dialogue = Dialogue("it", 1, (), requests=requests)
    return stub_world(dialogue, event_log, loop.time, Path()), event_log


async def get(made: World, url: str, method: str = "GET", timeout_s: float = 10.0) -> HttpReply:
    assert made.http is not None
    return await made.http.send(HttpRequest(method, url, timeout_s=timeout_s))


def test_the_first_stub_that_fits_answers(loop: VirtualTimeLoop) -> None:
    made, event_log = world(
        loop,
        {"url": "https://x/bill/*", "method": "post", "status": 201},
        {"url": "https://x/bill/*", "json": {"n": 1}},
        {"url": "*", "body": "other"},
    )

    async def main() -> list[tuple[int, bytes]]:
        replies = [
            await get(made, "https://x/bill/7", "POST"),
            await get(made, "https://x/bill/7"),
            await get(made, "https://x/else"),
        ]
        return [(reply.status, reply.body) for reply in replies]

    assert loop.run_until_complete(main()) == [(201, b""), (200, b'{"n": 1}'), (200, b"other")]
    assert event_log.events[0].text == "POST https://x/bill/7"


def test_a_stub_with_times_gives_way_to_the_next(loop: VirtualTimeLoop) -> None:
    made, _ = world(loop, {"url": "a", "status": 503, "times": 2}, {"url": "a"})

    async def main() -> list[int]:
        return [(await get(made, "a")).status for _ in range(4)]

    assert loop.run_until_complete(main()) == [503, 503, 200, 200]


@pytest.mark.parametrize(
    ("stub", "event", "after"),
    [
        ({"url": "a", "fails": "timeout"}, "timeout", 3.0),
        ({"url": "a", "after": "5s"}, "timeout", 3.0),
        ({"url": "a", "fails": "unreachable", "after": "1s"}, "unreachable", 1.0),
        ({"url": "b"}, "unreachable", 0.0),
    ],
)
def test_there_is_no_answer(loop: VirtualTimeLoop, stub: dict[str, Any], event: str, after: float) -> None:
    made, event_log = world(loop, stub)

    async def main() -> None:
        with pytest.raises(HttpFailed) as failed:
            await get(made, "a", timeout_s=3)
        assert failed.value.event == event

    loop.run_until_complete(main())
    assert loop.time() == pytest.approx(after)
    assert ("no stub" in str(event_log.events[0])) == (stub["url"] == "b")


def test_the_clock_goes_on_with_the_call(loop: VirtualTimeLoop) -> None:
    begin = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)
    made = stub_world(Dialogue("it", 1, (), now=begin), EventLog(loop.time), loop.time, Path())

    async def main() -> datetime:
        await asyncio.sleep(90)
        return made.now()

    assert loop.run_until_complete(main()) == begin + timedelta(seconds=90)


def test_mail_is_reported(loop: VirtualTimeLoop) -> None:
    made, event_log = world(loop)
    message = EmailMessage()
    message["To"], message["Subject"] = "desk@example.org", "A message"
    assert made.mail is not None
    loop.run_until_complete(made.mail.send(message))
    assert str(event_log.events[0]).endswith("desk@example.org (subject: A message)")


@pytest.mark.parametrize(
    ("to", "outcome", "after"),
    [
        ("101", "busy", 2.0),
        ("102", "noanswer", 30.0),
        ("103", "transferred", 0.0),
        ("104", "transferred", 0.0),
    ],
)
def test_whom_a_transfer_reaches(loop: VirtualTimeLoop, to: str, outcome: str, after: float) -> None:
    stubs = [
        TransferStub.model_validate({"to": "101", "outcome": "busy", "after": "2s"}),
        TransferStub.model_validate({"to": "102", "after": "40s"}),
        TransferStub.model_validate({"to": "103"}),
    ]
    call = StubCall(CallFacts(), stubs, EventLog(loop.time))
    assert loop.run_until_complete(call.transfer(to, 30.0)).outcome == outcome
    assert loop.time() == pytest.approx(after)


@pytest.mark.parametrize(
    ("to", "hand_over", "outcome", "after"),
    [
        (("101", "102"), False, "completed", 42.0),
        (("101", "102"), True, "transferred", 2.0),
        (("101", "103"), False, "noanswer", 12.0),
        (("104",), False, "completed", 0.0),
    ],
)
def test_whom_a_call_of_ours_reaches(
    loop: VirtualTimeLoop, to: tuple[str, ...], hand_over: bool, outcome: str, after: float
) -> None:
    stubs = [
        TransferStub.model_validate({"to": "101", "outcome": "busy", "after": "2s"}),
        TransferStub.model_validate({"to": "102", "talks": "40s"}),
        TransferStub.model_validate({"to": "103", "after": "1m"}),
    ]
    call = StubCall(CallFacts(), stubs, EventLog(loop.time))
    answered: list[float] = []
    dial = Dial(to, timeout_s=10, hand_over=hand_over, on_answer=lambda: answered.append(loop.time()))
    assert loop.run_until_complete(call.dial(dial)).outcome == outcome
    assert loop.time() == pytest.approx(after) and bool(answered) == (outcome == "completed")


BALANCE = """
a:
  - request:
      url: "https://bank.example.org/{{ call.from }}"
      timeout: 4s
      retries: 0
      filler: One moment, please.
      filler_after: 1s
      into: {balance: body.balance}
      on: {404: unknown, 5xx: down, timeout: down, failed: down}
  - say: You have {{ balance }} euros.
unknown:
  - say: Nobody knows you.
down:
  - say: The bank sleeps.
"""


@pytest.mark.parametrize(
    ("stub", "turns", "route"),
    [
        ("json: {balance: 12.5}", "- hears: You have 12.5 euros.\n- sets: {balance: 12.5}\n", ""),
        ("status: 404", "- {goes_to: unknown, within: 100ms}\n", "route a -> unknown (404)"),
        ("status: 503", "- goes_to: down\n", "route a -> down (5xx)"),
        ("fails: timeout", "- {hears: 'One moment, please.', within: 1s}\n- goes_to: down\n",
         "route a -> down (timeout)"),
        ("fails: unreachable", "- {goes_to: down, within: 100ms}\n", "route a -> down (failed)"),
        ("after: 2s, json: {balance: 1}",
         "- {hears: 'One moment, please.', within: 1s}\n- {hears: You have 1 euros., within: 3s}\n", ""),
    ],
)  # fmt: skip
def test_a_plan_asks_a_back_end(stub: str, turns: str, route: str, tmp_path: Path) -> None:
    facts = f"from: '7'\nrequests:\n  - {{url: 'https://bank.example.org/7', {stub}}}\n"
    file = dialogues(tmp_path, BALANCE, turns, facts=facts)
    coverage = Coverage(file.plan)
    outcome = hold(file, coverage)
    assert outcome.failure is None, outcome.failure
    gone = {str(item) for item, count in coverage.items.items() if count and item.kind == "route"}
    assert gone == ({route} if route else set())


AGENT = """
a:
  - agent:
      instructions: Be brief.
      greeting: How can I help?
      tools:
        desk: {description: Connect the caller to the desk., goto: desk}
      on: {done: bye, down: desk, noinput: bye, max_turns: bye, max_time: bye, max_cost: bye}
desk:
  - say: I connect you.
bye:
  - say: Goodbye.
"""
REPLIES = """
replies:
  - We are open until five. Anything else?
  - {text: One moment., calls: {desk: {}}, tokens: 40}
"""


def test_a_plan_asks_a_language_model(tmp_path: Path) -> None:
    turns = """
    - hears: How can I help?
    - says: when are you open
    - hears: {contains: Anything else?}
    - says: connect me
    - {goes_to: desk, hears: I connect you., hung_up: end_of_step}
    """
    file = dialogues(tmp_path, AGENT, turns, facts=REPLIES)
    coverage = Coverage(file.plan)
    outcome = hold(file, coverage)
    assert outcome.failure is None, outcome.failure
    assert "route a -> desk (desk)" in {str(item) for item, count in coverage.items.items() if count}


def test_a_model_that_has_nothing_to_say_is_down(tmp_path: Path) -> None:
    turns = "- says: hello\n- {goes_to: desk, hears: I connect you.}\n"
    assert failure(tmp_path, AGENT, turns) == ""
    assert failure(tmp_path, AGENT, turns, facts="replies: [{fails: true}]") == ""
