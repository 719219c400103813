"""goto: go on with another step."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.plan.flow import GoTo, Next
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import StepName

if TYPE_CHECKING:
    from ivr.dialplan.runtime.run import Run


class Goto(Verb):
    """Go on with the first verb of another step."""

    name: ClassVar[str] = "goto"
    short: ClassVar[str | None] = "step"
    after_hangup: ClassVar[bool] = True
    quiet: ClassVar[bool] = True

    step: StepName = Field(description="the name of a step")

    def goes_to(self) -> str | None:
        return self.step

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        yield "", self.step

    def always_leaves(self) -> bool:
        return True

    async def run(self, run: "Run") -> Next:
        return GoTo(self.step)
