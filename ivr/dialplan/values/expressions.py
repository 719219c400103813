"""Expressions and texts with values in them: Jinja in its sandbox, cut down until time and size are bounded.

An expression follows ``if``, a text follows ``say``, with ``{{ ... }}`` for a value. There are no statements
(``{% ... %}``), so nothing loops and what an expression costs is bounded by its length; what it may make is
bounded by ``MAX_SIZE``, numbers by ``MAX_NUMBER``. Every name it reads is known when the plan is loaded
(``names``).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ivr.dialplan.values.required_names import defined_when, names_of, required_names
from ivr.grammar import reading
from ivr.text import clean_data, clean_text

MAX_SOURCE = 4_000
"""Characters of one expression or text."""
MAX_SIZE = 16_000
"""Characters of a text, or items of a list, that one may make."""
MAX_NUMBER = 10**18
"""Numbers grow no further."""
MAX_NODES = 400
"""Parts of one expression or text."""

_FILTERS = (
    "abs capitalize default d first float int join last length count lower max min replace round"
    " sort string sum title trim unique upper wordcount"
)
_TESTS = (
    "defined divisibleby eq even false ge gt in integer le lt mapping ne none number odd sequence string"
    " true undefined"
)
_METHOD_NAMES = (
    "strip lstrip rstrip lower upper title capitalize startswith endswith isdigit isalpha isalnum"
    " find count get isoformat weekday date time strftime"
)
_METHODS = frozenset(_METHOD_NAMES.split())
"""What may be called, and only as a method of a value: none of them can make more than it was given."""


_LEFT_OVER = re.compile(r"expected token 'end of print statement', got ('.*')", re.DOTALL)
"""How Jinja says that something follows where an expression was over."""


class ExpressionError(Exception):
    """What is wrong with it, in the words of a plan's author."""


def _replace(text: Any, old: str, new: str) -> str:
    found = str(text)
    if len(found) + found.count(old) * len(new) > MAX_SIZE:
        raise SecurityError(f"more than {MAX_SIZE} characters")
    return found.replace(old, new)


def _read(filter_: Callable[..., str]) -> Callable[..., str]:
    """A filter that reads a value in the call's language."""

    @pass_context
    def read(context: Context, value: Any, *more: Any, **named: Any) -> str:
        if isinstance(value, StrictUndefined):
            str(value)  # raises, and says its name
        return filter_(value, _language(context), *more, **named)

    return read


@pass_context
def _read_date(context: Context, value: Any, *, weekday: bool | None = None, year: bool | None = None) -> str:
    if isinstance(value, StrictUndefined):
        str(value)
    return reading.day(value, _language(context), context.get("now"), weekday, year)


def _language(context: Context) -> str:
    return str(context.get("language", "en"))


_READING: dict[str, Callable[..., str]] = {
    **{
        name: _read(filter_)
        for name, filter_ in (
            ("digits", reading.digits),
            ("money", reading.money),
            ("number", reading.number),
            ("ordinal", reading.ordinal),
            ("phone", reading.phone),
            ("spell", reading.spell),
            ("time", reading.clock),
        )
    },
    "date": _read_date,
}
"""Filters that make words of a value."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
        self.filters = {name: self.filters[name] for name in _FILTERS.split()} | {
            "replace": _replace,
            **_READING,
        }
        self.tests = {name: self.tests[name] for name in _TESTS.split()}
        self.globals = {}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("powers are not part of the language")
        sized = [value for value in (left, right) if isinstance(value, str | list | tuple)]
        if operator == "*" and sized:
            raise SecurityError("texts and lists cannot be multiplied")
        if operator == "%" and isinstance(left, str):
            raise SecurityError("use {{ }} instead of % in a text")
        if sum(len(value) for value in sized) > MAX_SIZE:
            raise SecurityError(f"more than {MAX_SIZE} characters")
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int | float) and abs(result) > MAX_NUMBER:
            raise SecurityError(f"a number beyond {MAX_NUMBER}")
        return result


_ENVIRONMENT = _Environment()
FILTERS, TESTS, METHODS = frozenset(_ENVIRONMENT.filters), frozenset(_ENVIRONMENT.tests), _METHODS
"""What an expression may use: ``value | filter``, ``value is test``, ``value.method()``."""


class Template:
    """A text with values in it; ``literal`` is the text when there are none."""

    __slots__ = ("_finalize", "_render", "literal", "names", "needed", "source")

    def __init__(self, source: str, finalize: Callable[[Any], str] | None = None) -> None:
        """``finalize``, a function of a module, writes each value. Raises ExpressionError."""
        self.source, self._finalize = source, finalize
        plain = "{{" not in source and "{%" not in source and "{#" not in source
        self.literal: str | None = source if plain else None
        self.names: frozenset[str] = frozenset()
        self.needed: frozenset[str] = frozenset()
        """Those of ``names`` that must have a value."""
        self._render: Callable[[Mapping[str, Any]], str] | None = None
        if not plain:
            tree = parse(source)
            self.names, self.needed = _tried(lambda: (names_of(tree), required_names(tree)))

    def render(self, scope: Mapping[str, Any]) -> str:
        """Fill in the values of ``scope``, white space run together. What a value holds is text, braces and
        all, and never filled in again. Raises ExpressionError.
        """
        if self.literal is not None:
            return self.source
        render = self._render
        if render is None:
            # Not when a plan is loaded: it was parsed then, and most of a plan is not met in one call.
            render = self._render = _compiled(self.source, self._finalize).render
        text = str(_tried(lambda: render(scope)))
        if len(text) > MAX_SIZE:
            raise ExpressionError(f"it became longer than {MAX_SIZE} characters")
        return clean_text(" ".join(text.split()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Template):
            return False
        return (other.source, other._finalize) == (self.source, self._finalize)

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Template({self.source!r})"

    def __reduce__(self) -> tuple[type["Template"], tuple[str, Callable[[Any], str] | None]]:
        # Compiled code cannot be pickled; workers get plans so.
        return Template, (self.source, self._finalize)


class Expression:
    """A value worked out from others: ``tries > 2 and call.from != "anonymous"``."""

    __slots__ = ("_evaluate", "defined_if", "defined_unless", "names", "needed", "source")

    def __init__(self, source: str) -> None:
        """Raises ExpressionError."""
        self.source = source.strip()
        if not self.source:
            raise ExpressionError("it is empty")
        tree = parse("{{ " + self.source + " }}")
        outputs = [node for node in tree.body if isinstance(node, nodes.Output)]
        if len(tree.body) != 1 or len(outputs) != 1 or len(outputs[0].nodes) != 1:
            raise ExpressionError("one expression was expected, without {{ }} around it")
        self.names, self.needed = _tried(lambda: (names_of(tree), required_names(tree)))
        """Names that it reads, and names that must have a value."""
        value = outputs[0].nodes[0]
        self.defined_if, self.defined_unless = _tried(
            lambda: (defined_when(value, True), defined_when(value, False))
        )
        """Names that have a value for certain when it holds, and when it does not."""
        if isinstance(value, nodes.Tuple) and not self.source.startswith("("):
            raise ExpressionError("one expression was expected, found several with a comma")
        self._evaluate: Callable[[Mapping[str, Any]], Any] | None = None

    def evaluate(self, scope: Mapping[str, Any]) -> Any:
        """Its value. Raises ExpressionError, also for a name that has none."""
        evaluate = self._evaluate
        if evaluate is None:
            evaluate = self._evaluate = _tried(
                lambda: _ENVIRONMENT.compile_expression(self.source, undefined_to_none=False)
            )
        value = _tried(lambda: evaluate(scope))
        if isinstance(value, StrictUndefined):
            _tried(lambda: str(value))
        if isinstance(value, str | list | tuple | dict) and len(value) > MAX_SIZE:
            raise ExpressionError(f"it became longer than {MAX_SIZE}")
        return clean_data(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.source == self.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def __reduce__(self) -> tuple[type["Expression"], tuple[str]]:
        return Expression, (self.source,)  # compiled code cannot be pickled; workers get plans so


def _tried(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except UndefinedError as error:
        raise ExpressionError(str(error)) from None
    except TemplateError as error:
        raise ExpressionError(str(error.message)) from None
    except Exception as error:  # a value of another kind than was meant: "3" + 4
        raise ExpressionError(f"{error}") from None


def _compiled(source: str, finalize: Callable[[Any], str] | None) -> Any:
    environment = _ENVIRONMENT.overlay(finalize=finalize) if finalize is not None else _ENVIRONMENT
    return _tried(lambda: environment.from_string(source))


def _plainly(message: str) -> str:
    """A mistake in an expression without the words of Jinja's parser."""
    if message == "unexpected 'end of print statement'":
        return "it ends too early"
    found = _LEFT_OVER.fullmatch(message)
    return f"{found[1]} is not expected there; a text needs quotes of its own" if found else message


def parse(source: str) -> nodes.Template:
    """Return the syntax tree of a text with values in it. Raises ExpressionError."""
    if len(source) > MAX_SOURCE:
        raise ExpressionError(f"it is longer than {MAX_SOURCE} characters")
    if "{%" in source or "{#" in source:
        raise ExpressionError("statements and comments ({% %}, {# #}) are not part of the language")
    try:
        tree = _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise ExpressionError(_plainly(error.message or "it cannot be read")) from None
    except RecursionError:
        raise ExpressionError("it is nested too deep") from None
    for count, node in enumerate(tree.find_all(nodes.Node), 1):
        if count > MAX_NODES:
            raise ExpressionError("it has too many parts")
        _check(node)
    return tree


def _check(node: nodes.Node) -> None:
    match node:
        case nodes.Call(node=nodes.Getattr(attr=name)) if name in _METHODS:
            pass
        case nodes.Call():
            raise ExpressionError(
                f"nothing can be called but methods of a value: {', '.join(sorted(_METHODS))}"
            )
        case nodes.Filter() if node.name not in _ENVIRONMENT.filters:
            raise ExpressionError(
                f"there is no filter {node.name!r}; there are {', '.join(sorted(_ENVIRONMENT.filters))}"
            )
        case nodes.Test() if node.name not in _ENVIRONMENT.tests:
            known = ", ".join(_TESTS.split())
            raise ExpressionError(f"there is no test {node.name!r}; there are {known}")
        case nodes.Pow():
            raise ExpressionError("powers are not part of the language")
        case nodes.Getattr() if node.attr.startswith("_"):
            raise ExpressionError(f"{node.attr!r} cannot be read")
