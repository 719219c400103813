"""A plan's YAML 1.2 text as a tree whose nodes know their line and column.

Scalars stay the text that was written (``07``, ``yes`` and ``no`` included): what type a value has is
decided by the field it is given to, not by YAML. So the tree is built here from the parser's events and
no YAML constructor ever runs. Everything that grows is bounded: bytes, depth, nodes, and what
aliases expand to.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from ivr.dialplan.source.errors import PlanError, Problem, quoted
from ivr.text import clean_text

MAX_BYTES = 1_048_576
"""Bytes of one plan file."""
MAX_DEPTH = 40
"""Lists and mappings inside one another, aliases expanded."""
MAX_NODES = 100_000
"""Values in one plan, aliases expanded."""

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_LARGEST = 10**18
"""Numbers of plans go no further."""
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')
_LOST_KEY = re.compile(r"(?<=\s)#(?=\s*(?:[,\]}]|$))")
_ONLY_COMMENT = re.compile(r"\s+#")
_STR_TAG = "tag:yaml.org,2002:str"

Path = tuple[str | int, ...]
"""The way from a node to one below it: keys and list positions."""


@dataclass(slots=True, eq=False)
class Node:
    """A scalar, a list or a mapping. ``line`` and ``column`` count from 1."""

    kind: Literal["scalar", "list", "map"]
    line: int
    column: int
    text: str | None = None
    """A scalar's text as written; None when nothing was written (``key:``, ``~``, ``null``)."""
    items: list["Node"] = field(default_factory=list)
    entries: dict[str, tuple["Node", "Node"]] = field(default_factory=dict)
    """Key to (the key's own node, its value)."""
    size: int = 1
    """Nodes in here, aliases counted as often as they are used."""
    height: int = 0
    quoted: bool = False
    """A scalar that was written in quotes, or as a block."""
    commented: bool = False
    """A scalar for which nothing was written but a comment: ``press: #``."""

    def typed(self) -> Any:
        """Convert to JSON's types: what is written without quotes may be a number, true, false or null."""
        if self.kind == "list":
            return [item.typed() for item in self.items]
        if self.kind == "map":
            return {key: value.typed() for key, (_, value) in self.entries.items()}
        if self.text is None or self.quoted:
            return self.text
        try:
            value = json.loads(self.text)
        except ValueError:
            return self.text
        return value if isinstance(value, int | float | bool) and abs(value) < _LARGEST else self.text

    def plain(self) -> Any:
        """Convert to Python data: str, None, list and dict."""
        if self.kind == "scalar":
            return self.text
        if self.kind == "list":
            return [item.plain() for item in self.items]
        return {key: value.plain() for key, (_, value) in self.entries.items()}

    def find(self, path: Path, *, key: bool = False) -> "Node":
        """The node at ``path``, or the nearest above it that exists; with ``key`` the key that names it."""
        node = place = self
        for part in path:
            if node.kind == "map" and str(part) in node.entries:
                name, node = node.entries[str(part)]
                place = name if key else node
            elif node.kind == "list" and isinstance(part, int) and part < len(node.items):
                node = place = node.items[part]
            else:
                break
        return place

    def describe(self) -> str:
        """Return what the node is, for "found …" in a message."""
        if self.kind == "scalar":
            comment = ': # begins a comment, so write the key as "#"'
            nothing = f"nothing{comment if self.commented else ''}"
            return nothing if self.text is None else quoted(self.text)
        return "a list" if self.kind == "list" else "a mapping"


def read_document(text: str, file: str) -> Node:
    """Parse one YAML document. Raises PlanError, never anything else."""
    problems: list[Problem] = []
    try:
        root = _Builder(problems, text).build(YAML(typ="safe", pure=True).parse(text))
    except _Refused as refused:
        raise PlanError(file, [*problems, refused.problem]) from None
    except YAMLError as error:
        raise PlanError(file, [*problems, _yaml_problem(error, text)]) from None
    except Exception as error:  # the parser trips over some malformed input in ways of its own
        message = f"this is not readable as YAML ({type(error).__name__})"
        raise PlanError(file, [*problems, Problem(1, 1, message, rule="yaml")]) from None
    if problems:
        raise DuplicateKeys(file, problems, root)
    return root


class DuplicateKeys(PlanError):
    """The document could be read but for these; ``root`` is what it says with the first of each key."""

    def __init__(self, file: str, problems: Iterable[Problem], root: Node) -> None:
        super().__init__(file, problems)
        self.root = root


class _Refused(Exception):
    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(line, column, message, rule="yaml")


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still open."""

    node: Node
    anchor: str | None
    key: Node | None = None


class _Builder:
    """Events to nodes, with a stack of its own so that nesting costs no Python recursion."""

    def __init__(self, problems: list[Problem], text: str) -> None:
        self._problems, self._text = problems, text
        self._lines: list[str] | None = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0
        self._root: Node | None = None

    def build(self, events: Iterator[Any]) -> Node:
        documents = 0
        for event in events:
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            match event:
                case DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise _Refused(line, column, "a second document begins here; a plan is one document")
                case ScalarEvent():
                    self._add(self._scalar(event, line, column), event.anchor)
                case AliasEvent():
                    self._add(self._alias(event.anchor, line, column), None)
                case MappingStartEvent() | SequenceStartEvent():
                    self._check_tag(event, line, column)
                    kind: Literal["map", "list"] = "map" if isinstance(event, MappingStartEvent) else "list"
                    if len(self._stack) >= MAX_DEPTH:
                        raise _Refused(line, column, f"nested more than {MAX_DEPTH} deep")
                    self._stack.append(_Open(Node(kind, line, column), event.anchor))
                case MappingEndEvent() | SequenceEndEvent():
                    done = self._stack.pop()
                    self._add(done.node, done.anchor)
        if self._root is None:
            raise _Refused(1, 1, "the plan is empty; expected a mapping with dialplan, name, start and steps")
        return self._root

    def _scalar(self, event: Any, line: int, column: int) -> Node:
        self._check_tag(event, line, column)
        nothing = event.style is None and event.value in _NOTHING and event.implicit[0]
        quoted = event.style is not None
        if nothing and not event.value:
            return self._empty(line, column)
        return Node(
            "scalar", line, column, None if nothing else clean_text(event.value, lines=True), quoted=quoted
        )

    def _empty(self, line: int, column: int) -> Node:
        """Return the node of a value that was not written, at the end of its name: the parser reports it
        where the next token begins, often lines later.
        """
        if self._lines is None:
            self._lines = self._text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        here = self._lines[line - 1] if line <= len(self._lines) else ""
        before, at = here[: column - 1], line
        while at > 1 and not _COMMENT.sub("", before).strip():
            at -= 1
            before = self._lines[at - 1]
        written = _COMMENT.sub("", before)
        if at == line or not written.strip():
            return Node("scalar", line, column, commented=_ONLY_COMMENT.match(here, column - 1) is not None)
        commented = written != before
        end = len(written) if commented else len(written.rstrip())
        return Node("scalar", at, end + 1, commented=commented)

    def _alias(self, name: str, line: int, column: int) -> Node:
        if any(open_.anchor == name for open_ in self._stack):
            raise _Refused(line, column, f"the alias {quoted('*' + name)} is inside what it stands for")
        if name not in self._anchors:
            raise _Refused(
                line, column, f"the alias {quoted('*' + name)} names no anchor '&{name[:40]}' above it"
            )
        return self._anchors[name]

    def _check_tag(self, event: Any, line: int, column: int) -> None:
        tag = event.tag
        if tag is not None and str(tag) not in ("!", _STR_TAG):
            raise _Refused(line, column, f"the tag {quoted(tag)} has no meaning in a plan; leave it out")

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        self._count += 1
        if self._count > MAX_NODES:
            raise _Refused(node.line, node.column, f"more than {MAX_NODES} values in one plan")
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        parent = top.node
        if parent.kind == "map" and top.key is None:
            if node.kind != "scalar" or node.text is None:
                raise _Refused(
                    node.line, node.column, f"expected a name before the colon, found {node.describe()}"
                )
            top.key = node
            return
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MAX_NODES or len(self._stack) + node.height > MAX_DEPTH:
            raise _Refused(
                parent.line, parent.column, "the aliases in here expand to more than a plan may hold"
            )
        if parent.kind == "list":
            parent.items.append(node)
            return
        assert top.key is not None and top.key.text is not None
        name, top.key = top.key, None
        key = str(name.text)
        if key in parent.entries:
            first = parent.entries[key][0].line
            message = f"{quoted(key)} is given twice here; the first is on line {first}"
            self._problems.append(Problem(name.line, name.column, message, rule="duplicate-key"))
        else:
            parent.entries[key] = (name, node)


def _yaml_problem(error: YAMLError, text: str) -> Problem:
    """Return the parser's error in plain words, with a hint at its usual cause."""
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        code = error.character if isinstance(error.character, int) else ord(str(error.character)[0])
        return Problem(line, column, f"the character U+{code:04X} is not allowed in YAML", rule="yaml")
    mark = None
    said = "this is not YAML"
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part) or said
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = text.splitlines()
    source = lines[line - 1] if line <= len(lines) else ""
    hint = ""
    if "mapping values" in said:
        hint = "; a text with a colon and a space in it must be in quotes"
    elif "alphabetic or numeric" in said and "*" in source:
        hint = '; write the star key in quotes: "*"'
    elif "\t" in source[:column]:
        hint = "; indent with spaces, not with tabs"
    comment = _comment_inside(error, lines) if "flow" in said else None
    if comment is not None:
        message = '# begins a comment, so the bracket before it is never closed; write the key as "#"'
        return Problem(*comment, f"not valid YAML: {message}", rule="yaml")
    said = said.replace("\x00", "the end of the file")
    printable = "".join(c if c.isprintable() else " " for c in said)[:200]
    return Problem(line, column, f"not valid YAML: {printable}{hint}", rule="yaml")


def _comment_inside(error: YAMLError, lines: list[str]) -> tuple[int, int] | None:
    """Return the line and column of the first comment in the list or mapping that the parser could not
    finish.
    """
    if not isinstance(error, MarkedYAMLError) or error.context_mark is None or error.problem_mark is None:
        return None
    for number in range(error.context_mark.line, min(error.problem_mark.line + 1, len(lines))):
        found = _LOST_KEY.search(_QUOTED.sub(lambda text: "x" * len(text[0]), lines[number]))
        if found is not None:
            return number + 1, found.start() + 1
    return None
