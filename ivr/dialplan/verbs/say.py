"""say: speak a text."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.fields import Text
from ivr.dialplan.verbs.base import Next
from ivr.dialplan.verbs.speaking import Speaking

if TYPE_CHECKING:
    from ivr.dialplan.run import Run


class Say(Speaking):
    """Speak a text and wait until it was heard or interrupted."""

    name: ClassVar[str] = "say"
    short: ClassVar[str | None] = "text"

    text: Text = Field(description="a text to speak")

    def prompts(self) -> Iterator[str]:
        yield self.text

    async def run(self, run: "Run") -> Next:
        await run.prompt(self.text, self)
        return None
