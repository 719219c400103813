"""What a typed input is: from what a caller says or presses to a value, or to nothing."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, ClassVar, Protocol, get_args

from ivr.grammar import reading
from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.languages.language import DateOrder

MAX_SAID = 500
"""Characters of a turn that are looked at."""
MAX_PRESSED = 32
"""Keys of one input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """What is asked for, as far as the parsers need it: plain values, so that a recording can hold it."""

    kind: str
    language: str = "en"
    min_digits: int = 1
    max_digits: int = MAX_PRESSED
    pattern: str = ""
    order: DateOrder = "dmy"
    """Of a date in figures."""
    past: bool = False
    """A date without its year is the last one of the kind, not the next."""
    currency: str = "EUR"
    today: str = "1970-01-01"

    def plain(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "InputSpec":
        """The reverse of ``plain``, from a file that anybody may have written; what it does not say is left
        at its default. Raises ValueError.
        """
        given = {name: plain[name] for name in cls.__slots__ if name in plain}
        for each in fields(cls):
            wanted = str if each.default is MISSING else type(each.default)
            if each.name in given and type(given[each.name]) is not wanted:
                raise ValueError(f"{each.name} = {given[each.name]!r} cannot be")
        if not isinstance(given.get("kind"), str) or given.get("order", "dmy") not in get_args(DateOrder):
            raise ValueError("a question has a kind, and no order but dmy, mdy and ymd")
        found = cls(**given)
        date.fromisoformat(found.today)
        return found

    @property
    def day(self) -> date:
        return date.fromisoformat(self.today)


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value, and how it is read back."""

    value: Any
    said: str


class Input(Protocol):
    """One kind of value. Everything is pure and takes time in proportion to the text."""

    expects: ClassVar[ExpectedKind]
    """How long a pause is waited for."""
    free: ClassVar[bool]
    """Almost anything that is said is an answer."""
    takes_keys: ClassVar[bool]

    def __init__(self, asked: InputSpec) -> None: ...

    def parse(self, text: str) -> TypedValue | None:
        """What was said."""

    def press(self, keys: str) -> TypedValue | None:
        """What was pressed."""

    def may_continue(self, text: str) -> bool:
        """What was said may be the beginning of a longer answer."""

    def more_keys(self, keys: str) -> bool:
        """So may these keys; true of "" where a key can begin an answer."""


class BaseInput:
    """What most kinds share."""

    expects: ClassVar[ExpectedKind] = "free"
    free: ClassVar[bool] = False
    takes_keys: ClassVar[bool] = True

    def __init__(self, asked: InputSpec) -> None:
        self.asked = asked
        self.language = asked.language

    def press(self, keys: str) -> TypedValue | None:
        return None

    def may_continue(self, text: str) -> bool:
        return True

    def more_keys(self, keys: str) -> bool:
        """Digits, up to as many as are asked for."""
        figures = keys.isdecimal() or not keys
        return self.takes_keys and figures and len(keys) < self.asked.max_digits

    def enough(self, digits: str) -> bool:
        return self.asked.min_digits <= len(digits) <= self.asked.max_digits

    def spelled(self, text: str) -> str:
        return reading.spell(text, self.language)
