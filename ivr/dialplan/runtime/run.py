"""A plan in a call: what verbs see of it."""

import contextlib
import dataclasses
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from ivr.dialplan.plan.flow import VerbFailed
from ivr.dialplan.plan.hours import HoursNow
from ivr.dialplan.plan.plan import PlacedVerb, Plan, Step
from ivr.dialplan.plan.speaking import Prompting
from ivr.dialplan.runtime.control import CallControl
from ivr.dialplan.runtime.world import World
from ivr.dialplan.values.expressions import Expression, ExpressionError, Template
from ivr.dialplan.values.markup import has_markup, pieces
from ivr.dialplan.values.texts import Spoken
from ivr.dialplan.values.variables import HIDDEN, Variables
from ivr.dialplan.verbs import Verb
from ivr.grammar.expectation import Expectation
from ivr.session import (
    AudioClip,
    BargeInOptions,
    PlayoutResult,
    SessionEnded,
    Turn,
    VoiceSession,
)
from ivr.session.prompt.handle import SaySource
from ivr.session.types import silence


class Run:
    """One call's way through a plan. ``Runner`` moves it on; verbs speak, listen and keep values with it."""

    def __init__(
        self, plan: Plan, session: VoiceSession, call: CallControl, log: Any, world: World | None = None
    ) -> None:
        self.plan, self.session, self.call = plan, session, call
        self.log = log
        self.world = world or World()
        self.variables = Variables(plan.variables)
        self.tags: dict[str, Any] = {}
        """For the call's record."""
        self.language = plan.languages[0]
        self.at: tuple[str, int] = (plan.start, 0)
        """The step, and the place of the verb in it."""
        self.lent: dict[str, Step] = {}
        """Verbs under way that are no step of the plan, by the name they run under."""
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
        self.session.speak(language)

    async def prompt(
        self, what: str | AudioClip | Spoken, yields: Prompting, *, listening_next: bool = False, **more: Any
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
        if options.barge_in != "none" and (listening_next or self._gather_ahead()):
            if not (options.protect_ms or options.protect_dtmf_ms) and self._answered(options):
                self._answered_early = True
                self.log.debug("prompt_skipped")
                return None
        elif self._answered_early:
            options = dataclasses.replace(options, barge_in="none")
        handle = await self.session.say(said, options=options)
        try:
            result = await handle.wait_for_playout()
        except SessionEnded:
            raise
        except Exception as error:  # a SpeechError, or whatever an engine of a third party raises
            self.log.error("prompt_not_said", step=self.at[0], line=self.placed().line, error=str(error))
            return None
        finally:
            handle.cancel()  # also when this task is cancelled in mid-prompt; idempotent
        if result.heard_ms > 0:
            self.silent_steps = 0
        if result.interrupted:
            self._answered_early = True
        return result

    @contextlib.contextmanager
    def expecting(self, expected: Expectation) -> Iterator[None]:
        """Meanwhile the caller is asked for that; afterwards for what they were before."""
        before, self._expected = self._expected, expected
        self.session.expect(expected)
        try:
            yield
        finally:
            self._expected = before
            with contextlib.suppress(SessionEnded):
                self.session.expect(before)

    async def say_as_written(self, pieces: AsyncIterator[str], yields: Prompting) -> PlayoutResult | None:
        """Say a text that is still being written, sentence by sentence, and wait for its end or its
        interruption. None when an engine failed, which is logged.
        """
        await self.call.answer()
        handle = await self.session.say(pieces, options=self._options(yields, True))
        try:
            result = await handle.wait_for_playout()
        except SessionEnded:
            raise
        except Exception as error:
            self.log.error("prompt_not_said", step=self.at[0], line=self.placed().line, error=str(error))
            return None
        finally:
            handle.cancel()
        if result.heard_ms > 0:
            self.silent_steps = 0
        return result

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
        self.session.forget()

    def visits(self) -> int:
        """How many times the verb that runs was reached before. Counts this one."""
        self._visits[self.at] += 1
        return self._visits[self.at] - 1

    def answered(self) -> None:
        """The caller chose something: they are there."""
        self.given_up = self.failures = 0

    def gave_up(self) -> None:
        """A gather ran out of tries."""
        self.given_up += 1

    def say_everything(self) -> None:
        """What comes next is said, whatever the caller said meanwhile."""
        self._answered_early = False

    # -- where it is

    def placed(self) -> PlacedVerb:
        """The verb that runs."""
        step, index = self.at
        return self.step(step).verbs[index]

    def step(self, name: str) -> Step:
        """Of the plan, or lent to it."""
        return self.lent.get(name) or self.plan.steps[name]

    def _options(self, yields: Prompting, asks: bool) -> BargeInOptions:
        """The verb's over the plan's over the service's."""
        options = yields.over(self.plan.defaults.over(self.session.config.barge_in))
        # The plan's ``hotword: true`` is for the prompts that ask for one of some choices.
        return options if asks else dataclasses.replace(options, hotword_answers=False)

    def _answered(self, options: BargeInOptions) -> bool:
        """The caller has answered already what would be asked now, or is about to."""
        eager = options.barge_in == "any" and not options.by_words  # who makes a noise has said no word yet
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
        ahead = self._listens_next() if self.session.privacy.keys else None
        return named or (ahead is not None and ahead.keeps_private)

    def _gather_ahead(self) -> bool:
        return self._listens_next() is not None

    def _listens_next(self) -> Verb | None:
        """The verb that listens to which the plan comes from here on, whatever happens."""
        step, index = self.at
        seen: set[str] = set()
        while True:
            for placed in self.step(step).verbs[index:]:
                if placed.verb.listens:
                    return placed.verb
                if placed.verb.may_end():
                    return None
                target = placed.verb.goes_to()
                if target is not None:
                    break
                if any(placed.verb.may_go_to()):  # where that leads is not known yet
                    return None
            else:
                return None
            if target in seen:
                return None
            seen.add(target)
            step, index = target, 0
