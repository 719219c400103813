"""A plan in a call: one step after the other until it ends."""

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ivr.dialplan.plan import APOLOGY, PlacedVerb, Plan
from ivr.dialplan.verbs.base import End, GoTo
from ivr.dialplan.verbs.speaking import Prompting
from ivr.session import AudioClip, BargeInOptions, Expectation, SessionEnded, Turn, VoiceSession

MAX_SILENT_STEPS = 100
"""Steps entered one after the other with nothing heard and nobody listening, before the plan is a loop."""
MAX_GIVEN_UP = 10
"""Gathers given up one after the other before the caller is taken to be gone."""


@dataclass(frozen=True, slots=True)
class TransferResult:
    """How a transfer went. Unless ``outcome`` is transferred, the caller is still with the plan."""

    outcome: Literal["transferred", "busy", "noanswer", "failed"]
    status: int = 0
    """The last SIP status that was told; 0: none."""
    reason: str = ""
    """Its phrase, or what went wrong."""


class CallControl(Protocol):
    """The call under the session."""

    async def hangup(self, reason: str = "plan") -> None:
        """End the call; ``reason`` goes to its record."""

    async def transfer(self, to: str, timeout_s: float) -> TransferResult:
        """Blind: ask the caller's side to call ``to``, an address or an extension of the trunk the call came
        by, instead of us. Returns after ``timeout_s``, or a little later. After "transferred" the call is
        still to be hung up. Does not raise.
        """


class Run:
    """One call's way through a plan: what verbs see of it."""

    def __init__(self, plan: Plan, session: VoiceSession, call: CallControl, log: Any) -> None:
        self.plan, self.session, self.call = plan, session, call
        self.log = log
        self._at: tuple[str, int] = (plan.start, 0)
        self._answered_early = False
        self._silent_steps = 0
        self._given_up = 0

    # -- for the verbs

    async def prompt(self, what: str | AudioClip, yields: Prompting, *, listening_next: bool = False) -> None:
        """Say or play, and wait for its end or its interruption. ``listening_next``: the choices of the verb
        that asks are what is expected.

        Once a caller has interrupted, or is ahead of the plan, the prompts up to the next gather that
        may be interrupted are skipped, as in VoiceXML 2.0, 4.1.5: they have been answered already.
        Where no gather follows nobody would take that answer, so they are said to the end. What is
        protected, be it for its first seconds, is always said.
        An engine's failure is logged, and the plan goes on.
        """
        options = self._options(yields, listening_next)
        if options.barge_in != "none" and (listening_next or self._gather_ahead()):
            if not (options.protect_ms or options.protect_dtmf_ms) and self._answered(options):
                self._answered_early = True
                self.log.debug("prompt_skipped")
                return
        elif self._answered_early:
            options = dataclasses.replace(options, barge_in="none")
        handle = await self.session.say(what, options=options)
        try:
            result = await handle.wait_for_playout()
        except SessionEnded:
            raise
        except Exception as error:  # a SpeechError, or whatever an engine of a third party raises
            self.log.error("prompt_not_said", step=self._at[0], line=self._line(), error=str(error))
            return
        finally:
            handle.cancel()  # also when this task is cancelled in mid-prompt; idempotent
        if result.heard_ms > 0:
            self._silent_steps = 0
        if result.interrupted:
            self._answered_early = True

    @contextlib.contextmanager
    def expecting(self, expected: Expectation) -> Iterator[None]:
        """Meanwhile the caller is asked for that; afterwards for nothing in particular."""
        self.session.expect(expected)
        try:
            yield
        finally:
            with contextlib.suppress(SessionEnded):
                self.session.expect(Expectation())

    async def listen(self, seconds: float) -> Turn:
        """The caller's next turn, or noinput after ``seconds`` of nothing."""
        self._answered_early = False
        self._silent_steps = 0
        return await self.session.listen(timeout=seconds)

    def answered(self) -> None:
        """The caller chose something: they are there."""
        self._given_up = 0

    def gave_up(self) -> None:
        """A gather ran out of tries."""
        self._given_up += 1

    # -- the run itself

    async def run(self) -> str:
        """Run the plan, end the call, return the reason it ended."""
        try:
            reason = await self._steps()
        except SessionEnded:
            self.log.info("plan_ended", reason="caller hung up", step=self._at[0])
            return "caller_hangup"
        except Exception:
            # Whatever a verb does wrong ends its own call, and not in silence.
            placed = self._placed()
            self.log.exception("verb_failed", step=self._at[0], line=placed.line, verb=placed.verb.name)
            reason = await self._apologise("error")
        self.log.info("plan_ended", reason=reason, step=self._at[0])
        await self.call.hangup(reason)
        return reason

    async def _steps(self) -> str:
        step = self.plan.start
        while True:
            self._silent_steps += 1
            if self._silent_steps > MAX_SILENT_STEPS or self._given_up >= MAX_GIVEN_UP:
                self.log.error("plan_loops", step=step, line=self._line())
                return await self._apologise("loop")
            self.log.info("step_entered", step=step)
            after = await self._step(step)
            if isinstance(after, End):
                return after.reason
            step = after.step

    async def _step(self, name: str) -> GoTo | End:
        for index, placed in enumerate(self.plan.steps[name]):
            self._at = (name, index)
            after = await placed.verb.run(self)
            if after is not None:
                return after
        return End("end_of_step")

    async def _apologise(self, reason: str) -> str:
        try:
            self._answered_early = False
            handle = await self.session.say(APOLOGY, allow_interruptions=False)
            await handle.wait_for_playout()
        except SessionEnded:
            return "caller_hangup"
        except Exception as error:  # with the engine down too there is only the hangup left
            self.log.error("apology_not_said", error=str(error))
        return reason

    def _options(self, yields: Prompting, asks: bool) -> BargeInOptions:
        """The verb's over the plan's over the service's."""
        options = yields.over(self.plan.defaults.over(self.session.config.barge_in))
        # The plan's ``hotword: true`` is for the prompts that ask for one of some choices.
        return options if asks else dataclasses.replace(options, hotword_answers=False)

    def _answered(self, options: BargeInOptions) -> bool:
        """The caller has answered already what would be asked now, or is about to."""
        eager = options.barge_in == "any" and not options.by_words  # who makes a noise has said no word yet
        return self._answered_early or (eager and self.session.caller_active)

    def _placed(self) -> PlacedVerb:
        step, index = self._at
        return self.plan.steps[step][index]

    def _line(self) -> int:
        return self._placed().line

    def _gather_ahead(self) -> bool:
        """From here on the plan comes to a verb that listens, whatever happens."""
        step, index = self._at
        seen: set[str] = set()
        while True:
            for placed in self.plan.steps[step][index:]:
                if placed.verb.listens:
                    return True
                if placed.verb.may_end():
                    return False
                target = placed.verb.goes_to()
                if target is not None:
                    break
            else:
                return False
            if target in seen:
                return False
            seen.add(target)
            step, index = target, 0


async def run_plan(plan: Plan, session: VoiceSession, call: CallControl, log: Any) -> str:
    """Run ``plan`` on a started session and end the call; returns the reason.

    Reasons: ``hangup`` and ``transferred`` (the verbs), ``end_of_step`` (nothing came after), ``noinput`` and
    ``nomatch`` (a gather was given up that names no step to go to), ``loop``, ``error``, ``caller_hangup``
    (the session was ended meanwhile; ``call.hangup`` is then not called). ``log`` is a structlog logger bound
    to the call. Cancelling the task stops what is being said and raises CancelledError.
    """
    return await Run(plan, session, call, log.bind(plan=plan.name)).run()
