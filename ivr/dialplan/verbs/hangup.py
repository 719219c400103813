"""hangup: end the call."""

from typing import TYPE_CHECKING, ClassVar

from ivr.dialplan.verbs.base import End, Next, Verb

if TYPE_CHECKING:
    from ivr.dialplan.run import Run


class Hangup(Verb):
    """End the call."""

    name: ClassVar[str] = "hangup"

    def may_end(self) -> bool:
        return True

    async def run(self, run: "Run") -> Next:
        return End("hangup")
