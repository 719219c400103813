"""Where the value of a setting comes from: flags, the environment, a TOML file.

Every source is checked key by key before anything is merged, so that an error names the place where the value
was written, not the place where it was used.
"""

import difflib
import json
import re
import tomllib
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ivr.errors import IvrError
from ivr.service.config.declaration import Option, SettingsTree, TableArray, describe, names_in, node_at
from ivr.text import clean_text

PREFIX = "IVR_"
RESERVED = frozenset({"IVR_CACHE_DIR", "IVR_CONFIG"})
"""Environment variables that are not settings."""

SECRET_NAMES = re.compile(r"password|api_key|secret|token", re.IGNORECASE)


class SettingsError(IvrError, ValueError):
    """A setting is unknown or its value is wrong. The text is one line with the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Source:
    """The values that one source sets, and where each was written."""

    values: dict[str, Any] = field(default_factory=dict)
    place: Callable[[str], str] = str
    """Returns the flag, the variable, or the file and line of a setting, by its full name."""

    def has(self, name: str) -> bool:
        node: Any = self.values
        for part in name.split("."):
            if not isinstance(node, dict) or part not in node:
                return False
            node = node[part]
        return True


def from_flags(tree: SettingsTree, flags: Mapping[str, tuple[str, Any]]) -> Source:
    """Check flags such as ``{"sip.bind": ("--bind", "127.0.0.1:5060")}``. Raises SettingsError."""
    found: dict[str, Any] = {}
    for name, (flag, value) in flags.items():
        _put(found, name, _value(node_at(tree, name), value, flag, name, strict=False))
    return Source(found, lambda name: flags[name][0])


def from_environment(tree: SettingsTree, environ: Mapping[str, str]) -> Source:
    """Read variables such as ``IVR_SIP__BIND``. Raises SettingsError.

    A list is written as JSON or, if its items are plain texts, with commas. A hyphen becomes an
    underscore, because a shell cannot set a variable with a hyphen.
    """
    known = {PREFIX + name.upper().replace(".", "__").replace("-", "_"): name for name in names_in(tree)}
    found: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.upper().startswith(PREFIX) or variable in RESERVED:
            continue
        name = known.get(variable.upper())
        if name is None:
            near = nearest(variable.upper(), [*known, *RESERVED])
            raise SettingsError(f"environment: {variable} is not a setting{near}")
        if not text.isprintable() and clean_text(text, lines=True) != text:
            raise SettingsError(f"environment: {variable} has a character that no text has; use UTF-8")
        _put(found, name, from_text(tree, name, text, f"environment: {variable}"))
    variables = {name: variable for variable, name in known.items()}
    return Source(found, lambda name: f"environment: {variables[name]}")


def from_text(tree: SettingsTree, name: str, text: str | None, place: str) -> Any:
    """Check one setting, written as in the environment; None is no value. Raises SettingsError."""
    node = node_at(tree, name)
    value: Any = text
    if text is not None and (isinstance(node, TableArray) or typing.get_origin(node.type) is tuple):
        value = _list(text, place, plain=not isinstance(node, TableArray))
    return _value(node, value, place, name, strict=False)


def from_file(tree: SettingsTree, path: Path) -> Source:
    """Read a TOML file. Paths in it are relative to its folder. Raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: it is not UTF-8 text") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from error
    file = _File(path, text, tree)
    return Source(_table(tree, data, file, ()), lambda name: file.place(tuple(name.split("."))))


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    text: str
    root: "SettingsTree"

    def place(self, key: "Key") -> str:
        """Return ``file:line`` of a key; where its own line is not found, that of its table."""
        for length in range(len(key), 0, -1):
            line = _line_of(self.text, key[:length])
            if line:
                return f"{self.path}:{line}"
        return f"{self.path}"


Key = tuple[str | int, ...]
"""The path of a value in a file: names, and for a list of tables the table's number, from 0."""


def _name(key: Key) -> str:
    return ".".join(part for part in key if isinstance(part, str))


def _table(tree: SettingsTree, data: Mapping[str, Any], file: _File, above: Key) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in data.items():
        path = (*above, key)
        name = _name(path)
        place = file.place(path)
        if key not in tree:
            here = [_name((*above, other)) for other in tree]
            every = list(names_in(file.root))
            # The same key in another table is likelier than another key in this one.
            elsewhere = [each for each in every if each.rpartition(".")[2] == name.rpartition(".")[2]]
            near = nearest(name, elsewhere, here, every)
            raise SettingsError(f"{place}: {name} is not a setting{near}")
        node = tree[key]
        if isinstance(node, dict):
            if not isinstance(value, dict):
                raise SettingsError(f"{place}: {name} must be a table, [{name}]")
            found[key] = _table(node, value, file, path)
        elif isinstance(node, TableArray):
            if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
                raise SettingsError(f"{place}: {name} must be a list of tables, [[{name}]]")
            found[key] = [_table(node.tree, row, file, (*path, number)) for number, row in enumerate(value)]
            for number, row in enumerate(value):
                _complete(node, row, file.place((*path, number)), name)
        else:
            checked = _value(node, value, place, name, strict=True)
            found[key] = _relative(checked, key, file.path.parent)
    return found


def _relative(value: Any, key: str, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, str) and key.endswith("_file"):
        return str(folder / Path(value).expanduser())
    if isinstance(value, tuple):
        return tuple(_relative(item, key, folder) for item in value)
    return value


def place_of_fault(sources: Sequence[Source], table: str, reason: str) -> str:
    """Return where the settings of ``table`` were written that do not fit together.

    They are the keys that ``reason`` names, each in the strongest of ``sources`` that has it. Empty when none
    has.
    """
    found = []
    for key in dict.fromkeys(re.findall(r"\w+(?:\.\w+)*", reason)):
        name = f"{table}.{key}"
        source = next((source for source in sources if source.has(name)), None)
        if source is not None:
            found.append(f"{source.place(name)}: {name}")
    return ", ".join(found)


# -- one value


def _value(node: TableArray | Option, value: Any, place: str, name: str, *, strict: bool) -> Any:
    """Check one value against its type. ``strict`` is for TOML, whose values have types already."""
    if isinstance(node, TableArray):
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise SettingsError(f"{place}: {name} must be a JSON list of objects")
        rows = [_row(node.tree, row, place, name) for row in value]
        for row in rows:
            _complete(node, row, place, name)
        return rows
    adapter: TypeAdapter[Any] = TypeAdapter(node.hint)
    shown = "its value" if SECRET_NAMES.search(name) else repr(value)
    expected = describe(node.hint)
    try:
        if not strict:
            return adapter.validate_python(value)
        return adapter.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "value_error":  # the type is right, a check of ours said no
            reason = first["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{place}: {name} = {shown}: {reason}") from None
    except TypeError:  # a date, which JSON does not have
        pass
    raise SettingsError(f"{place}: {name} must be {expected}, not {shown}")


def _row(tree: SettingsTree, row: Mapping[str, Any], place: str, name: str) -> dict[str, Any]:
    found = {}
    for key, value in row.items():
        if key not in tree:
            raise SettingsError(f"{place}: {name}.{key} is not a setting{nearest(key, list(tree))}")
        node = tree[key]
        assert not isinstance(node, dict)
        found[key] = _value(node, value, place, f"{name}.{key}", strict=True)
    return found


def _complete(rows: TableArray, row: Mapping[str, Any], place: str, name: str) -> None:
    missing = [key for key in rows.required if key not in row]
    if missing:
        raise SettingsError(f"{place}: {name}.{missing[0]} is missing: every one of {name} needs it")


def _list(text: str, place: str, *, plain: bool) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError as error:
            raise SettingsError(f"{place}: it is not a JSON list: {error}") from None
    return [item.strip() for item in text.split(",") if item.strip()] if plain else text


def nearest(name: str, *candidates: list[str]) -> str:
    """Return `; did you mean X?` for the nearest name, of the first list that has one; else a few names."""
    for names in candidates:
        found = difflib.get_close_matches(name, names, 1, 0.6)
        if found:
            return f"; did you mean {found[0]}?"
    for names in candidates:
        if names:
            return f"; there are: {', '.join(sorted(names))}" if len(names) <= 20 else ""
    return ""


def _put(target: dict[str, Any], name: str, value: Any) -> None:
    *above, last = name.split(".")
    for part in above:
        target = target.setdefault(part, {})
    target[last] = value


def _line_of(text: str, key: Key) -> int | None:
    """Return the line where a key of a TOML file is written, for the usual ways to write it."""
    table: Key = ()
    lists: dict[Key, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        if header:
            table = _numbered(_parts(header[2]), lists, begins=header[1] == "[[")
            if table[: len(key)] == key:
                return number
            continue
        assignment = re.match(r"""\s*([\w."' -]+?)\s*=""", line)
        if assignment and (*table, *_parts(assignment[1]))[: len(key)] == key:
            return number
    return None


def _numbered(names: tuple[str, ...], lists: dict[Key, int], *, begins: bool) -> Key:
    """Return a header's names, each list of tables followed by the number of its current table.

    ``lists`` has the current number of each list so far; a header in double brackets ``begins`` the next.
    """
    found: Key = ()
    for place, name in enumerate(names, 1):
        found = (*found, name)
        if begins and place == len(names):
            lists[found] = lists.get(found, -1) + 1
        if found in lists:
            found = (*found, lists[found])
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
