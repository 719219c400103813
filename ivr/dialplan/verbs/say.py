"""say: speak a text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.plan.flow import Next
from ivr.dialplan.plan.speaking import TAPER, Speaking, tapered
from ivr.dialplan.values.fields import Switch
from ivr.dialplan.values.texts import SaidList

if TYPE_CHECKING:
    from ivr.dialplan.runtime.run import Run


class Say(Speaking):
    """Speak a text, or several in their order, and wait until it was heard or interrupted.

    Values are read as a person would by the filters ``number``, ``ordinal``, ``digits``, ``spell``,
    ``phone``, ``date``, ``time`` and ``money``: ``{{ amount | money("EUR") }}``. A small part of SSML is
    carried out: ``<break time="500ms"/>``, ``<say-as interpret-as="characters">``, ``<emphasis>``, ``<p>``,
    ``<s>``.
    """

    name: ClassVar[str] = "say"
    short: ClassVar[str | None] = "text"

    text: SaidList = Field(
        description="a text to speak, values in {{ }}; or a list of them; or one for each language",
    )
    loop: int = Field(default=1, ge=1, le=100, description="how many times")
    taper: Switch = TAPER

    def prompts(self) -> Iterator[str]:
        for text in self.text:
            yield from text.literals()

    async def run(self, run: "Run") -> Next:
        texts = tapered(self.text, run.visits()) if self.taper else self.text
        for _ in range(self.loop):
            for text in texts:
                await run.prompt(text, self)
        return None
