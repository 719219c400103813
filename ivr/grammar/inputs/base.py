"""What a typed input is: it turns what a caller says or presses into a value, or into nothing."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from typing import Any, ClassVar, Protocol, get_args

from ivr.grammar import reading
from ivr.grammar.expectation import ExpectedKind
from ivr.grammar.languages.language import DateOrder

MAX_SAID = 500
"""Characters of a turn that are parsed; the rest is ignored."""
MAX_PRESSED = 32
"""Keys of one value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSpec:
    """Which value is asked for, and how. It consists of plain values, so that a recording can hold it."""

    kind: str
    language: str = "en"
    min_digits: int = 1
    max_digits: int = MAX_PRESSED
    pattern: str = ""
    order: DateOrder = "dmy"
    """Order of day, month and year of a date in figures."""
    past: bool = False
    """Whether a date without a year is the last such date, not the next one (a date of birth)."""
    currency: str = "EUR"
    today: str = "1970-01-01"
    """The day of the call, as YYYY-MM-DD."""

    def plain(self) -> dict[str, Any]:
        """Return the fields, as JSON can hold them."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "InputSpec":
        """Return the spec that ``plain`` made, from a file that anybody may have written. A field that is
        missing has its default. Raises ValueError.
        """
        given = {name: plain[name] for name in cls.__slots__ if name in plain}
        for each in fields(cls):
            wanted = str if each.default is MISSING else type(each.default)
            if each.name in given and type(given[each.name]) is not wanted:
                raise ValueError(f"{each.name} = {given[each.name]!r} is not possible")
        if not isinstance(given.get("kind"), str) or given.get("order", "dmy") not in get_args(DateOrder):
            raise ValueError("a typed value needs a kind, and its order is dmy, mdy or ymd")
        found = cls(**given)
        date.fromisoformat(found.today)
        return found

    @property
    def day(self) -> date:
        """``today`` as a date."""
        return date.fromisoformat(self.today)


@dataclass(frozen=True, slots=True)
class TypedValue:
    """A value that was understood."""

    value: Any
    read_back: str
    """How it is said back to the caller: "twelve euros"."""


class Input(Protocol):
    """Parses one kind of value. The methods are pure, and take time in proportion to the text."""

    expected_kind: ClassVar[ExpectedKind]
    """Decides how much silence ends a turn."""
    free_form: ClassVar[bool]
    """Whether almost anything that is said is an answer."""
    accepts_keys: ClassVar[bool]
    """Whether the value can be entered with keys."""

    def __init__(self, spec: InputSpec) -> None: ...

    def parse(self, text: str) -> TypedValue | None:
        """Return the value that ``text`` says, or None."""

    def parse_keys(self, keys: str) -> TypedValue | None:
        """Return the value that was entered with ``keys``, or None."""

    def may_continue(self, text: str) -> bool:
        """Return whether ``text`` may be the beginning of a longer answer."""

    def accepts_more_keys(self, keys: str) -> bool:
        """Return whether another key may follow ``keys``; for "", whether a key can begin an answer."""


class BaseInput:
    """Base class of all kinds: no keys mean anything, and any text may continue."""

    expected_kind: ClassVar[ExpectedKind] = "free"
    free_form: ClassVar[bool] = False
    accepts_keys: ClassVar[bool] = True

    def __init__(self, spec: InputSpec) -> None:
        self.spec = spec
        self.language = spec.language

    def parse_keys(self, keys: str) -> TypedValue | None:
        return None

    def may_continue(self, text: str) -> bool:
        return True

    def accepts_more_keys(self, keys: str) -> bool:
        """Return whether ``keys`` are digits, and fewer than the most that are asked for."""
        figures = keys.isdecimal() or not keys
        return self.accepts_keys and figures and len(keys) < self.spec.max_digits

    def has_asked_length(self, digits: str) -> bool:
        """Return whether there are as many digits as were asked for."""
        return self.spec.min_digits <= len(digits) <= self.spec.max_digits

    def spelled(self, text: str) -> str:
        """Return ``text`` character by character, as it is read aloud."""
        return reading.spell(text, self.language)
