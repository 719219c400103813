"""Typed inputs by name. A new kind is a file here and its class in this table."""

from functools import lru_cache

from ivr.grammar.inputs.base import Asked, Input, Typed
from ivr.grammar.inputs.date import Day
from ivr.grammar.inputs.digits import Digits
from ivr.grammar.inputs.money import Money
from ivr.grammar.inputs.name import Name
from ivr.grammar.inputs.number import Number
from ivr.grammar.inputs.pattern import Fits
from ivr.grammar.inputs.phone import Phone
from ivr.grammar.inputs.text import FreeText
from ivr.grammar.inputs.time import TimeOfDay
from ivr.grammar.inputs.yes_no import YesNo

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
    """Raises RegexError for a pattern that is none."""
    return INPUTS[asked.kind](asked)


__all__ = ["INPUTS", "Asked", "Input", "Typed", "make_input"]
