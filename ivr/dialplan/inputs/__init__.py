"""Typed inputs by name. A new kind is a file here and its class in this table."""

from functools import lru_cache

from ivr.dialplan.inputs.base import Asked, Input, Typed
from ivr.dialplan.inputs.date import Day
from ivr.dialplan.inputs.digits import Digits
from ivr.dialplan.inputs.money import Money
from ivr.dialplan.inputs.name import Name
from ivr.dialplan.inputs.number import Number
from ivr.dialplan.inputs.pattern import Fits
from ivr.dialplan.inputs.phone import Phone
from ivr.dialplan.inputs.text import FreeText
from ivr.dialplan.inputs.time import TimeOfDay
from ivr.dialplan.inputs.yes_no import YesNo

INPUTS: dict[str, type[Input]] = {
    "digits": Digits,
    "number": Number,
    "date": Day,
    "time": TimeOfDay,
    "money": Money,
    "phone": Phone,
    "yes_no": YesNo,
    "name": Name,
    "text": FreeText,
    "pattern": Fits,
}


@lru_cache(maxsize=1000)
def make_input(asked: Asked) -> Input:
    """Raises PatternError for a pattern that is none."""
    return INPUTS[asked.kind](asked)


__all__ = ["INPUTS", "Asked", "Input", "Typed", "make_input"]
