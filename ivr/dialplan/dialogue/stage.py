"""Where a dialogue is held: what the actor of a caller needs of a call, whatever it is made of."""

from collections.abc import Mapping
from typing import Any, Protocol

from ivr.dialplan.dialogue.journal import Journal
from ivr.session.types import AudioClip

TURN_MS = 200.0
"""How long a caller waits before they answer: the gap between turns of people who talk to one another."""
KEY_MS = 200.0
"""From one key to the next."""


class Stage(Protocol):
    """A running call, and the plan in it."""

    journal: Journal

    @property
    def now(self) -> float:
        """Seconds of the call."""

    @property
    def waiting(self) -> bool:
        """The service listens, nothing is said by either side, and only the caller or time can change it."""

    @property
    def busy(self) -> bool:
        """The caller speaks, is about to, or what they said is being made out."""

    @property
    def over(self) -> str | None:
        """The reason why the plan ended; None while it runs."""

    @property
    def ended_by_plan(self) -> str | None:
        """The reason the plan gave when it ended the call; None when it did not."""

    def variables(self) -> Mapping[str, Any]: ...

    def hidden(self, name: str) -> bool:
        """The variable's value must not be shown."""

    async def settle(self) -> None:
        """Until all that can happen now has happened."""

    async def tick(self, until: float | None = None) -> bool:
        """Until something may have changed, at ``until`` (seconds of the call) at the latest. False: nothing
        will ever change by itself.
        """

    async def says(self, text: str, *, confidence: float, lasts_s: float | None, after_s: float) -> None:
        """The caller says that in ``after_s`` seconds; returns at once."""

    async def plays(self, clip: AudioClip, text: str, *, after_s: float) -> None:
        """A sound as the caller, which says ``text``."""

    def presses(self, keys: str, *, after_s: float) -> None: ...

    async def hangs_up(self) -> None:
        """The caller is gone; returns when the plan has ended."""
