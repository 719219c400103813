"""branch and switch: where to go depends on a value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.plan.flow import GoTo, Next
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import StepName
from ivr.dialplan.values.texts import Expr

if TYPE_CHECKING:
    from ivr.dialplan.runtime.run import Run


class Branch(Verb):
    """Go to one step when a condition holds, to another when it does not."""

    name: ClassVar[str] = "branch"
    after_hangup: ClassVar[bool] = True
    quiet: ClassVar[bool] = True
    decides: ClassVar[bool] = True

    if_: Expr = Field(alias="if", description="an expression such as tries > 2 or hours.office.open")
    then: StepName = Field(description="the step to go to when it holds")
    else_: StepName | None = Field(
        default=None,
        alias="else",
        description="the step to go to when it does not; else the next verb follows",
    )

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield f"if {self.if_.source}", self.then
        if self.else_ is not None:
            yield "else", self.else_

    def sets_on(self, why: str) -> Iterator[str]:
        holds = why not in ("", "else")
        return iter(self.if_.defined_if if holds else self.if_.defined_unless)

    def always_leaves(self) -> bool:
        return self.else_ is not None

    async def run(self, run: "Run") -> Next:
        goto = self.then if run.value(self.if_) else self.else_
        return GoTo(goto) if goto is not None else None


class Switch(Verb):
    """Go to the step that a value names."""

    name: ClassVar[str] = "switch"
    after_hangup: ClassVar[bool] = True
    quiet: ClassVar[bool] = True
    decides: ClassVar[bool] = True

    on: Expr = Field(description="an expression whose value is looked up, such as call.to")
    cases: dict[str, StepName] = Field(min_length=1, description="a mapping of values to steps")
    default: StepName | None = Field(
        default=None, description="the step for any other value; without it the next verb follows"
    )

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield from self.cases.items()
        if self.default is not None:
            yield "default", self.default

    def always_leaves(self) -> bool:
        return self.default is not None

    async def run(self, run: "Run") -> Next:
        value = run.value(self.on)
        text = str(value).lower() if isinstance(value, bool) else str(value)
        goto = self.cases.get(text, self.default)
        return GoTo(goto) if goto is not None else None
