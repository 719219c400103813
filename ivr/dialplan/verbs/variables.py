"""set, tag, log: keep a value; for the plan, for the call's record, for the log."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from ivr.dialplan.plan.verb import Next, Verb
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.fields import VariableName
from ivr.dialplan.values.texts import Expr, TemplateText


class _Values(Verb):
    """A mapping of names to expressions."""

    mapping_field: ClassVar[str | None] = "values"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True

    values: dict[VariableName, Expr] = Field(
        min_length=1,
        description="a mapping of names to expressions, such as {tries: tries + 1, who: \"'you'\"}",
    )

    def sets(self) -> Iterator[str]:
        yield from self.values


class Set(_Values):
    """Give variables values."""

    name: ClassVar[str] = "set"

    async def run(self, run: Run) -> Next:
        worked_out: dict[str, Any] = {name: run.evaluate(value) for name, value in self.values.items()}
        for name, value in worked_out.items():
            hidden = not run.variables.sensitive.isdisjoint(self.values[name].names)
            run.variables.set(name, value, sensitive=hidden)
        run.log.info("variables_set", **{name: run.variables.shown()[name] for name in worked_out})
        return None


class Tag(_Values):
    """Put values into the call's record, as they are now."""

    name: ClassVar[str] = "tag"

    def sets(self) -> Iterator[str]:
        return iter(())

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        for name, value in self.values.items():
            yield f"values.{name}", value.names

    async def run(self, run: Run) -> Next:
        for name, value in self.values.items():
            run.tags[name] = run.redacted(value.names, run.evaluate(value))
        return None


class Log(Verb):
    """Write a line into the service's log."""

    name: ClassVar[str] = "log"
    short_field: ClassVar[str | None] = "message"
    after_hangup: ClassVar[bool] = True
    before_answer: ClassVar[bool] = True

    message: TemplateText = Field(description="a text, values in {{ }}")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )

    def exposes(self) -> Iterator[tuple[str, frozenset[str]]]:
        yield "message", self.message.names

    async def run(self, run: Run) -> Next:
        text = run.redacted(self.message.names, run.render(self.message))
        getattr(run.log, self.level)("plan_log", message=text)
        return None
