"""gather: ask, listen, and go where the answer leads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, model_validator

from ivr.dialplan.document import Path
from ivr.dialplan.errors import quoted
from ivr.dialplan.expecting import Choices, expectation
from ivr.dialplan.fields import Duration, KeysList, StepName, TextList, refuse
from ivr.dialplan.flow import End, GoTo, Next
from ivr.dialplan.matching import Matcher, spoken
from ivr.dialplan.texts import Said, say
from ivr.dialplan.verbs.base import Fields
from ivr.dialplan.verbs.speaking import PROTECTED, Speaking
from ivr.session.options import Expectation

if TYPE_CHECKING:
    from ivr.dialplan.run import Run

NOINPUT_TEXT = "Are you still there?"
NOMATCH_TEXT = "Sorry, I did not get that."
GIVE_UP_TEXT = "Sorry, I could not help you this time. Goodbye."
"""Said before the call is ended when a gather is given up and names no step to go to."""
DEFAULT_TRIES = 3


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

    say: Said | None = Field(
        default=None, description="said before asking again; a built-in text when not given"
    )
    tries: int = Field(default=DEFAULT_TRIES, ge=0, le=100, description="how many times to ask again")
    goto: StepName | None = Field(
        default=None, description="the step to go to after that; without it the call ends with a goodbye"
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    """One answer of the caller: a choice, or why not; ``text`` is what was said or pressed."""

    choice: str | None
    miss: Literal["noinput", "nomatch"]
    by: Literal["speech", "keys"]
    text: str


class Gather(Speaking):
    """Ask, listen for one of the choices by voice or by key, and go where it leads.

    After a miss its text and the prompt are said again, ``tries`` times; no-input and no-match are
    counted apart.
    """

    name: ClassVar[str] = "gather"
    listens: ClassVar[bool] = True

    prompt: Said | None = Field(default=None, description="a text to ask with")
    timeout: Duration = Field(default=5.0, description="how long to wait for the caller to begin, such as 5s")
    inter_digit: Duration = Field(
        default=2.0,
        description="how long to wait for another key where a longer choice is possible, such as 2s",
    )
    choices: dict[str, Choice] = Field(
        min_length=1, description="a mapping of choices, each with say or press"
    )
    noinput: Miss = Field(default_factory=Miss, description="what to do when nothing is said in time")
    nomatch: Miss = Field(default_factory=Miss, description="what to do when no choice fits")

    _matcher: Matcher = PrivateAttr()
    _expected: Expectation = PrivateAttr()
    _by_keys: dict[str, str] = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        choices: Choices = {name: (choice.say, choice.press) for name, choice in self.choices.items()}
        self._matcher = Matcher(choices)
        self._expected = expectation(choices, self._matcher)
        self._by_keys = {keys: name for name, choice in self.choices.items() for keys in choice.press}

    def may_go_to(self) -> Iterator[tuple[str, str]]:
        for name, choice in self.choices.items():
            if choice.goto is not None:
                yield name, choice.goto
        for kind, miss in (("noinput", self.noinput), ("nomatch", self.nomatch)):
            if miss.goto is not None:
                yield kind, miss.goto

    def may_end(self) -> bool:
        return self.noinput.goto is None or self.nomatch.goto is None

    def always_leaves(self) -> bool:
        return all(choice.goto is not None for choice in self.choices.values())

    def prompts(self) -> Iterator[str]:
        if self.prompt is not None:
            yield from self.prompt.literals()
        for miss, default in ((self.noinput, NOINPUT_TEXT), (self.nomatch, NOMATCH_TEXT)):
            if miss.tries:
                yield from (miss.say or say(default)).literals()
            if miss.goto is None:
                yield GIVE_UP_TEXT

    @classmethod
    def cross_check(cls, data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
        keys: dict[str, str] = {}
        phrases: dict[tuple[str, ...], str] = {}
        choices = data.get("choices")
        for name, choice in choices.items() if isinstance(choices, dict) else ():
            if not isinstance(choice, dict):
                continue
            for at, key in _listed(choice.get("press")):
                taken = keys.setdefault(key.strip().upper(), name)
                if taken != name:
                    message = f"the key {quoted(key)} is already that of {quoted(taken)}"
                    yield ("choices", name, "press", *at), message
            for at, phrase in _listed(choice.get("say")):
                taken = phrases.setdefault(spoken(phrase), name)
                if taken != name:
                    message = f"the phrase {quoted(phrase)} already means {quoted(taken)}"
                    yield ("choices", name, "say", *at), message

    async def run(self, run: "Run") -> Next:
        with run.expecting(self._expected):
            return await self._ask(run)

    async def _ask(self, run: "Run") -> Next:
        misses = {"noinput": 0, "nomatch": 0}
        if self.prompt is not None:
            await run.prompt(self.prompt, self, listening_next=True)
        while True:
            heard = await self._hear(run)
            if heard.choice is not None:
                run.answered()
                run.log.info("choice_matched", choice=heard.choice, by=heard.by, heard=heard.text)
                goto = self.choices[heard.choice].goto
                return GoTo(goto) if goto is not None else None
            misses[heard.miss] += 1
            miss = self.noinput if heard.miss == "noinput" else self.nomatch
            more = {"heard": heard.text, "by": heard.by} if heard.miss == "nomatch" else {}
            run.log.info(heard.miss, attempt=misses[heard.miss], of=miss.tries + 1, **more)
            if misses[heard.miss] > miss.tries:
                run.gave_up()
                if miss.goto is not None:
                    return GoTo(miss.goto)
                await run.prompt(GIVE_UP_TEXT, PROTECTED)
                return End(heard.miss)
            again = miss.say or say(NOINPUT_TEXT if heard.miss == "noinput" else NOMATCH_TEXT)
            await run.prompt(again, self, listening_next=True)
            if self.prompt is not None:
                await run.prompt(self.prompt, self, listening_next=True)

    async def _hear(self, run: "Run") -> _Heard:
        """One answer: a turn of speech, or keys until they can mean only one thing."""
        pressed = ""
        while True:
            turn = await run.listen(self.inter_digit if pressed else self.timeout)
            if turn.reason == "dtmf":
                key = turn.text.upper()
                if key == "#" and pressed in self._by_keys and not self._may_follow(pressed + key):
                    return _Heard(self._by_keys[pressed], "nomatch", "keys", pressed)
                pressed += key
                if not self._may_follow(pressed, longer=True):
                    return _Heard(self._by_keys.get(pressed), "nomatch", "keys", pressed)
                continue
            if turn.reason == "speech":
                match = self._matcher.match(turn.text, turn.confidence)
                if match is not None or pressed not in self._by_keys:
                    return _Heard(match.choice if match else None, "nomatch", "speech", turn.text)
            if pressed:
                # No further key came, and nothing that was said fits: what was pressed is the answer.
                return _Heard(self._by_keys.get(pressed), "nomatch", "keys", pressed)
            return _Heard(None, "noinput", "speech", "")

    def _may_follow(self, pressed: str, *, longer: bool = False) -> bool:
        """Some choice's keys begin with ``pressed`` (and, with ``longer``, go on after it)."""
        least = len(pressed) + longer
        return any(keys.startswith(pressed) and len(keys) >= least for keys in self._by_keys)


def _listed(value: object) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield (), value
    elif isinstance(value, list):
        yield from (((at,), item) for at, item in enumerate(value) if isinstance(item, str))
