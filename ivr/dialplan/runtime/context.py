"""What a function of the plan's author sees of a call: small, and meant to stay as it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ivr.dialplan.runtime.control import CallFacts
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.expressions import ExpressionError
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.variables import NAME, RESERVED, is_plain
from ivr.session.types import Turn


class CallContext:
    """The first argument of every function that a ``python`` verb names::

        async def balance(call: CallContext, account: str) -> float:
            await call.say("One moment.")
            return await bank.balance(account)

    A caller who leaves ends the function: ``say``, ``listen`` and whatever else it awaits raise
    CancelledError or SessionEnded, which are to be let through.
    """

    def __init__(self, run: Run, *, sensitive: bool = False) -> None:
        """``sensitive``: what it sets is so too."""
        self._run, self._sensitive = run, sensitive

    @property
    def facts(self) -> CallFacts:
        """What the call brought with it."""
        return self._run.call.facts

    @property
    def plan(self) -> str:
        """The plan's name."""
        return self._run.plan.name

    @property
    def language(self) -> str:
        """What is spoken now, such as ``en``."""
        return self._run.language

    @property
    def log(self) -> Any:
        """A structlog logger that knows the call. Nothing sensitive belongs into it."""
        return self._run.log

    @property
    def variables(self) -> Mapping[str, Any]:
        """A copy of the plan's variables."""
        return self._run.variables.scope()

    def now(self) -> datetime:
        """The time, with its zone; in a test the test's."""
        return self._run.world.now()

    def set(self, name: str, value: Any, *, sensitive: bool = False) -> None:
        """Give a variable a value: text, numbers, True, False, None, dates, times, lists and dicts of these.
        Raises ValueError for a name or a value that a plan cannot have.
        """
        if NAME.fullmatch(name) is None or name in RESERVED:
            raise ValueError(f"{name!r} cannot be the name of a variable")
        if not is_plain(value):
            raise ValueError(f"the value of {name!r} is a {type(value).__name__}, which no plan can read")
        try:
            self._run.variables.set(name, value, sensitive=sensitive or self._sensitive)
        except ExpressionError as error:
            raise ValueError(str(error)) from None

    async def say(self, text: str, *, interruptible: bool = True) -> None:
        """Say it, and wait for its end or its interruption. An engine's failure is logged, not raised."""
        yields = PromptOptions() if interruptible else PromptOptions(barge_in="none")
        await self._run.prompt(" ".join(text.split()), yields)

    async def listen(self, timeout: float = 5.0) -> Turn:  # noqa: ASYNC109  (seconds of sound, not of the loop)
        """The caller's next turn: speech, one key, or ``noinput`` after ``timeout`` seconds of nothing."""
        if timeout <= 0:
            raise VerbFailed("bad_value", f"timeout must be positive, got {timeout}")
        turn = await self._run.listen(timeout)
        if turn.reason != "noinput":
            self._run.caller_answered()
        return turn

    def tag(self, name: str, value: Any) -> None:
        """Put a value into the call's record. Nothing sensitive belongs there."""
        self._run.tags[name] = value if is_plain(value) else str(value)
