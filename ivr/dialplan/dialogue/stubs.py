"""Stubs of a dialogue: what back ends and the language model answer, how transfers end, what time it is."""

import asyncio
import fnmatch
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, model_validator

from ivr.dialplan.runtime.control import CallFacts, Dial, TransferResult
from ivr.dialplan.runtime.language_model import Ask, ModelFailed, Piece, ToolCall
from ivr.dialplan.runtime.world import HttpFailed, HttpReply, HttpRequest, World
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.fields import Address, Fields, Span, Switch, Text, refuse

NOON = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
"""When a dialogue without a time of its own begins: a Wednesday."""
STATUSES = {"busy": 486, "noanswer": 480, "failed": 500}


class RequestStub(Fields):
    """What a back end answers."""

    method: Text | None = Field(default=None, description="a method such as GET; any when not given")
    url: Text = Field(description="the URL that is asked, with * for any characters")
    status: int = Field(default=200, ge=100, le=599, description="the status of the answer, such as 200")
    json_: Any = Field(default=None, alias="json", description="the answer's JSON")
    body: str | None = Field(default=None, description="the answer's text, where it is no JSON")
    fails: Literal["timeout", "unreachable"] | None = Field(
        default=None, description="timeout or unreachable: there is no answer"
    )
    after: Span = Field(default=0.0, description="how long the answer takes, such as 3s")
    times: int | None = Field(
        default=None, ge=1, description="how often it is used; then the next that fits. Always when not given"
    )

    @model_validator(mode="after")
    def _one_answer(self) -> "RequestStub":
        if self.json_ is not None and self.body is not None:
            raise refuse("a request is answered with 'json' or with 'body', not with both")
        return self

    def fits(self, request: HttpRequest) -> bool:
        same = self.method is None or self.method.upper() == request.method.upper()
        return same and fnmatch.fnmatchcase(request.url, self.url)


class TransferStub(Fields):
    """How a transfer ends."""

    to: Address = Field(description='the target of the transfer, such as "101"')
    outcome: Literal["transferred", "busy", "noanswer", "failed"] = Field(
        default="transferred", description="transferred, busy, noanswer or failed"
    )
    after: Span = Field(default=0.0, description="how long that takes, such as 5s")
    talks: Span = Field(
        default=0.0,
        description="how long they talk, for a bridged transfer after which the caller comes back",
    )


class ReplyStub(Fields):
    """What the language model says next. A bare text is its ``text``."""

    text: str = Field(default="", description="what it says")
    calls: dict[str, Any] = Field(
        default_factory=dict, description="a mapping of tools that it uses to their arguments"
    )
    tokens: int = Field(default=0, ge=0, description="how many tokens the request and the reply take")
    after: Span = Field(default=0.0, description="how long the reply takes to begin, such as 3s")
    fails: Switch = Field(default=False, description="true: there is no reply")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value


class EventSink(Protocol):
    """Receives what the plan did: requests, mails, transfers."""

    def add(self, kind: str, text: str, **more: Any) -> None: ...


Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds of the call."""


class StubHttp:
    """Answers requests from stubs; a request without a matching stub is unreachable."""

    def __init__(self, stubs: Sequence[RequestStub], notes: EventSink, sleep: Sleep) -> None:
        self._stubs: list[tuple[RequestStub, list[None]]] = [(stub, []) for stub in stubs]
        """Each stub with one entry per use."""
        self._events, self._sleep = notes, sleep

    async def send(self, request: HttpRequest) -> HttpReply:
        for stub, used in self._stubs:
            if stub.fits(request) and (stub.times is None or len(used) < stub.times):
                used.append(None)
                return await self._answer(stub, request)
        reported = f"{request.method} {request.url}"
        self._events.add("request", reported, outcome="no stub: add it to `requests` of the dialogue")
        raise HttpFailed("unreachable", f"the dialogue has no request that matches {quoted(reported)}")

    async def _answer(self, stub: RequestStub, request: HttpRequest) -> HttpReply:
        late = stub.fails == "timeout" or stub.after > request.timeout_s
        await self._sleep(request.timeout_s if late else stub.after)
        outcome = "timeout" if late else stub.fails or str(stub.status)
        self._events.add("request", f"{request.method} {request.url}", outcome=outcome)
        if late or stub.fails is not None:
            raise HttpFailed(outcome, f"the dialogue says: {outcome}")
        if stub.body is not None:
            return HttpReply(stub.status, stub.body.encode(), {"content-type": "text/plain"})
        if stub.json_ is None:
            return HttpReply(stub.status)
        return HttpReply(stub.status, json.dumps(stub.json_).encode(), {"content-type": "application/json"})


class StubModel:
    """A ``LanguageModel`` that gives the replies of the dialogue, one after the other."""

    def __init__(self, replies: Sequence[ReplyStub], notes: EventSink, sleep: Sleep) -> None:
        self._replies = list(replies)
        self._events, self._sleep = notes, sleep

    async def reply(self, ask: Ask) -> AsyncIterator[Piece]:
        if not self._replies:
            self._events.add("model", "", outcome="no reply is left: add it to `replies` of the dialogue")
            raise ModelFailed("the dialogue has no further reply of the model")
        stub = self._replies.pop(0)
        await self._sleep(stub.after)
        self._events.add("model", stub.text, outcome="fails" if stub.fails else ", ".join(stub.calls))
        if stub.fails:
            raise ModelFailed("the dialogue says that it fails")
        yield Piece(stub.text)
        calls = [
            ToolCall(f"call-{at}", name, json.dumps(given or {}))
            for at, (name, given) in enumerate(stub.calls.items())
        ]
        yield Piece(calls=tuple(calls), tokens=stub.tokens)


class StubMail:
    """Accepts every mail and keeps none."""

    def __init__(self, notes: EventSink) -> None:
        self._events = notes

    async def send(self, message: EmailMessage) -> None:
        self._events.add("mail", str(message["To"] or ""), subject=str(message["Subject"] or ""))


class DialogueWorld(Protocol):
    """The part of a dialogue from which its stubs are made."""

    @property
    def now(self) -> datetime | None: ...

    @property
    def requests(self) -> Sequence[RequestStub]: ...

    @property
    def replies(self) -> Sequence[ReplyStub]: ...


def stub_world(
    dialogue: DialogueWorld,
    notes: EventSink,
    elapsed: Callable[[], float],
    files: Path,
    sleep: Sleep = asyncio.sleep,
) -> World:
    """Return the world of a dialogue. ``elapsed`` returns the seconds of the call so far, which the clock
    follows.
    """
    begin = dialogue.now or NOON
    return World(
        now=lambda: begin + timedelta(seconds=elapsed()),
        http=StubHttp(dialogue.requests, notes, sleep),
        mail=StubMail(notes),
        model=StubModel(dialogue.replies, notes, sleep),
        files=files,
    )


class StubCall:
    """The ``CallControl`` of a dialogue: transfers and calls end as the stubs say."""

    def __init__(
        self,
        facts: CallFacts,
        transfers: Sequence[TransferStub],
        notes: EventSink,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.facts = facts
        self._sleep = sleep
        self._transfers = {stub.to: stub for stub in transfers}
        self._events = notes
        self.ended: str | None = None
        """The reason with which the plan hung up; None while it has not."""

    async def answer(self) -> None:
        return

    async def hangup(self, reason: str = "plan", status: int = 0) -> None:
        self.ended = reason

    async def send_digits(self, digits: str) -> None:
        """Record the keys that the plan sends."""
        self._events.add("dtmf", digits)

    async def dial(self, dial: Dial) -> TransferResult:
        """Call each of ``dial.to`` in order until one answers, who talks for as long as the stub says."""
        result = TransferResult("failed", 0, "no target was called")
        for to in dial.to:
            result = await self.transfer(to, dial.timeout_s)
            if result.outcome != "transferred":
                continue
            if dial.hand_over:
                return result
            dial.on_answer()
            stub = self._transfers.get(to)
            seconds = stub.talks if stub is not None else 0.0
            await self._sleep(seconds)
            return TransferResult("completed", 200, "OK", to, seconds)
        return result

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        self._events.add("transfer", to)
        stub = self._transfers.get(to)
        if stub is None:
            return TransferResult("transferred", 200, "OK")
        late = stub.after > timeout_s
        await self._sleep(timeout_s if late else stub.after)
        outcome = "noanswer" if late else stub.outcome
        if outcome == "transferred":
            return TransferResult("transferred", 200, "OK")
        return TransferResult(outcome, STATUSES[outcome], "as the dialogue says")
