"""play: play a sound file."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.fields import BargeIn, SoundFile
from ivr.dialplan.verbs.base import Next, Verb

if TYPE_CHECKING:
    from ivr.dialplan.run import Run


class Play(Verb):
    """Play a WAV file and wait until it was heard or interrupted."""

    name: ClassVar[str] = "play"
    short: ClassVar[str | None] = "file"

    file: SoundFile = Field(description="a WAV file; the path is relative to the plan")
    barge_in: BargeIn = "any"

    async def run(self, run: "Run") -> Next:
        await run.prompt(run.plan.sounds[self.file], self.barge_in)
        return None
