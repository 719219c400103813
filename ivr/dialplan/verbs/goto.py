"""goto: go on with another step."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.fields import StepName
from ivr.dialplan.verbs.base import GoTo, Next, Verb

if TYPE_CHECKING:
    from ivr.dialplan.run import Run


class Goto(Verb):
    """Go on with the first verb of another step."""

    name: ClassVar[str] = "goto"
    short: ClassVar[str | None] = "step"

    step: StepName = Field(description="the name of a step")

    def goes_to(self) -> str | None:
        return self.step

    async def run(self, run: "Run") -> Next:
        return GoTo(self.step)
