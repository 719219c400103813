"""language: go on in another language."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.plan.flow import Next
from ivr.dialplan.plan.verb import Verb
from ivr.dialplan.values.fields import PlanLanguage

if TYPE_CHECKING:
    from ivr.dialplan.runtime.run import Run


class Language(Verb):
    """Go on in another language: texts, numbers and dates, and the voice and the recogniser where the service
    has some for it.
    """

    name: ClassVar[str] = "language"
    short: ClassVar[str | None] = "to"
    quiet: ClassVar[bool] = True

    to: PlanLanguage = Field(description="one of the plan's languages, such as fr")

    async def run(self, run: "Run") -> Next:
        run.speak(self.to)
        run.log.info("language_changed", language=self.to)
        return None
