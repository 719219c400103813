"""Confirms an answer: it is said back, and the caller agrees, denies it, or corrects it.

"No" asks the question again; "no, eight" (or another answer alone) takes the place of the first, and is said
back in its turn where the plan always asks or it was not heard well.
"""

import dataclasses
import re
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from ivr.dialplan.plan.universals import Universals
from ivr.dialplan.runtime.run import Run
from ivr.dialplan.values.fields import TextOrFields, refuse
from ivr.dialplan.values.prompting import PromptOptions
from ivr.dialplan.values.texts import Said, Spoken
from ivr.dialplan.verbs.built_in_texts import built_in
from ivr.dialplan.verbs.gather.answering import Answer, AnswerCollector, Timers
from ivr.dialplan.verbs.gather.question import Question
from ivr.grammar.answers import NO, YES
from ivr.grammar.inputs import InputSpec, TypedValue
from ivr.grammar.inputs.text import TextInput
from ivr.grammar.inputs.tokens import tokens
from ivr.grammar.inputs.yes_no import YesNoInput, said_yes
from ivr.grammar.languages.registry import vocabulary

DEFAULT_TRIES = 2
MAX_CORRECTIONS = 10
"""Corrections of one answer; after that the question is asked again."""
CONFIRM_NAMES = frozenset({"heard", "value"})
"""What the text of a confirmation may read besides the variables."""

_BELOW = re.compile(r"below\s+(0?\.\d{1,3}|1(?:\.0{1,3})?|0)")


class Confirm(TextOrFields):
    """When an answer is said back before it is taken. The short form is its ``when``."""

    text_field: ClassVar[str] = "when"

    when: str = Field(
        default="auto",
        description="auto (where it is not sure what was said), never, always, or below and a "
        "confidence between 0 and 1, such as below 0.7",
    )
    say: Said | None = Field(
        default=None,
        description="asks whether it is right, with {{ heard }} for the answer as it is read aloud and "
        "{{ value }} for its value; a built-in text when not given",
    )
    tries: int = Field(
        default=DEFAULT_TRIES, ge=0, le=20, description="how many times to ask again after a no"
    )

    @model_validator(mode="after")
    def _can_be_decided(self) -> "Confirm":
        if self.when not in ("auto", "never", "always") and _BELOW.fullmatch(self.when) is None:
            raise refuse(
                f"expected auto, never, always, or a confidence such as below 0.7, found {self.when[:40]!r}"
            )
        return self

    def wants(self, answer: Answer) -> bool:
        """``answer`` is to be said back. A confidence of 0.0 (the engine gave none) is not sure."""
        if answer.unsure:
            return True
        below = _BELOW.fullmatch(self.when)
        if below is None:
            return self.when == "always"
        return answer.by == "speech" and answer.confidence < float(below[1])


class Confirmation:
    """The confirmation of one gather's answer in a call."""

    def __init__(
        self,
        run: Run,
        options: Confirm,
        question: Question,
        universals: Universals,
        timers: Timers,
        prompt_options: PromptOptions,
    ) -> None:
        self._run, self._options, self._question = run, options, question
        self._prompt_options = prompt_options
        asked = InputSpec(kind="yes_no", language=run.language)
        self._yes_no = Question({}, universals, asked, question.finish, run.language)
        expected = dataclasses.replace(
            self._yes_no.expected,
            fits=self._fits,
            may_continue=self._may_continue,
            phrases={**question.expected.phrases, **self._yes_no.expected.phrases},
            meaning=self._named,
        )
        self._expected = expected
        self._collector = AnswerCollector(run, self._yes_no, timers)

    async def settle(self, answer: Answer) -> Answer | Literal["refused"]:
        """The answer that holds: this one, a correction, a universal that was asked for meanwhile, or
        noinput. "refused": it was not right, and nothing else is known.
        """
        for _ in range(MAX_CORRECTIONS):
            if answer.kind == "universal" or not self._options.wants(answer):
                return answer
            found = await self._ask(answer)
            if found is True:
                return answer
            if found is False:
                self._question.reject(answer.name or answer.text)
                other = self._second_best(answer)
                if other is None:
                    return "refused"
                answer = other
                continue
            if found.kind in ("noinput", "universal"):
                return found
            answer = found
        return "refused"

    async def _ask(self, answer: Answer) -> Answer | bool:
        """Yes, no, or another answer; noinput when neither came."""
        run = self._run
        heard, value = read_back(answer)
        text: Spoken = self._options.say or built_in(
            "confirm" if answer.by == "speech" else "confirm_keys", run.plan.languages
        )
        with run.expecting(self._expected):
            await run.prompt(text, self._prompt_options, listening_next=True, heard=heard, value=value)
            for attempt in range(DEFAULT_TRIES + 1):
                reply = await self._collector.answer()
                found = self._meaning(reply, answer)
                if found is not None:
                    run.log.info("answer_confirmed", result=_result(found))
                    return found
                if attempt < DEFAULT_TRIES:
                    run.log.info("answer_not_confirmed", attempt=attempt + 1, attempts=DEFAULT_TRIES + 1)
                    again = built_in("yes_or_no", run.plan.languages)
                    await run.prompt(again, self._prompt_options, listening_next=True)
                    await run.prompt(
                        text, self._prompt_options, listening_next=True, heard=heard, value=value
                    )
        return Answer(kind="noinput") if reply.kind == "noinput" else False

    def _meaning(self, reply: Answer, first: Answer) -> Answer | bool | None:
        """What ``reply`` says about the ``first`` answer; None for nothing."""
        if reply.kind == "universal":
            return reply
        if reply.kind == "noinput":
            return None
        if reply.by == "keys":
            if reply.typed is not None:
                return bool(reply.typed.value)
            found = self._question.pressed(reply.text, finished=True)
            if found is None:
                return None
            if isinstance(found, TypedValue):
                return Answer(kind="typed", by="keys", typed=found, text=reply.text)
            return Answer(kind=found[0], by="keys", name=found[1], text=reply.text)
        return self._of_words(reply, first)

    def _of_words(self, reply: Answer, first: Answer) -> Answer | bool | None:
        said = said_yes(reply.text, self._run.language)
        rest = self._after_no(reply.text) if said is False else reply.text
        named = self._question.input is not None and self._question.input.free_form
        possible = rest and said is not True and not (named and said is None)
        other = self._corrected(rest, reply.confidence) if possible else None
        if other is not None and not _same(other, first):
            return other
        if other is not None and said is None:
            return True  # the same again: "seven"
        return said

    def _corrected(self, text: str, confidence: float) -> Answer | None:
        """Another answer to the question itself. Where that is free text, or yes or no, an
        answer to the confirmation says nothing about it."""
        meant = self._question.meant(text, confidence)
        if meant is not None and meant[0] == "choice":
            return Answer(kind="choice", name=meant[1], phrase=meant[2], text=text, confidence=confidence)
        typed = None
        if not isinstance(self._question.input, TextInput | YesNoInput):
            typed = self._question.typed(text, confidence)
        return Answer(kind="typed", typed=typed, text=text, confidence=confidence) if typed else None

    def _after_no(self, text: str) -> str:
        """Return what follows "no": "no, eight" is eight; empty when nothing does, or when the words may be
        what is denied: "not seven"."""
        words = vocabulary(self._run.language)
        if words.denials & set(tokens(text)):
            return ""
        found = re.split(r"(?<=[\s,.;!?-])", text.strip())
        while found and (not tokens(found[0]) or set(tokens(found[0])) <= words.no | words.assent - {"fine"}):
            found.pop(0)
        return "".join(found).strip()

    def _second_best(self, answer: Answer) -> Answer | None:
        """What else may have been meant by an answer that was denied."""
        if answer.kind == "typed":
            value = self._question.unsure_value(answer.hypotheses)
            if value is None or _same(other := dataclasses.replace(answer, typed=value[0]), answer):
                return None
            return dataclasses.replace(other, text=value[1].phrase, unsure=True)
        if answer.kind != "choice" or (found := self._question.unsure(answer.hypotheses)) is None:
            return None
        kind, name, phrase = found
        if kind == "universal":
            return None
        return dataclasses.replace(answer, name=name, phrase=phrase, unsure=True)

    def _named(self, text: str) -> str | None:
        """The answer to the confirmation or to the question that a text names."""
        said = said_yes(text, self._run.language)
        if said is not None:
            return YES if said else NO
        meaning = self._question.expected.meaning
        return meaning(text) if meaning is not None else None

    def _fits(self, text: str) -> bool:
        return said_yes(text, self._run.language) is not None or self._corrected(text, 1.0) is not None

    def _may_continue(self, text: str) -> bool:
        # "No" may be the beginning of "no, eight".
        return said_yes(text, self._run.language) is False


def read_back(answer: Answer) -> tuple[str, Any]:
    """An answer as it is read aloud, and its value."""
    if answer.typed is not None:
        return answer.typed.read_back, answer.typed.value
    return answer.phrase or answer.name, answer.name


def _same(one: Answer, other: Answer) -> bool:
    return one.kind == other.kind and read_back(one)[1] == read_back(other)[1]


def _result(found: Answer | bool) -> str:
    if isinstance(found, bool):
        return "yes" if found else "no"
    return "corrected" if found.kind in ("choice", "typed") else found.kind
