"""A plan in a call: what verbs see of it."""

import contextlib
import dataclasses
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from ivr.dialplan.runtime.control import CallControl
from ivr.dialplan.runtime.plan_view import PlanSettings, Position
from ivr.dialplan.runtime.world import World
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.expressions import Expression, ExpressionError, Template
from ivr.dialplan.values.hours import HoursNow
from ivr.dialplan.values.markup import has_markup, pieces
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.texts import Spoken
from ivr.dialplan.values.variables import HIDDEN, Variables
from ivr.grammar.expectation import Expectation
from ivr.session import (
    AudioClip,
    BargeInOptions,
    PlayoutResult,
    SessionEnded,
    Turn,
    VoiceSession,
)
from ivr.session.prompt.handle import SayHandle
from ivr.session.prompt.synthesis import SaySource
from ivr.session.types import silence

ReplyReader = Callable[[Any], tuple[Any, ...]]
"""Takes the decoded JSON answer ``{"verbs": [...]}`` and returns its verbs, placed and checked (a tuple of
PlacedVerb, which this folder does not know). Raises BadReply."""


class Run:
    """One call's way through a plan. ``Runner`` moves it on; verbs speak, listen and keep values with it."""

    def __init__(
        self,
        plan: PlanSettings,
        position: Position,
        session: VoiceSession,
        call: CallControl,
        log: Any,
        world: World | None = None,
        *,
        read_reply: ReplyReader,
    ) -> None:
        self.plan, self.position, self.session, self.call = plan, position, session, call
        self.read_reply = read_reply
        """Reads the verbs that an application answered a request with; see ``ReplyReader``."""
        self.log = log
        self.world = world or World()
        self.variables = Variables(plan.variables)
        self.tags: dict[str, Any] = {}
        """For the call's record."""
        self.language = plan.languages[0]
        self.silent_steps = 0
        """Steps entered since anything was heard or anybody listened to."""
        self.given_up = 0
        """Gathers given up since a caller answered one."""
        self.failures = 0
        """Verbs that failed since then."""
        self.stray: tuple[str, int] | None = None
        """A key that may still come although it is not needed any more, and the session's clock then."""
        self._answered_early = False
        self._expected = Expectation()
        self._unheard: deque[Turn] = deque()
        self._visits: Counter[tuple[str, int]] = Counter()

    # -- values

    def scope(self) -> dict[str, Any]:
        """What an expression may read."""
        now = self.world.now()
        return {
            **self.variables.scope(),
            "call": self.call.facts.plain(),
            "now": now,
            "language": self.language,
            "hours": HoursNow(self.plan.hours, now),
        }

    def value(self, expression: Expression, **more: Any) -> Any:
        """Raises VerbFailed. ``more`` are names for this once."""
        try:
            return expression.evaluate({**self.scope(), **more})
        except ExpressionError as error:
            raise VerbFailed("bad_value", f"{expression.source}: {error}") from None

    def fill(self, template: Template, **more: Any) -> str:
        """Raises VerbFailed."""
        if template.literal is not None:
            return template.literal
        try:
            return template.render({**self.scope(), **more})
        except ExpressionError as error:
            raise VerbFailed("bad_value", f"{template.source}: {error}") from None

    def shown(self, names: frozenset[str], value: Any) -> Any:
        """``value``, which was made of the variables ``names``, as logs and records may have it."""
        if self.variables.sensitive.isdisjoint(names):
            return self.variables.redact(value) if isinstance(value, str) else value
        return HIDDEN

    # -- speaking and listening

    def speak(self, language: str) -> None:
        """Go on in it: texts, what a backchannel is, and engines where there are some for it."""
        self.language = language
        self.session.set_language(language)

    async def prompt(
        self,
        what: str | AudioClip | Spoken,
        yields: PromptOptions,
        *,
        listening_next: bool = False,
        **more: Any,
    ) -> PlayoutResult | None:
        """Say or play, and wait for its end or its interruption. ``listening_next``: the choices of the verb
        that asks are what is expected. ``more`` are names that the text may read besides the variables.

        Once a caller has interrupted, or is ahead of the plan, the prompts up to the next gather that
        may be interrupted are skipped, as in VoiceXML 2.0, 4.1.5: they have been answered already.
        Where no gather follows nobody would take that answer, so they are said to the end. What is
        protected, be it for its first seconds, is always said.
        An engine's failure is logged, and the plan goes on. None for what was not said. Raises VerbFailed for
        a text whose values are missing.
        """
        await self.call.answer()
        said = self._sayable(what, more)
        if not said:
            return None
        options = self._options(yields, listening_next)
        private = self._is_private(what)
        with self.session.privacy.kept() if private else contextlib.nullcontext():
            return await self._say(said, options, listening_next)

    async def _say(
        self, said: SaySource, options: BargeInOptions, listening_next: bool
    ) -> PlayoutResult | None:
        if options.barge_in != "none" and (listening_next or self.position.next_listener() is not None):
            if not (options.protect_ms or options.protect_dtmf_ms) and self._answered(options):
                self._answered_early = True
                self.log.debug("prompt_skipped")
                return None
        elif self._answered_early:
            options = dataclasses.replace(options, barge_in="none")
        result = await self._played(await self.session.say(said, options=options))
        if result is not None and result.interrupted:
            self._answered_early = True
        return result

    async def _played(self, handle: SayHandle) -> PlayoutResult | None:
        """Wait for the end of a prompt, or for its interruption. Returns None when an engine failed, which is
        logged."""
        try:
            result = await handle.wait_for_playout()
        except SessionEnded:
            raise
        except Exception as error:  # a SpeechError, or whatever an engine of a third party raises
            where = {"step": self.position.step, "line": self.position.line}
            self.log.error("prompt_not_said", **where, error=str(error))
            return None
        finally:
            handle.cancel()  # also when this task is cancelled in mid-prompt; idempotent
        if result.heard_ms > 0:
            self.silent_steps = 0
        return result

    @contextlib.contextmanager
    def expecting(self, expected: Expectation) -> Iterator[None]:
        """Meanwhile the caller is asked for that; afterwards for what they were before."""
        before, self._expected = self._expected, expected
        self.session.set_expectation(expected)
        try:
            yield
        finally:
            self._expected = before
            with contextlib.suppress(SessionEnded):
                self.session.set_expectation(before)

    async def say_as_written(self, pieces: AsyncIterator[str], yields: PromptOptions) -> PlayoutResult | None:
        """Say a text that is still being written, sentence by sentence, and wait for its end or its
        interruption. None when an engine failed, which is logged.
        """
        await self.call.answer()
        return await self._played(await self.session.say(pieces, options=self._options(yields, True)))

    async def listen(self, seconds: float) -> Turn:
        """The caller's next turn, or noinput after ``seconds`` of nothing."""
        await self.call.answer()
        self._answered_early = False
        self.silent_steps = 0
        if self._unheard:
            return self._unheard.popleft()
        return await self.session.listen(timeout=seconds)

    def unheard(self, turn: Turn) -> None:
        """``turn`` was meant for who listens next."""
        self._unheard.append(turn)

    def flush(self) -> None:
        """What was said and pressed so far counts no more."""
        self._answered_early = False
        self.stray = None
        self._unheard.clear()
        self.session.discard_turns()

    def visits(self) -> int:
        """How many times the verb that runs was reached before. Counts this one."""
        self._visits[self.position.place] += 1
        return self._visits[self.position.place] - 1

    def answered(self) -> None:
        """The caller chose something: they are there."""
        self.given_up = self.failures = 0

    def gave_up(self) -> None:
        """A gather ran out of tries."""
        self.given_up += 1

    def say_everything(self) -> None:
        """What comes next is said, whatever the caller said meanwhile."""
        self._answered_early = False

    def _options(self, yields: PromptOptions, asks: bool) -> BargeInOptions:
        """The verb's over the plan's over the service's."""
        options = yields.over(self.plan.defaults.over(self.session.config.barge_in))
        # The plan's ``hotword: true`` is for the prompts that ask for one of some choices.
        return options if asks else dataclasses.replace(options, hotword_answers=False)

    def _answered(self, options: BargeInOptions) -> bool:
        """The caller has answered already what would be asked now, or is about to."""
        eager = (
            options.barge_in == "any" and not options.needs_words
        )  # who makes a noise has said no word yet
        return self._answered_early or (eager and self.session.caller_active)

    def _sayable(self, what: str | AudioClip | Spoken, more: Mapping[str, Any]) -> SaySource:
        """``what`` without markup; empty when nothing is left."""
        if isinstance(what, AudioClip):
            return what
        text = self.fill(what.in_language(self.language), **more) if isinstance(what, Spoken) else what
        if not has_markup(text):
            return text
        return [
            piece if isinstance(piece, str) else silence(piece.ms / 1000)
            for piece in pieces(text, self.language)
        ]

    def _is_private(self, what: str | AudioClip | Spoken) -> bool:
        """It says something sensitive, or the answer to what it leads up to is."""
        named = isinstance(what, Spoken) and not self.variables.sensitive.isdisjoint(what.names)
        ahead = self.position.next_listener() if self.session.privacy.keys else None
        return named or (ahead is not None and ahead.keeps_private)
