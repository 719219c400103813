"""What a caller can say or press in every gather and agent of a plan: operator, repeat, back, main menu."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, ValidationInfo, model_validator

from ivr.dialplan.plan.verb import GoBack, GoTo, Next
from ivr.dialplan.source.errors import quoted
from ivr.dialplan.values.fields import Fields, KeysList, LoadContext, StepName, TextList, refuse
from ivr.grammar.matching import content_words


class Universal(Fields):
    """A universal: a choice that holds in every question. A gather's own choices go before it."""

    say: TextList = Field(default=(), description="a phrase, or a list of phrases, that mean it")
    press: KeysList = Field(
        default=(), description="a key or several in a row, or a list of these (# and * in quotes)"
    )
    goto: StepName | None = Field(default=None, description="the step to go to")
    do: Literal["repeat", "back", "main"] | None = Field(
        default=None,
        description="repeat (say the question again), back (to the step that asked before) or main (to the "
        "plan's start)",
    )

    @model_validator(mode="after")
    def _can_be_meant(self) -> "Universal":
        if not self.say and not self.press:
            raise refuse("a universal needs a 'say' or a 'press', or nobody can ask for it")
        if (self.goto is None) == (self.do is None):
            raise refuse("a universal needs either a 'goto' or a 'do' (repeat, back or main)")
        return self

    def leads(self, start: str) -> Next:
        """Return where it leads; None repeats the question. ``start`` is the plan's."""
        match self.do:
            case "repeat":
                return None
            case "back":
                return GoBack()
            case "main":
                return GoTo(start, unwind=True)
        assert self.goto is not None
        return GoTo(self.goto, unwind=True)


Universals = Mapping[str, Universal]


def check_universals(universals: dict[str, Universal], info: ValidationInfo) -> dict[str, Universal]:
    """Raises PydanticCustomError where two of them share a key or a phrase."""
    language = info.context.language if isinstance(info.context, LoadContext) else "en"
    keys: dict[str, str] = {}
    phrases: dict[tuple[str, ...], str] = {}
    for name, universal in universals.items():
        for key in universal.press:
            taken = keys.setdefault(key, name)
            if taken != name:
                raise refuse(f"the key {quoted(key)} of {quoted(name)} is already that of {quoted(taken)}")
        for phrase in universal.say:
            taken = phrases.setdefault(content_words(phrase, language), name)
            if taken != name:
                raise refuse(f"the phrase {quoted(phrase)} of {quoted(name)} already means {quoted(taken)}")
    return universals
