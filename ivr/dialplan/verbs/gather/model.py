"""The fields of ``gather``, and what follows from them without a call."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, field_validator, model_validator

from ivr.dialplan.plan.universals import Universal
from ivr.dialplan.plan.verb import SpeakingVerb
from ivr.dialplan.source.document import Path
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.fields import (
    KEYS,
    Duration,
    Fields,
    KeysList,
    LoadContext,
    Span,
    StepName,
    Switch,
    TextList,
    VariableName,
    refuse,
)
from ivr.dialplan.values.texts import PromptTexts, Said
from ivr.dialplan.verbs.built_in_texts import built_in
from ivr.dialplan.verbs.gather.answering import Timers
from ivr.dialplan.verbs.gather.confirming import CONFIRM_NAMES, Confirm
from ivr.dialplan.verbs.gather.cross_checks import cross_check_fields
from ivr.dialplan.verbs.gather.question import Question
from ivr.grammar.fusion import UNDERSTANDING, UnderstandingLevel
from ivr.grammar.inputs import INPUTS, InputSpec
from ivr.grammar.inputs.base import MAX_PRESSED
from ivr.grammar.languages.language import DateOrder, TextName
from ivr.grammar.languages.registry import date_order, languages_with_texts
from ivr.grammar.linear_regex import LinearRegex, RegexError

DEFAULT_TRIES = 3
InputKind = Literal["digits", "number", "date", "time", "money", "phone", "yes_no", "name", "text", "pattern"]


class _QuestionCache(dict[str, tuple[InputSpec | None, Question]]):
    """Questions that are ready, by language. Two gathers are equal whatever was asked so far."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _QuestionCache)

    def __reduce__(self) -> tuple[type["_QuestionCache"], tuple[()]]:
        return _QuestionCache, ()


class Choice(Fields):
    """One answer: what may be said, which keys mean the same, where it leads."""

    say: TextList = Field(default=(), description="a phrase, or a list of phrases, that mean this choice")
    press: KeysList = Field(
        default=(), description="a key or several in a row, or a list of these (# and * in quotes)"
    )
    goto: StepName | None = Field(
        default=None, description="the step to go to; without it the next verb of this step follows"
    )

    @model_validator(mode="after")
    def _can_be_chosen(self) -> "Choice":
        if not self.say and not self.press:
            raise refuse("a choice needs a 'say' or a 'press', or nobody can choose it")
        return self


class Miss(Fields):
    """What happens when nothing was said in time, or nothing that fits."""

    say: PromptTexts | None = Field(
        default=None,
        description="said before asking again, or a list of texts, one for each attempt; a built-in text "
        "when not given",
    )
    tries: int = Field(default=DEFAULT_TRIES, ge=0, le=100, description="how many times to ask again")
    goto: StepName | None = Field(
        default=None, description="the step to go to after that; without it the call ends with a goodbye"
    )


class GatherFields(SpeakingVerb):
    """The fields of ``gather`` and what follows from them alone."""

    name: ClassVar[str] = "gather"
    listens: ClassVar[bool] = True
    events: ClassVar[Mapping[str, str]] = {
        "noinput": "nothing was said or pressed within `timeout` after the prompt",
        "nomatch": "something was, but no choice fits",
    }
    ends_politely: ClassVar[bool] = True
    allows_no_fields: ClassVar[bool] = False

    prompt: PromptTexts | None = Field(
        default=None, description="a text to ask with, or a list of them, one for each attempt"
    )
    keys_only: Said | None = Field(
        default=None,
        description="asks in the prompt's place while speech cannot be understood, such as Press 1 for sales",
    )
    timeout: Duration = Field(default=5.0, description="how long to wait for the caller to begin, such as 5s")
    first_digit: Duration | None = Field(
        default=None,
        description="how long to wait for the first key, such as 10s, where that is longer than timeout, or "
        "only keys are understood",
    )
    inter_digit: Duration = Field(
        default=2.0,
        description="how long to wait for another key where a longer answer is possible, such as 2s",
    )
    term: Span = Field(
        default=0.0,
        description="how long to wait for finish_on_key when no other key can follow, such as 1s or 0s",
    )
    choices: dict[str, Choice] = Field(
        default_factory=dict,
        min_length=1,
        description="a mapping of choices, each with say or press; or none where there is an input",
    )
    input: InputKind | None = Field(
        default=None,
        description="what kind of value to ask for, beside the choices or without any: digits, number, date, "
        "time, money, phone, yes_no, name, text or pattern",
    )
    into: VariableName | None = Field(
        default=None, description="the variable that is given the value, or the name of the choice"
    )
    details: VariableName | None = Field(
        default=None,
        description="a variable for what is known about the answer: text, said (as it is read aloud), by "
        "(speech or keys), confidence, choice",
    )
    goto: StepName | None = Field(
        default=None,
        description="the step to go to with a typed value; without it the next verb of this step follows",
    )
    pattern: str | None = Field(
        default=None, description="a regular expression for input: pattern, such as [A-Z]{2}[0-9]{4}"
    )
    min_digits: int = Field(
        default=1, ge=1, le=MAX_PRESSED, description="how many digits a value has at least"
    )
    max_digits: int = Field(
        default=MAX_PRESSED, ge=1, le=MAX_PRESSED, description="how many digits a value has at most"
    )
    finish_on_key: str = Field(
        default="#", description='the key that ends what is typed, such as "#", or none'
    )
    date_order: DateOrder | None = Field(
        default=None,
        description="how a date is written in figures: dmy, mdy or ymd; that of the language when not given",
    )
    prefer: Literal["future", "past"] = Field(
        default="future", description="which date is meant where the year is not said: future or past"
    )
    currency: str = Field(
        default="EUR",
        pattern="^[A-Z]{3}$",
        description="the currency of a money input, a code of three capitals such as EUR",
    )
    flush: Switch = Field(
        default=False, description="true: what was said and pressed ahead of this question does not count"
    )
    confirm: Confirm = Field(
        default_factory=Confirm,
        description="when to say the answer back: never, always, below 0.7 (a confidence), or a mapping of "
        "when, say and tries",
    )
    sensitive: Switch = Field(
        default=False,
        description="true: the answer is never logged, recorded or traced, nor the sound of it kept",
    )
    understanding: UnderstandingLevel | None = Field(
        default=None, description=f"{UNDERSTANDING}; the plan's when not given"
    )
    universals: Switch = Field(default=True, description="false: the plan's universals do not apply here")
    noinput: Miss = Field(default_factory=Miss, description="what to do when nothing is said in time")
    nomatch: Miss = Field(default_factory=Miss, description="what to do when no choice fits")
    exhausted: StepName | None = Field(
        default=None,
        description="the step to go to after too many misses, where noinput or nomatch names none",
    )

    _languages: tuple[str, ...] = PrivateAttr(default=("en",))
    _questions: "_QuestionCache" = PrivateAttr(default_factory=lambda: _QuestionCache())
    _level: UnderstandingLevel = PrivateAttr(default="balanced")
    _universals: Mapping[str, Universal] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _asks_for_something(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.keys() & {"choices", "input"}:
            missing: Any = {"type": "missing", "loc": ("choices",), "input": data}
            raise ValidationError.from_exception_data("gather", [missing])
        return data

    @field_validator("finish_on_key")
    @classmethod
    def _one_key(cls, value: str) -> str:
        key = value.strip().upper()
        if key in ("NONE", ""):
            return ""
        if len(key) != 1 or key not in KEYS:
            raise refuse(f'expected one key such as "#" (in quotes), or none, found {quoted(value)}')
        return key

    @field_validator("pattern")
    @classmethod
    def _is_expression(cls, value: str | None) -> str | None:
        try:
            LinearRegex(value or "")
        except RegexError as error:
            raise refuse(f"the pattern {quoted(value or '')} has a mistake: {error}") from None
        return value

    @model_validator(mode="after")
    def _keep_context(self, info: ValidationInfo) -> "GatherFields":
        if isinstance(info.context, LoadContext):
            self._languages = info.context.languages or self._languages
            self._level = self.understanding or info.context.understanding
            if self.universals:
                self._universals = info.context.universals
        return self

    # -- for the run in a call

    @property
    def active_universals(self) -> Mapping[str, Universal]:
        """The plan's universals that apply here."""
        return self._universals

    @property
    def timers(self) -> Timers:
        return Timers(
            timeout=self.timeout,
            first_digit=self.first_digit,
            inter_digit=self.inter_digit,
            term=self.term,
        )

    def question(self, language: str, now: datetime) -> Question:
        """What it can be answered with. Made once for all calls of a language and a day."""
        asked = self._asked(language, now)
        made = self._questions.get(language)
        if made is None or made[0] != asked:
            question = Question(
                self.choices, self._universals, asked, self.finish_on_key, language, self._level
            )
            made = self._questions[language] = (asked, question)
        return made[1]

    def _asked(self, language: str, now: datetime) -> InputSpec | None:
        """The typed value that is asked for."""
        if self.input is None:
            return None
        return InputSpec(
            kind=self.input,
            language=language,
            min_digits=self.min_digits,
            max_digits=self.max_digits,
            pattern=self.pattern or "",
            order=self.date_order or date_order(language),
            past=self.prefer == "past",
            currency=self.currency,
            today=now.date().isoformat(),
        )

    # -- for checks and graphs

    @property
    def has_sensitive_input(self) -> bool:
        return self.sensitive

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        for name, choice in self.choices.items():
            if choice.goto is not None:
                yield name, choice.goto
        if self.goto is not None:
            yield str(self.input), self.goto
        for name, universal in self._universals.items():
            if universal.goto is not None:
                yield name, universal.goto
        for kind, miss in (("noinput", self.noinput), ("nomatch", self.nomatch)):
            if miss.goto is not None:
                yield kind, miss.goto
        if self.exhausted is not None and None in (self.noinput.goto, self.nomatch.goto):
            yield "exhausted", self.exhausted

    def may_end(self) -> bool:
        return self.exhausted is None and None in (self.noinput.goto, self.nomatch.goto)

    def may_give_up(self) -> bool:
        return self.may_end()

    def built_in_languages(self) -> frozenset[str]:
        return languages_with_texts()

    def accepts_keys(self) -> bool:
        typed = self.input is not None and INPUTS[self.input].accepts_keys
        return typed or any(choice.press for choice in self.choices.values())

    def always_leaves(self) -> bool:
        chosen = all(choice.goto is not None for choice in self.choices.values())
        return chosen and (self.input is None or self.goto is not None)

    def sets_when(self, why: str) -> Iterator[str]:
        missed = {*self.events, "exhausted", *self._universals}
        return iter(()) if why in missed else self.sets()

    def sets(self) -> Iterator[str]:
        yield from (name for name in (self.into, self.details) if name is not None)

    def reads(self) -> Iterator[str]:
        own = CONFIRM_NAMES if self.confirm.say is not None else frozenset[str]()
        yield from (name for name in super().reads() if name not in own)

    def prompts(self) -> Iterator[str]:
        for text in self.prompt or ():
            yield from text.literals()
        if self.keys_only is not None:
            yield from self.keys_only.literals()
        misses: tuple[tuple[TextName, Miss], ...] = (("noinput", self.noinput), ("nomatch", self.nomatch))
        for kind, miss in misses:
            if miss.tries:
                for text in miss.say or (built_in(kind, self._languages),):
                    yield from text.literals()
            if miss.goto is None and self.exhausted is None:
                yield from built_in("give_up", self._languages).literals()

    @classmethod
    def cross_check(cls, data: dict[str, Any], language: str) -> Iterator[tuple[Path, str]]:
        yield from cross_check_fields(data, language)
