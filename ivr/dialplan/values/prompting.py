"""When a prompt stops for the caller: the fields that every speaking verb shares with a plan's ``defaults``.

They are the fields of ``BargeInOptions`` in the language of a plan, each optional. A field that a verb leaves
out is taken from the plan, then from the setting ``session.barge_in``.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import Field

from ivr.dialplan.values.fields import ANSWERS, Fields, Hotword, Span, Switch
from ivr.session.options import BargeIn, BargeInOptions

_OPTIONS = {option.name for option in dataclasses.fields(BargeInOptions)}


class PromptOptions(Fields):
    """When a prompt stops for the caller. None: the value of the layer below applies."""

    barge_in: BargeIn | None = Field(
        default=None, description="what cuts it short: any, speech, dtmf (a key) or none"
    )
    protect: Span | None = Field(
        default=None, description="for how long after its beginning speech cannot stop it, such as 2s or 0s"
    )
    protect_dtmf: Span | None = Field(
        default=None, description="for how long after its beginning keys cannot stop it, such as 2s or 0s"
    )
    min_speech: Span | None = Field(
        default=None, description="how much speech stops it, such as 200ms; until then it is turned down"
    )
    min_words: int | None = Field(
        default=None, ge=0, le=100, description="how many words must be understood before it stops"
    )
    hotword: Hotword | None = Field(
        default=None, description="a phrase or a list of phrases that alone stop it; true for the choices"
    )
    duck_db: float | None = Field(
        default=None,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="how many decibels softer it becomes at the first sign of speech, such as 12",
    )
    false_interruption_timeout: Span | None = Field(
        default=None, description="after how long it goes on when no words came, such as 1s; 0s: never"
    )
    backchannels: Switch | None = Field(
        default=None, description='true ("uh-huh" and its like go by) or false (they interrupt as any word)'
    )
    answer_window: Span | None = Field(
        default=None, description='how close to its end an "uh-huh" may be an answer, such as 700ms'
    )

    def applied_to(self, options: BargeInOptions) -> BargeInOptions:
        """Return ``options`` with every field that is given here in place of the option of that name."""
        changed: dict[str, Any] = {}
        for name in PromptOptions.model_fields:
            value = getattr(self, name)
            if value is None:
                continue
            if name in _OPTIONS:
                changed[name] = value
            else:  # seconds here, milliseconds there
                changed[f"{name}_ms"] = round(value * 1000, 3)
        if self.hotword is not None:
            answers = self.hotword == ANSWERS
            changed.update(hotword=() if answers else self.hotword, hotword_answers=answers)
        return dataclasses.replace(options, **changed)


TAPER: bool = Field(
    default=False,
    description="true: play the list's items one per visit, then repeat the last",
)

_Item = TypeVar("_Item")


def tapered(items: Sequence[_Item], visits: int) -> Sequence[_Item]:
    """Return the item for this visit, as a sequence of one, after ``visits`` earlier ones."""
    index = min(visits, len(items) - 1)
    return items[index : index + 1]


PROTECTED = PromptOptions(barge_in="none")
"""Options of a prompt that nothing stops."""
