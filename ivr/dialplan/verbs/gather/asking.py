"""A gather in a call: the question, what was answered, what was not, and where it leads."""

import contextlib
import copy
from typing import Any, Literal

from ivr.dialplan.plan.verb import End, GoTo, Next
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.prompting import PROTECTED
from ivr.dialplan.values.variables import HIDDEN
from ivr.dialplan.verbs.built_in_texts import built_in
from ivr.dialplan.verbs.gather.answering import Answer, AnswerCollector
from ivr.dialplan.verbs.gather.confirming import Confirmation, read_back
from ivr.dialplan.verbs.gather.model import GatherFields

MAX_REPEATS = 20
"""Times that the question is said again because the caller asks for that, before it is a miss."""


class GatherRun:
    """One run of a gather in a call."""

    def __init__(self, run: Run, gather: GatherFields) -> None:
        self._run, self._gather = run, gather
        # A copy: what this caller denies is offered to others.
        self._question = copy.copy(gather.question(run.language, run.world.now()))
        confirms = gather.confirm.when != "never"
        self._collector = AnswerCollector(run, self._question, gather.timers, confirms=confirms)
        self._misses = {"noinput": 0, "nomatch": 0}
        self._refused = self._repeated = 0

    async def ask(self) -> Next:
        """Ask until there is an answer or no try is left; returns what comes next."""
        run, gather = self._run, self._gather
        private = run.session.privacy.kept() if gather.sensitive else contextlib.nullcontext()
        with private, run.expecting(self._question.expected):
            if gather.flush:
                run.discard_input()
            await self._prompt()
            while True:
                answer = await self._collector.answer()
                settled = await self._confirmed_answer(answer)
                if settled == "refused":
                    if (after := await self._denied()) is not None:
                        return after
                elif settled.kind in ("choice", "typed"):
                    return self._accept(settled)
                elif settled.kind == "universal":
                    if (after := self._universal(settled)) is not None:
                        return after
                    if self._repeated > MAX_REPEATS:
                        return await self._give_up("nomatch")
                    await self._prompt()
                elif (after := await self._missed(settled)) is not None:
                    return after

    async def _confirmed_answer(self, answer: Answer) -> Answer | Literal["refused"]:
        run, gather = self._run, self._gather
        if answer.kind not in ("choice", "typed") or not gather.confirm.wants(answer):
            return answer
        confirmation = Confirmation(
            run, gather.confirm, self._question, gather.active_universals, gather.timers, gather
        )
        return await confirmation.settle(answer)

    # -- the question

    async def _prompt(self, *, not_transcribed: bool = False) -> None:
        """The question, shorter at each attempt where the plan has it so; its wording for keys alone while
        nobody can be understood."""
        gather = self._gather
        if gather.keys_only is not None and (not_transcribed or self._run.session.recogniser_down):
            self._run.log.warning("keys_only", step=self._run.position.step, line=self._run.position.line)
            await self._run.prompt(gather.keys_only, gather, listening_next=True)
        elif gather.prompt is not None:
            attempt = sum(self._misses.values()) + self._refused
            text = gather.prompt[min(attempt, len(gather.prompt) - 1)]
            await self._run.prompt(text, gather, listening_next=True)

    # -- answers

    def _accept(self, answer: Answer) -> Next:
        run, gather = self._run, self._gather
        run.caller_answered()
        hidden = gather.sensitive or answer.private
        said, value = read_back(answer)
        heard = HIDDEN if hidden else answer.text
        if answer.kind == "choice":
            name = HIDDEN if hidden else answer.name
            others = (each for each in answer.hypotheses if each.meaning != answer.name)
            second = next(others, None)
            run.log.info(
                "choice_matched",
                choice=name,
                by=answer.by,
                heard=heard,
                confidence=round(answer.confidence, 2),
                runner_up=second.meaning if second is not None and not hidden else "",
            )
        else:
            shown = HIDDEN if hidden else str(value)
            run.log.info("input_matched", input=gather.input, value=shown, by=answer.by, heard=heard)
        if gather.into is not None:
            run.variables.set(gather.into, value, sensitive=hidden)
        if gather.details is not None:
            about: dict[str, Any] = {
                "text": answer.text,
                "said": said,
                "by": answer.by,
                "confidence": answer.confidence,
                "choice": answer.name,
            }
            run.variables.set(gather.details, about, sensitive=hidden)
        goto = gather.choices[answer.name].goto if answer.kind == "choice" else gather.goto
        return GoTo(goto) if goto is not None else None

    def _universal(self, answer: Answer) -> Next:
        """Return what comes next; None: the question is said again."""
        run = self._run
        run.caller_answered()
        universal = self._gather.active_universals[answer.name]
        run.log.info("universal_chosen", universal=answer.name, by=answer.by)
        run.stop_skipping()
        self._repeated += universal.do == "repeat"
        return universal.leads(run.plan.start)

    # -- misses

    async def _missed(self, answer: Answer) -> Next:
        """Return what comes next; None: the question is said again."""
        run, gather = self._run, self._gather
        kind: Literal["noinput", "nomatch"] = "noinput" if answer.kind == "noinput" else "nomatch"
        self._misses[kind] += 1
        attempt = self._misses[kind]
        miss = gather.noinput if kind == "noinput" else gather.nomatch
        more = {}
        if kind == "nomatch":
            hidden = gather.sensitive or answer.private
            more = {"heard": HIDDEN if hidden else answer.text, "by": answer.by}
        run.log.info(
            "noinput" if kind == "noinput" else "nomatch", attempt=attempt, attempts=miss.tries + 1, **more
        )
        if attempt > miss.tries:
            return await self._give_up(kind)
        if not (answer.not_transcribed and gather.keys_only is not None):
            text = (
                built_in(kind, run.plan.languages)
                if miss.say is None
                else miss.say[min(attempt, len(miss.say)) - 1]
            )
            await run.prompt(text, gather, listening_next=True)
        await self._prompt(not_transcribed=answer.not_transcribed)
        return None

    async def _denied(self) -> Next:
        self._refused += 1
        if self._refused > self._gather.confirm.tries:
            return await self._give_up("nomatch")
        self._run.replace_expectation(self._question.expected)
        await self._prompt()
        return None

    async def _give_up(self, kind: Literal["noinput", "nomatch"]) -> Next:
        run = self._run
        run.gather_given_up()
        miss = self._gather.noinput if kind == "noinput" else self._gather.nomatch
        goto = miss.goto or self._gather.exhausted
        if goto is not None:
            return GoTo(goto)
        await run.prompt(built_in("give_up", run.plan.languages), PROTECTED)
        return End(kind)
