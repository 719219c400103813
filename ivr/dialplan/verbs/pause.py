"""pause: wait, saying nothing."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.plan.flow import Next
from ivr.dialplan.plan.speaking import PROTECTED
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import Duration
from ivr.session.types import silence

if TYPE_CHECKING:
    from ivr.dialplan.runtime.run import Run


class Pause(Verb):
    """Wait, saying nothing. What the caller says meanwhile is not listened to."""

    name: ClassVar[str] = "pause"
    short: ClassVar[str | None] = "length"

    length: Duration = Field(description="how long, such as 1s")

    async def run(self, run: "Run") -> Next:
        # Silence that is played is counted in samples, as everything in a call is.
        await run.prompt(silence(self.length), PROTECTED)
        return None
