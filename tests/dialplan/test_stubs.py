"""The world of a dialogue: its back ends, its clock, whom its transfers reach."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ivr.dialplan.control import CallFacts
from ivr.dialplan.dialogue.journal import Journal
from ivr.dialplan.dialogue.jumping_loop import JumpingLoop
from ivr.dialplan.dialogue.stubs import RequestStub, StubCall, TransferStub, stub_world
from ivr.dialplan.world import HttpFailed, HttpReply, HttpRequest, World

T = TypeVar("T")
Go = Callable[[Awaitable[T]], T]


@pytest.fixture
def loop() -> Iterator[JumpingLoop]:
    made = JumpingLoop()
    yield made
    made.close()


def world(loop: JumpingLoop, *stubs: dict[str, Any]) -> tuple[World, Journal]:
    journal = Journal(loop.time)
    requests = [RequestStub.model_validate(stub) for stub in stubs]
    return stub_world(None, requests, journal, loop.time, Path()), journal


async def get(made: World, url: str, method: str = "GET", timeout_s: float = 10.0) -> HttpReply:
    assert made.http is not None
    return await made.http.send(HttpRequest(method, url, timeout_s=timeout_s))


def test_the_first_stub_that_fits_answers(loop: JumpingLoop) -> None:
    made, journal = world(
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
    assert journal.entries[0].text == "POST https://x/bill/7"


def test_a_stub_with_times_gives_way_to_the_next(loop: JumpingLoop) -> None:
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
def test_there_is_no_answer(loop: JumpingLoop, stub: dict[str, Any], event: str, after: float) -> None:
    made, journal = world(loop, stub)

    async def main() -> None:
        with pytest.raises(HttpFailed) as failed:
            await get(made, "a", timeout_s=3)
        assert failed.value.event == event

    loop.run_until_complete(main())
    assert loop.time() == pytest.approx(after)
    assert ("no stub" in str(journal.entries[0])) == (stub["url"] == "b")


def test_the_clock_goes_on_with_the_call(loop: JumpingLoop) -> None:
    begin = datetime(2026, 3, 29, 0, 59, 30, tzinfo=UTC)
    made = stub_world(begin, (), Journal(loop.time), loop.time, Path())

    async def main() -> datetime:
        await asyncio.sleep(90)
        return made.now()

    assert loop.run_until_complete(main()) == begin + timedelta(seconds=90)


def test_mail_is_told(loop: JumpingLoop) -> None:
    made, journal = world(loop)
    message = EmailMessage()
    message["To"], message["Subject"] = "desk@example.org", "A message"
    assert made.mail is not None
    loop.run_until_complete(made.mail.send(message))
    assert str(journal.entries[0]).endswith("desk@example.org (subject: A message)")


@pytest.mark.parametrize(
    ("to", "outcome", "after"),
    [
        ("101", "busy", 2.0),
        ("102", "noanswer", 30.0),
        ("103", "transferred", 0.0),
        ("104", "transferred", 0.0),
    ],
)
def test_whom_a_transfer_reaches(loop: JumpingLoop, to: str, outcome: str, after: float) -> None:
    stubs = [
        TransferStub.model_validate({"to": "101", "outcome": "busy", "after": "2s"}),
        TransferStub.model_validate({"to": "102", "after": "40s"}),
        TransferStub.model_validate({"to": "103"}),
    ]
    call = StubCall(CallFacts(), stubs, Journal(loop.time))
    assert loop.run_until_complete(call.transfer(to, 30.0)).outcome == outcome
    assert loop.time() == pytest.approx(after)
