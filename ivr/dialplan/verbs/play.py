"""play: play a sound file."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.fields import SoundFile
from ivr.dialplan.verbs.base import Next
from ivr.dialplan.verbs.speaking import Speaking

if TYPE_CHECKING:
    from ivr.dialplan.run import Run


class Play(Speaking):
    """Play a WAV file and wait until it was heard or interrupted."""

    name: ClassVar[str] = "play"
    short: ClassVar[str | None] = "file"

    file: SoundFile = Field(description="a WAV file; the path is relative to the plan")

    async def run(self, run: "Run") -> Next:
        await run.prompt(run.plan.sounds[self.file], self)
        return None
