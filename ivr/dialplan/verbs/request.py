"""request: ask a back end over HTTP."""

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, model_validator

from ivr.dialplan.plan.verb import GoTo, Next, Perform, PlacedVerb, SpeakingVerb, names_in
from ivr.dialplan.runtime.fillers import with_fillers
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.runtime.world import BadReply, Http, HttpFailed, HttpReply, HttpRequest
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import VerbFailed, did_you_mean, quoted
from ivr.dialplan.values.expressions import ExpressionError
from ivr.dialplan.values.fields import Duration, StepName, Switch, VariableName, refuse
from ivr.dialplan.values.nested import Data
from ivr.dialplan.values.texts import Expr, PromptTexts, TemplateText
from ivr.dialplan.values.urls import Url, leads_elsewhere
from ivr.text import clean_data, clean_text, decode_text, header_text, json_text

MAX_TRIES = 5
BACKOFF_S = 0.25
"""Seconds before the first retry; doubled for each further one."""
_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE", "HEAD"})
"""What may be sent twice (RFC 9110, 9.2.2)."""
_RETRIED = frozenset({429, 500, 502, 503, 504})
_CLASSES = ("2xx", "3xx", "4xx", "5xx")
_EVENTS = ("timeout", "unreachable", "bad_answer", "failed")
_OF_THE_ANSWER = frozenset({"body", "status", "headers"})
"""What ``into`` may read besides the variables."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _route(key: str) -> str:
    known = key.lower()
    if known in _CLASSES or known in _EVENTS or (re.fullmatch(r"[2-5][0-9]{2}", known) is not None):
        return known
    named = (*_CLASSES, *_EVENTS)
    raise refuse(
        f"expected a status such as 404, one of 2xx, 3xx, 4xx, 5xx, or timeout, unreachable, bad_answer or "
        f"failed, found {quoted(key)}{did_you_mean(key, named)}"
    )


def _header(name: str) -> str:
    if _HEADER.fullmatch(name) is None:
        raise refuse(f"expected a header's name such as X-Customer, found {quoted(name)}")
    return name


RouteKey = Annotated[str, AfterValidator(_route)]
HeaderName = Annotated[str, AfterValidator(_header)]


class Request(SpeakingVerb):
    """Send an HTTP request and go on with what was answered.

    A status of 2xx is success. What has no route of its own goes where ``failed`` leads, else it is a failure
    of the verb: ``on_error``, or an apology.
    """

    name: ClassVar[str] = "request"
    short_field: ClassVar[str | None] = "url"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True
    events: ClassVar[Mapping[str, str]] = {
        "timeout": "there was no whole answer within `timeout`",
        "unreachable": "nobody can be reached there",
        "bad_answer": "what was answered is not what is expected",
        "failed": "any of these, and every status but 2xx, where they have no route of their own",
    }
    errors: ClassVar[Mapping[str, str]] = {
        "request_failed": "it failed and `on` has no step for that",
        "bad_value": "a value is missing, or cannot be sent",
    }

    url: Url = Field(
        description="an http or https address, or what follows http.base_url of the settings; values in "
        "{{ }} are escaped"
    )
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] | None = Field(
        default=None,
        description="GET, POST, PUT, PATCH, DELETE or HEAD; POST where there is json, else GET",
    )
    headers: dict[HeaderName, TemplateText] = Field(
        default_factory=dict, description="a mapping of header names to texts, values in {{ }}"
    )
    query: dict[str, Expr] = Field(
        default_factory=dict,
        description="a mapping of names to expressions, for the part after the question mark",
    )
    json_: Data | None = Field(
        default=None,
        alias="json",
        description="what is sent: a mapping whose values are expressions, such as {number: account}",
    )
    timeout: Duration = Field(
        default=10.0, description="how long to wait for the answer, all tries together, such as 10s"
    )
    retries: int = Field(
        default=1,
        ge=0,
        le=MAX_TRIES,
        description="how many times to try again after no answer, 429 or 5xx; never with POST or PATCH",
    )
    filler: PromptTexts = Field(
        default=(), description="said while the answer takes its time; of a list one after the other"
    )
    filler_after: Duration = Field(
        default=2.0, description="after how long a filler is said, and the next one, such as 2s"
    )
    into: dict[VariableName, Expr] = Field(
        default_factory=dict,
        description="a mapping of variables to expressions on body, status and headers of the answer, such "
        "as {balance: body.account.balance}",
    )
    sensitive: Switch = Field(
        default=False, description="true: what was answered is never logged, recorded or traced"
    )
    verbs: Switch = Field(
        default=False,
        description='true: the answer is verbs to run, in JSON: {"verbs": [{"say": "Hello"}]}',
    )
    on: dict[RouteKey, StepName] = Field(
        default_factory=dict,
        description="a mapping of statuses (404, 4xx), timeout, unreachable, bad_answer and failed to steps",
    )

    @model_validator(mode="after")
    def _verbs_are_the_way_on(self) -> "Request":
        routed = next((key for key in self.on if key.startswith("2")), None)
        if self.verbs and routed is not None:
            raise refuse(f"with 'verbs' the answer says what follows, so there is no route for {routed}")
        return self

    @classmethod
    def cross_check(cls, data: dict[str, Any], language: str) -> Iterator[tuple[Path, str]]:
        if "json" in data and str(data.get("method")) in ("GET", "HEAD"):
            yield ("json",), f"nothing can be sent with {data['method']}: use POST, or query"

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield from self.on.items()

    def may_end(self) -> bool:
        return self.verbs

    def prompts(self) -> Iterator[str]:
        for text in self.filler:
            yield from text.literals()

    def reads(self) -> Iterator[str]:
        for field in ("url", "headers", "query", "json_", "filler"):
            yield from names_in(getattr(self, field))
        yield from set(names_in(self.into)) - _OF_THE_ANSWER

    def sets(self) -> Iterator[str]:
        yield from self.into

    def sets_when(self, why: str) -> Iterator[str]:
        return self.sets() if not why or why.startswith("2") else iter(())

    async def run(self, run: Run) -> Next:
        http = run.world.http
        if http is None:
            raise VerbFailed("request_failed", "this service sends no requests")
        request = self._made(run)
        # Never with its values: the address as the plan has it.
        run.log.info("request_started", method=request.method, url=self.url.source)
        began = time.monotonic()
        try:
            reply = await with_fillers(run, self._sent(http, request), self.filler, self.filler_after, self)
            status, event, message = reply.status, str(reply.status), f"it answered {reply.status}"
            after = self._understood(run, reply) if 200 <= status < 300 else None
        except HttpFailed as error:
            status, event, message, after = 0, error.event, str(error), None
        except BadReply as error:
            status, event, message, after = reply.status, "bad_answer", str(error), None
        took_ms = round((time.monotonic() - began) * 1000)
        run.log.info("request_ended", url=self.url.source, outcome=event, status=status, took_ms=took_ms)
        if event == "bad_answer":
            reported = "its answer is sensitive" if self.sensitive else run.variables.redact(message)
            run.log.error("bad_answer", url=self.url.source, error=reported)
        succeeded = event.startswith("2")
        goto = self._goto(event, succeeded)
        if goto is not None:
            return GoTo(goto)
        if not succeeded:
            raise VerbFailed(
                "request_failed", f"{self.url.source}: {'' if self.sensitive else message or event}"
            )
        return after

    # -- what is sent

    def _made(self, run: Run) -> HttpRequest:
        """Raises VerbFailed for values that are missing, or that would lead elsewhere."""
        url = run.render(self.url)
        if leads_elsewhere(url):
            raise VerbFailed("bad_value", f"{self.url.source}: a value of it is '..'")
        query = {name: run.evaluate(value) for name, value in self.query.items()}
        if query:
            listed = {name: value for name, value in query.items() if value is not None}
            url += ("&" if "?" in url else "?") + urlencode(
                {name: _as_text(value) for name, value in listed.items()}, doseq=True
            )
        headers = {name: header_text(run.render(value)) for name, value in self.headers.items()}
        body = None
        if self.json_ is not None:
            try:
                body = json_text(self.json_.evaluate(run.scope())).encode()
            except (ExpressionError, ValueError) as error:
                raise VerbFailed("bad_value", f"json: {error}") from None
            headers.setdefault("Content-Type", "application/json")
        headers.setdefault("Accept", "application/json")
        method = self.method or ("GET" if body is None else "POST")
        return HttpRequest(method, url, headers, body, self.timeout)

    async def _sent(self, http: Http, request: HttpRequest) -> HttpReply:
        """Raises HttpFailed."""
        deadline = time.monotonic() + self.timeout
        tries = 1 + (self.retries if request.method in _IDEMPOTENT else 0)
        for number in range(1, tries + 1):
            left = max(0.001, deadline - time.monotonic())
            again = HttpRequest(request.method, request.url, request.headers, request.body, left)
            wait = BACKOFF_S * 2.0 ** (number - 1)
            last = number == tries or time.monotonic() + wait >= deadline
            try:
                reply = await http.send(again)
                if last or reply.status not in _RETRIED:
                    return reply
            except HttpFailed as error:
                if last or error.event == "bad_answer" or time.monotonic() + wait >= deadline:
                    raise
            await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    # -- what is answered

    def _understood(self, run: Run, reply: HttpReply) -> Next:
        """The variables are set; the verbs of the answer. Raises BadReply, and then none was set."""
        if not self.into and not self.verbs:
            return None
        body = _body(reply, must_be_json=self.verbs)
        more = {"body": body, "status": reply.status, "headers": _headers(reply)}
        scope = {**run.scope(), **more}
        found: dict[str, Any] = {}
        for name, value in self.into.items():
            try:
                found[name] = value.evaluate(scope)
            except ExpressionError as error:
                raise BadReply(f"{name}: {value.source}: {error}") from None
        verbs: tuple[PlacedVerb, ...] = run.read_reply(body) if self.verbs else ()
        for name, value in found.items():
            hidden = self.sensitive or not run.variables.sensitive.isdisjoint(self.into[name].names)
            run.variables.set(name, value, sensitive=hidden)
        return Perform(f"{run.position.step}/reply", verbs) if verbs else None

    def _goto(self, event: str, succeeded: bool) -> str | None:
        route = self.on.get(event)
        if route is None and event.isdigit():
            route = self.on.get(f"{event[0]}xx")
        return route if route is not None or succeeded else self.on.get("failed")


def _as_text(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _headers(reply: HttpReply) -> dict[str, str]:
    """Convert headers as in ``call.headers``: names in small letters, an underscore for a dash."""
    return {name.lower().replace("-", "_"): clean_text(value) for name, value in reply.headers.items()}


def _body(reply: HttpReply, *, must_be_json: bool) -> Any:
    """Decoded where it is JSON, else its text. Raises BadReply."""
    kind = _headers(reply).get("content_type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return clean_data(json.loads(reply.body))
        except (ValueError, RecursionError) as error:
            raise BadReply(f"it is no JSON: {clean_text(str(error))[:200]}") from None
    if must_be_json:
        raise BadReply(f"expected application/json, found {quoted(kind or 'no content type')}")
    return clean_text(decode_text(reply.body), lines=True)
