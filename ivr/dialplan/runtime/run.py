"""What a verb is given of the call it runs in: values, prompts, the caller's input, the call, the world."""

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
from ivr.grammar.languages import registry
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
    """One call on its way through a plan. The runner moves it on; verbs prompt and listen with it."""

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
        """A structlog logger bound to the call."""
        self.world = world or World()
        self.variables = Variables(plan.variables)
        self.tags: dict[str, Any] = {}
        """Values for the call's record."""
        self.language = plan.languages[0]
        self.silent_steps = 0
        """Steps entered since the caller last heard something or was listened to."""
        self.gathers_given_up = 0
        """Gathers given up since the caller last answered one."""
        self.failures = 0
        """Verbs that failed since the caller last answered."""
        self.late_key: tuple[str, int] | None = None
        """A finish key that may still come after a complete value, and the session's clock (samples) then."""
        self._answered_early = False
        self._expected = Expectation()
        self._pushed_back: deque[Turn] = deque()
        self._visits: Counter[tuple[str, int]] = Counter()

    # -- values

    def scope(self) -> dict[str, Any]:
        """Return the names that an expression may read, with their values."""
        now = self.world.now()
        return {
            **self.variables.scope(),
            "call": self.call.facts.plain(),
            "now": now,
            "language": self.language,
            "hours": HoursNow(self.plan.hours, now),
        }

    def evaluate(self, expression: Expression, **more: Any) -> Any:
        """Return an expression's value. It may also read the names of ``more``. Raises VerbFailed."""
        try:
            return expression.evaluate({**self.scope(), **more})
        except ExpressionError as error:
            raise VerbFailed("bad_value", f"{expression.source}: {error}") from None

    def render(self, template: Template, **more: Any) -> str:
        """Return a text with its values, which may also read the names of ``more``. Raises VerbFailed."""
        if template.literal is not None:
            return template.literal
        try:
            return template.render({**self.scope(), **more})
        except ExpressionError as error:
            raise VerbFailed("bad_value", f"{template.source}: {error}") from None

    def redacted(self, names: frozenset[str], value: Any) -> Any:
        """Return ``value``, made of the variables ``names``, with sensitive parts hidden: for logs and call
        records."""
        if self.variables.sensitive.isdisjoint(names):
            return self.variables.redact(value) if isinstance(value, str) else value
        return HIDDEN

    # -- prompts and the caller's input

    def set_language(self, language: str) -> None:
        """Set the language of texts, backchannels and, where the service has some for it, speech engines."""
        self.language = language
        self.session.set_language(language)

    async def prompt(
        self,
        what: str | AudioClip | Spoken,
        options: PromptOptions,
        *,
        listening_next: bool = False,
        **more: Any,
    ) -> PlayoutResult | None:
        """Say or play something, and wait for its end or its interruption. ``listening_next``: the verb
        listens next, and what is expected then may interrupt. The text may read the names of ``more``.

        Once a caller has interrupted, or is ahead of the plan, the prompts up to the next gather that may be
        interrupted are skipped, as in VoiceXML 2.0, 4.1.5: they have been answered already. Where no gather
        follows, nothing would take that answer, so they are said to the end. A protected prompt, even if only
        its first seconds are, is always said.

        An engine's failure is logged, "I cannot say that" is said instead, and the plan goes on. Returns None
        for what was not said. Raises VerbFailed when a value of the text is missing.
        """
        await self.call.answer()
        source = self._without_markup(what, more)
        if not source:
            return None
        barge_in = self._barge_in_options(options, listening_next)
        private = self._is_private(what)
        with self.session.privacy.kept() if private else contextlib.nullcontext():
            return await self._say(source, barge_in, listening_next)

    async def _say(
        self, source: SaySource, options: BargeInOptions, listening_next: bool
    ) -> PlayoutResult | None:
        if options.barge_in != "none" and (listening_next or self.position.next_listener() is not None):
            if not (options.protect_ms or options.protect_dtmf_ms) and self._is_answered(options):
                self._answered_early = True
                self.log.debug("prompt_skipped")
                return None
        elif self._answered_early:
            options = dataclasses.replace(options, barge_in="none")
        result = await self._played(await self.session.say(source, options=options))
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
        except Exception as error:  # a SpeechError, or any error of an engine from another package
            self.log.error(
                "prompt_failed", step=self.position.step, line=self.position.line, error=str(error)
            )
            await self._say_that_it_failed()
            return None
        finally:
            handle.cancel()  # also when this task is cancelled during the prompt; idempotent
        if result.heard_ms > 0:
            self.silent_steps = 0
        return result

    async def _say_that_it_failed(self) -> None:
        """Say that a prompt could not be made; this one was made at the start."""
        handle = await self.session.say(registry.text("voice_failed", self.language))
        try:
            await handle.wait_for_playout()
        except SessionEnded:
            raise
        except Exception as error:
            self.log.error("apology_failed", error=str(error))
        finally:
            handle.cancel()

    @contextlib.contextmanager
    def expecting(self, expected: Expectation) -> Iterator[None]:
        """Set what the caller is expected to say, and restore the previous expectation afterwards."""
        before, self._expected = self._expected, expected
        self.session.set_expectation(expected)
        try:
            yield
        finally:
            self._expected = before
            with contextlib.suppress(SessionEnded):
                self.session.set_expectation(before)

    def replace_expectation(self, expected: Expectation) -> None:
        """Set what the caller is expected to say, inside ``expecting``. Raises SessionEnded."""
        self._expected = expected
        self.session.set_expectation(expected)

    async def say_as_written(
        self, pieces: AsyncIterator[str], options: PromptOptions
    ) -> PlayoutResult | None:
        """Say a text that is still being written, sentence by sentence, and wait for its end or its
        interruption. Returns None when an engine failed, which is logged.
        """
        await self.call.answer()
        barge_in = self._barge_in_options(options, True)
        return await self._played(await self.session.say(pieces, options=barge_in))

    async def listen(self, seconds: float) -> Turn:
        """Return the caller's next turn: speech, one key, or noinput after ``seconds`` of silence."""
        await self.call.answer()
        self._answered_early = False
        self.silent_steps = 0
        if self._pushed_back:
            return self._pushed_back.popleft()
        return await self.session.listen(timeout=seconds)

    def push_back(self, turn: Turn) -> None:
        """Return ``turn`` to the queue: the next ``listen`` gives it."""
        self._pushed_back.append(turn)

    def discard_input(self) -> None:
        """Discard everything that the caller said or pressed and that no verb has taken."""
        self._answered_early = False
        self.late_key = None
        self._pushed_back.clear()
        self.session.discard_turns()

    def visits(self) -> int:
        """Return how often the running verb was reached before, and count this time."""
        self._visits[self.position.place] += 1
        return self._visits[self.position.place] - 1

    def caller_answered(self) -> None:
        """Reset the counters of gathers given up and of failures: the caller is there."""
        self.gathers_given_up = self.failures = 0

    def gather_given_up(self) -> None:
        """Count a gather that ran out of tries."""
        self.gathers_given_up += 1

    def stop_skipping(self) -> None:
        """Say the next prompts although the caller has interrupted or is ahead of the plan."""
        self._answered_early = False

    def _barge_in_options(self, options: PromptOptions, asks: bool) -> BargeInOptions:
        """The verb's options, then those of the plan, then those of the service."""
        merged = options.applied_to(self.plan.defaults.applied_to(self.session.config.barge_in))
        # The plan's ``hotword: true`` is for the prompts that ask for one of some choices.
        return merged if asks else dataclasses.replace(merged, hotword_answers=False)

    def _is_answered(self, options: BargeInOptions) -> bool:
        """Whether the caller has already answered the next question, or is speaking now."""
        by_sound = options.barge_in == "any" and not options.needs_words  # else sound is not enough
        return self._answered_early or (by_sound and self.session.caller_active)

    def _without_markup(self, what: str | AudioClip | Spoken, more: Mapping[str, Any]) -> SaySource:
        """Return what is to be said, markup carried out; empty when nothing is left."""
        if isinstance(what, AudioClip):
            return what
        text = self.render(what.in_language(self.language), **more) if isinstance(what, Spoken) else what
        if not has_markup(text):
            return text
        return [
            piece if isinstance(piece, str) else silence(piece.ms / 1000)
            for piece in pieces(text, self.language)
        ]

    def _is_private(self, what: str | AudioClip | Spoken) -> bool:
        """Whether the prompt has a sensitive value, or leads up to a question with a sensitive answer."""
        sensitive = isinstance(what, Spoken) and not self.variables.sensitive.isdisjoint(what.names)
        listener = self.position.next_listener() if self.session.privacy.keys else None
        return sensitive or (listener is not None and listener.has_sensitive_input)
