"""play: play a sound file."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ivr.dialplan.plan.flow import Next
from ivr.dialplan.plan.speaking import TAPER, Speaking, tapered
from ivr.dialplan.values.fields import SoundFiles, Switch

if TYPE_CHECKING:
    from ivr.dialplan.runtime.run import Run


class Play(Speaking):
    """Play a WAV file, or several in their order, and wait until it was heard or interrupted."""

    name: ClassVar[str] = "play"
    short: ClassVar[str | None] = "file"

    file: SoundFiles = Field(description="a WAV file, or a list of them; the path is relative to the plan")
    loop: int = Field(default=1, ge=1, le=100, description="how many times")
    taper: Switch = TAPER

    async def run(self, run: "Run") -> Next:
        files = tapered(self.file, run.visits()) if self.taper else self.file
        for _ in range(self.loop):
            for file in files:
                await run.prompt(run.plan.sounds[file], self)
        return None
