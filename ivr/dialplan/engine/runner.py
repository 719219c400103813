"""The runner: moves a call through its plan, and handles failures, hang-ups and loops."""

import asyncio
import contextlib
import functools
from dataclasses import dataclass
from typing import Any

from ivr.dialplan.engine.position import PlanPosition
from ivr.dialplan.engine.reply_verbs import verbs_of_reply
from ivr.dialplan.plan.plan import APOLOGY, APOLOGY_OPERATOR, Plan, has_sensitive_input
from ivr.dialplan.plan.verb import End, Enter, GoBack, GoTo, Next, Perform, PlacedVerb, ReturnToCaller, Step
from ivr.dialplan.runtime.control import CallControl
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.runtime.world import World
from ivr.dialplan.source.errors import VerbFailed
from ivr.dialplan.values.expressions import ExpressionError
from ivr.session import SessionEnded, SessionState, VoiceSession
from ivr.tasks import TaskSupervisor

MAX_SILENT_STEPS = 100
"""Steps entered in a row in which the caller neither hears anything nor is listened to: more is a loop."""
MAX_GIVEN_UP = 10
"""Gathers given up in a row before the caller is taken to be absent."""
MAX_FAILURES = 5
"""Verbs that may fail before the caller answers again; after that ``on_error`` is not followed."""
MAX_CALLS = 50
"""Depth of subroutines."""
MAX_ASKED = 50
"""Steps that are kept for the universal "back"."""
AFTER_HANGUP_S = 60.0
"""Seconds that the steps of ``on_hangup`` may take together."""
OPERATOR_S = 30.0
"""Seconds that the plan's operator is rung when something failed."""


@dataclass(slots=True)
class _Frame:
    """Where a subroutine was entered: the verb that follows it."""

    step: str
    index: int


class Runner:
    """Moves a ``Run`` through its plan."""

    def __init__(
        self,
        plan: Plan,
        session: VoiceSession,
        call: CallControl,
        log: Any,
        world: World | None = None,
        *,
        start: str | None = None,
    ) -> None:
        """``start``: the step to begin with, when it is not the plan's."""
        self._start = start or plan.start
        self.plan = plan
        self.position = PlanPosition(plan)
        self.run = Run(
            plan,
            self.position,
            session,
            call,
            log.bind(plan=plan.name),
            world,
            read_reply=functools.partial(verbs_of_reply, plan=plan),
        )
        session.privacy.keys = plan.has_sensitive_input
        self._frames: list[_Frame] = []
        self._asked: list[tuple[int, str]] = []
        """The steps in which the caller was asked something, each with how many subroutines it was in."""
        self._tasks = TaskSupervisor()
        self._steps_task: asyncio.Task[End] | None = None
        self._left = False

    @property
    def begun(self) -> bool:
        """Whether the plan was started."""
        return self._steps_task is not None

    def caller_left(self) -> None:
        """Cancel the running verb; the steps of ``on_hangup`` follow. Call it on the loop; idempotent."""
        self._left = True
        if self._steps_task is not None:
            self._steps_task.cancel()

    async def __call__(self) -> str:
        """Run the plan, end the call, return the reason it ended (see ``run_plan``)."""
        run = self.run
        if self.plan.names_languages:
            with contextlib.suppress(SessionEnded):
                run.set_language(self.plan.languages[0])
        if not self._left:
            self._steps_task = self._tasks.start(self._steps(self._start), "plan", awaited=True)
            try:
                end = await asyncio.shield(self._steps_task)
            except SessionEnded:
                self._left = True
            except asyncio.CancelledError:
                if not self._left:
                    await self._tasks.aclose()
                    raise
            else:
                run.log.info("plan_ended", reason=end.reason, step=self.position.step)
                await run.call.hangup(end.reason, end.status)
                return end.reason
        run.log.info("plan_ended", reason="caller hung up", step=self.position.step)
        await self._after_hangup()
        return "caller_hangup"

    async def _steps(self, step: str, *, after_hangup: bool = False) -> End:
        run = self.run
        index = 0
        entered = True
        while True:
            if entered:
                run.silent_steps += 1
                if run.silent_steps > MAX_SILENT_STEPS or run.gathers_given_up >= MAX_GIVEN_UP:
                    run.log.error("plan_loop_detected", step=step, line=self.position.line)
                    return await self._apologise("loop")
                run.log.info("step_entered", step=step)
            verbs = self.position.step_named(step).verbs
            if index >= len(verbs):
                after: Next = ReturnToCaller() if self._frames else End("end_of_step")
            else:
                self.position.place = (step, index)
                if verbs[index].verb.listens:
                    self._asks(step)
                after = await self._do(verbs[index], after_hangup)
            entered = True
            match after:
                case None:
                    index, entered = index + 1, False
                case GoTo():
                    if step in self.position.reply_steps:
                        step = self._leave(step).step
                    if after.unwind:
                        self._unwind(step, 0)
                    step, index = after.step, 0
                case GoBack():
                    step, index = self._back(step), 0
                case Enter() | Perform():
                    if len(self._frames) >= MAX_CALLS:
                        run.log.error(
                            "plan_loop_detected", step=step, line=self.position.line, subroutines=MAX_CALLS
                        )
                        return await self._apologise("loop")
                    self._frames.append(_Frame(step, index + 1))
                    run.variables.enter(after.values if isinstance(after, Enter) else {})
                    step, index = self._entered(after), 0
                case ReturnToCaller():
                    if not self._frames:
                        return End("end_of_step")
                    frame = self._leave(step)
                    step, index, entered = frame.step, frame.index, False
                case End():
                    return after

    def _entered(self, after: Enter | Perform) -> str:
        """The name of the step that a subroutine begins with."""
        if isinstance(after, Enter):
            return after.step
        # No other that is under way is as deep, so the name is its own.
        name = f"{after.name} #{len(self._frames)}"
        self.position.reply_steps[name] = Step(after.verbs)
        if any(has_sensitive_input(placed.verb) for placed in after.verbs):
            self.run.session.privacy.keys = True
        return name

    def _leave(self, step: str) -> _Frame:
        """End the innermost subroutine, which is in ``step``, and return where it was entered."""
        self.position.reply_steps.pop(step, None)
        self.run.variables.leave()
        frame = self._frames.pop()
        self.position.place = (frame.step, frame.index - 1)
        return frame

    def _unwind(self, step: str, depth: int) -> None:
        """Leave subroutines from ``step`` until ``depth`` of them remain."""
        while len(self._frames) > depth:
            step = self._leave(step).step

    def _asks(self, step: str) -> None:
        here = (len(self._frames), step)
        if self._asked[-1:] != [here] and step not in self.position.reply_steps:
            del self._asked[:-MAX_ASKED]
            self._asked.append(here)

    def _back(self, step: str) -> str:
        """Return the step that asked the caller before ``step`` did, in a subroutine that still runs."""
        here = (len(self._frames), step)
        while self._asked and (self._asked[-1] == here or self._asked[-1][0] > here[0]):
            self._asked.pop()
        depth, before = self._asked.pop() if self._asked else here
        self._unwind(step, depth)
        return before

    async def _do(self, placed: PlacedVerb, after_hangup: bool) -> Next:
        """Run one verb; when it fails, return what the plan has for that."""
        run = self.run
        try:
            after = await placed.verb.run(run)
            if run.session.state is SessionState.ENDED and not after_hangup:
                raise SessionEnded("the caller left meanwhile")
            return after
        except SessionEnded:
            raise
        except Exception as error:
            # An error of a verb concerns its own call alone, and the caller hears about it.
            expected = isinstance(error, VerbFailed | ExpressionError)
            event = error.event if isinstance(error, VerbFailed) else "error"
            where = {"step": self.position.step, "line": placed.line, "verb": placed.verb.name}
            reported = run.variables.redact(str(error))
            if expected:
                run.log.error("verb_failed", **where, failure=event, error=reported)
            else:
                run.log.exception("verb_failed", **where, failure=event)
            run.failures += 1
            run.variables.set("error", {"event": event, "message": reported, **where})
            target = placed.verb.on_error or self.plan.on_error
            if after_hangup or target is None or run.failures > MAX_FAILURES:
                return End("error") if after_hangup else await self._apologise("error")
            run.stop_skipping()
            return GoTo(target)

    async def _apologise(self, reason: str) -> End:
        """Say the apology, and put the caller through to the plan's operator where there is one."""
        run = self.run
        operator = self.plan.operator
        run.stop_skipping()
        try:
            await run.call.answer()
            await self._say(APOLOGY if operator is None else APOLOGY_OPERATOR)
            if operator is not None:
                result = await run.call.transfer(operator, OPERATOR_S)
                if result.outcome == "transferred":
                    return End("transferred")
                run.log.error("operator_not_reached", to=operator, outcome=result.outcome)
                await self._say(APOLOGY)
        except SessionEnded:
            raise
        except Exception as error:
            run.log.error("apology_failed", error=str(error))
        return End(reason)

    async def _say(self, text: str) -> None:
        try:
            handle = await self.run.session.say(text, allow_interruptions=False)
            await handle.wait_for_playout()
        except SessionEnded:
            raise
        except Exception as error:  # the engine is down too: the operator remains
            self.run.log.error("apology_failed", error=str(error))

    async def _after_hangup(self) -> None:
        run = self.run
        step = self.plan.on_hangup
        if step is None:
            return
        self._frames.clear()
        self.position.reply_steps.clear()
        run.variables.leave_all()
        run.silent_steps = run.gathers_given_up = 0
        try:
            async with asyncio.timeout(AFTER_HANGUP_S):
                await self._steps(step, after_hangup=True)
        except TimeoutError:
            run.log.error("on_hangup_timed_out", step=self.position.step, limit_s=AFTER_HANGUP_S)
        except Exception:
            run.log.exception("on_hangup_failed", step=self.position.step)


async def run_plan(
    plan: Plan, session: VoiceSession, call: CallControl, log: Any, world: World | None = None
) -> str:
    """Run ``plan`` on a started session and end the call; returns the reason.

    Reasons: ``hangup`` or what it names, ``transferred``, ``rejected_…`` (the verbs), ``end_of_step``
    (nothing came after), ``noinput`` and ``nomatch`` (a gather was given up that names no step to go to),
    ``loop``, ``error``, ``caller_hangup`` (the session was ended meanwhile; ``call.hangup`` is then not
    called). ``log`` is a structlog logger bound to the call. Cancelling the task stops what is being said
    and raises CancelledError.
    """
    return await Runner(plan, session, call, log, world)()
