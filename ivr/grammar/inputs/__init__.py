"""Typed values that a caller can be asked for: from what was said or pressed to a value. One file per kind; a
new kind is a file here and its class in ``INPUTS``.
"""

from functools import lru_cache

from ivr.grammar.inputs.base import Input, InputSpec, TypedValue
from ivr.grammar.inputs.date import DateInput
from ivr.grammar.inputs.digits import DigitsInput
from ivr.grammar.inputs.money import MoneyInput
from ivr.grammar.inputs.name import NameInput
from ivr.grammar.inputs.number import NumberInput
from ivr.grammar.inputs.pattern import PatternInput
from ivr.grammar.inputs.phone import PhoneInput
from ivr.grammar.inputs.text import TextInput
from ivr.grammar.inputs.time import TimeInput
from ivr.grammar.inputs.yes_no import YesNoInput

INPUTS: dict[str, type[Input]] = {
    "digits": DigitsInput,
    "number": NumberInput,
    "date": DateInput,
    "time": TimeInput,
    "money": MoneyInput,
    "phone": PhoneInput,
    "yes_no": YesNoInput,
    "name": NameInput,
    "text": TextInput,
    "pattern": PatternInput,
}


@lru_cache(maxsize=1000)
def make_input(spec: InputSpec) -> Input:
    """Return the parser of a typed value. Raises RegexError for a pattern that is not valid."""
    return INPUTS[spec.kind](spec)


__all__ = ["INPUTS", "Input", "InputSpec", "TypedValue", "make_input"]
