"""python: call a function of the plan's author."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field, model_validator

from ivr.dialplan.plan.verb import GoTo, Next, Verb
from ivr.dialplan.runtime.context import CallContext
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.fields import Duration, StepName, Switch, VariableName, refuse
from ivr.dialplan.values.functions import (
    Function,
    FunctionError,
    FunctionName,
    WatchedCoroutine,
    outcome_of,
    raised_at,
)
from ivr.dialplan.values.functions import described as described_error
from ivr.dialplan.values.texts import Expr
from ivr.dialplan.values.variables import is_plain
from ivr.session import SessionEnded
from ivr.tasks import TaskSupervisor

ENDING_S = 1.0
"""Seconds that a cancelled function has for its clean-up, before its coroutine is closed."""
_LET_THROUGH = "let CancelledError through: the call it was for is over"


class Python(Verb):
    """Call an async function with the call's context, and go where its result leads.

    What it raises is a failure of the verb, as is taking longer than ``timeout``. It runs in the service's
    own event loop: blocking it stalls every call.
    """

    name: ClassVar[str] = "python"
    short_field: ClassVar[str | None] = "function"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True
    errors: ClassVar[Mapping[str, str]] = {
        "python_failed": "the function raised something, or returned what a plan cannot hold",
        "timeout": "it took longer than `timeout`",
    }

    function: FunctionName = Field(
        description="an async function: file.py:function beside the plan, or the name of an entry point of "
        "the group ivr.functions"
    )
    with_: dict[VariableName, Expr] = Field(
        default_factory=dict,
        alias="with",
        description="a mapping of the function's parameters to expressions, such as {account: account}",
    )
    into: VariableName | None = Field(default=None, description="the variable that gets its result")
    timeout: Duration = Field(default=10.0, description="how long it may take, such as 10s")
    sensitive: Switch = Field(
        default=False, description="true: what it returns and sets is never logged, recorded or traced"
    )
    goto: dict[str, StepName] = Field(
        default_factory=dict,
        description="a mapping of results to steps, such as {found: greet, unknown: ask}; with any other "
        "result the next verb follows",
    )

    @model_validator(mode="after")
    def _takes_what_it_is_given(self) -> "Python":
        try:
            self._call_of.check_arguments(self.with_)
        except FunctionError as error:
            raise refuse(str(error)) from None
        return self

    @property
    def _call_of(self) -> Function:
        assert isinstance(self.function, Function)
        return self.function

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield from self.goto.items()

    def sets(self) -> Iterator[str]:
        if self.into is not None:
            yield self.into

    async def run(self, run: Run) -> Next:
        result = await self.result(run)
        # As YAML writes them: true, false, none.
        word = str(result).lower() if result is None or isinstance(result, bool) else str(result)
        goto = self.goto.get(word)
        return GoTo(goto) if goto is not None else None

    def hides(self, run: Run) -> bool:
        """Its result is sensitive, be it for what it is given."""
        given = (value.names for value in self.with_.values())
        return self.sensitive or any(not run.variables.sensitive.isdisjoint(names) for names in given)

    async def result(self, run: Run) -> Any:
        """What the function returns, kept in ``into``. Raises VerbFailed."""
        arguments = {name: run.evaluate(value) for name, value in self.with_.items()}
        hidden = self.hides(run)
        context = CallContext(run, sensitive=hidden)
        spec = self._call_of.spec

        def held(seconds: float) -> None:
            run.log.warning(
                "python_blocked_loop",
                function=spec,
                held_ms=round(seconds * 1000),
                remedy="await what waits, put what computes into asyncio.to_thread: no call moved meanwhile",
            )

        work = WatchedCoroutine(self._call_of(context, arguments), held)
        result, error = await self._within_time(run, work)
        if isinstance(error, SessionEnded | VerbFailed):
            raise error
        if error is not None:
            reported = type(error).__name__ if hidden else described_error(error)
            raise VerbFailed("python_failed", f"{spec}: {reported} ({raised_at(error)})")
        if not is_plain(result):
            kind = type(result).__name__
            raise VerbFailed(
                "python_failed",
                f"{spec} returned a {kind}: a plan holds text, numbers, dates, lists and dicts",
            )
        if self.into is not None:
            run.variables.set(self.into, result, sensitive=hidden)
        return result

    async def _within_time(self, run: Run, work: WatchedCoroutine) -> tuple[Any, BaseException | None]:
        task = TaskSupervisor(run.log).start(outcome_of(work), self._call_of.spec)
        try:
            done, _ = await asyncio.wait({task}, timeout=self.timeout)
            if done:
                return task.result()
            raise VerbFailed("timeout", f"{self._call_of.spec} took longer than {self.timeout:g} s")
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=ENDING_S)
            if not task.done():
                run.log.error("python_not_cancelled", function=self._call_of.spec, remedy=_LET_THROUGH)
                work.give_up()
                task.cancel()
                await asyncio.wait({task}, timeout=ENDING_S)
