"""The declaration of every setting, read from the options classes that the rooms declare.

An options class is a dataclass. A field is one setting: its name, its type, its default, and the text below
it, which becomes the help of a flag, the reference page and the comment in a settings file. The end of a name
is its unit: ``_ms``, ``_s``, ``_db``, ``_dbfs``.
"""

import ast
import dataclasses
import functools
import inspect
import math
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

INTERNAL = {"internal": True}
"""Metadata of a field that the service fills in itself, and that is no setting."""

UNITS = {"_ms": "ms", "_s": "s", "_db": "dB", "_dbfs": "dBFS", "_tokens": "tokens"}
"""The end of a setting's name to its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting."""

    name: str
    """Its full name: ``sip.bind``."""
    hint: Any
    """The type of its value, with the checks that a type does not say (``Annotated``)."""
    default: Any = dataclasses.MISSING
    """``MISSING`` where a value is required."""
    text: Callable[[], str]
    """Returns what the setting means, on one line."""
    owner: type
    """The options class that has it as a field."""

    @property
    def unit(self) -> str:
        """The unit of its value; empty when it has none."""
        ends = [end for end in UNITS if self.name.endswith(end)]
        return UNITS[max(ends, key=len)] if ends else ""

    @property
    def type(self) -> Any:
        """The type of its value without the checks."""
        return typing.get_args(self.hint)[0] if typing.get_origin(self.hint) is Annotated else self.hint

    def checked_by(self, check: Callable[[Any], object]) -> "Option":
        """Return this option with one more check, which raises ValueError for a value that is refused."""

        def validate(value: Any) -> Any:
            check(value)
            return value

        return dataclasses.replace(self, hint=Annotated[self.hint, AfterValidator(validate)])


@dataclass(frozen=True, slots=True)
class TableArray:
    """A setting that is a list of tables, each with the settings of ``tree``."""

    name: str
    tree: "SettingsTree"
    text: Callable[[], str]

    @property
    def required(self) -> tuple[str, ...]:
        """The keys that every table must have."""
        missing = dataclasses.MISSING
        return tuple(
            key for key, node in self.tree.items() if isinstance(node, Option) and node.default is missing
        )


Node = typing.Union["SettingsTree", TableArray, Option]
SettingsTree = dict[str, Node]
"""Name to a deeper tree, to ``TableArray``, or to one setting."""


def tree_of(options: type, prefix: str) -> SettingsTree:
    """Return the settings of an options class; options classes nested in it become trees of their own.

    ``prefix`` is the full name of the table.
    """
    hints = typing.get_type_hints(options)
    return {
        item.name: _node(options, item, hints[item.name], f"{prefix}.{item.name}")
        for item in dataclasses.fields(options)
        if item.init and not item.metadata.get("internal")
    }


def option_of(options: type, field: str, name: str) -> Option:
    """Return the setting ``name`` that a field of ``options`` declares."""
    item = next(item for item in dataclasses.fields(options) if item.name == field)
    node = _node(options, item, typing.get_type_hints(options)[field], name)
    assert isinstance(node, Option)
    return node


def table_array_of(options: type, field: str, row: type, name: str) -> TableArray:
    """Return the setting ``name`` that is a list of tables, each of the options class ``row``."""
    return TableArray(name, tree_of(row, name), functools.partial(text_of, options, field))


def _node(options: type, item: "dataclasses.Field[Any]", hint: Any, name: str) -> Node:
    text = functools.partial(text_of, options, item.name)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return tree_of(hint, name)
    if typing.get_origin(hint) is tuple:
        row = typing.get_args(hint)[0]
        if dataclasses.is_dataclass(row) and isinstance(row, type):
            return TableArray(name, tree_of(row, name), text)
    default = item.default
    if item.default_factory is not dataclasses.MISSING:
        default = item.default_factory()
    if hint in (int, float, int | None, float | None):
        hint = Annotated[hint, AfterValidator(_finite if name.endswith("_dbfs") else _not_negative)]
    return Option(name=name, hint=hint, default=default, text=text, owner=options)


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _not_negative(value: float | None) -> float | None:
    # Every number of the settings but a level in dBFS is a time, a count or a share.
    value = _finite(value)
    if value is not None and value < 0:
        raise ValueError("must not be negative")
    return value


def names_in(tree: SettingsTree) -> Iterator[str]:
    """Yield the full name of every setting: ``sip.bind``; a list of tables is one setting."""
    for node in tree.values():
        if isinstance(node, dict):
            yield from names_in(node)
        else:
            yield node.name


def node_at(tree: SettingsTree, name: str) -> TableArray | Option:
    """Return the setting with that full name."""
    node: Any = tree
    for part in name.split("."):
        node = node[part]
    return typing.cast("TableArray | Option", node)


def describe(hint: Any) -> str:
    """Return a type in words: ``a whole number``."""
    plain = {int: "a whole number", float: "a number", str: "a text", bool: "true or false", Path: "a path"}
    if hint in plain:
        return plain[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return describe(arguments[0])
    if origin is typing.Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe(part) for part in arguments if part is not type(None))
    if origin is tuple:
        return f"a list, each item {describe(arguments[0])}"
    return str(getattr(hint, "__name__", hint))


# -- the text below a field


def text_of(options: type, field: str) -> str:
    """Return the text below a field of an options class, on one line; empty when there is none."""
    for owner in options.__mro__:
        if field in inspect.get_annotations(owner):
            return _texts(owner.__module__).get((owner.__name__, field), "")
    return ""


@functools.cache
def _texts(module: str) -> Mapping[tuple[str, str], str]:
    """Return the texts below the fields of all classes at the top of a module, by class and field."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, SyntaxError):  # a module that was not read from a file
        return {}
    return {
        (owner.name, before.target.id): " ".join(after.value.value.split())
        for owner in tree.body
        if isinstance(owner, ast.ClassDef)
        for before, after in zip(owner.body, owner.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }
