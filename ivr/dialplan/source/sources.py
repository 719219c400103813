"""A plan's file and those it includes, read and parsed."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from ivr.dialplan.source.document import MAX_BYTES, DuplicateKeys, Node, read_document
from ivr.dialplan.source.errors import PlanError, Problem, quoted

DIALOGUES = ".test.yaml"
"""What the name of a plan's dialogues ends in."""
MAX_FILES = 50
"""One plan and all it includes."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file. ``shown`` is its name in messages, empty for the plan's own."""

    path: Path
    shown: str
    text: str
    root: Node


def read_sources(file: str, problems: list[Problem]) -> list[Source]:
    """The plan's own file first. Mistakes that do not keep the rest from being checked go to ``problems``.
    Raises PlanError.
    """
    sources = [_source(Path(file), "", file, problems, "dialplan, name, start and steps")]
    known = {sources[0].path.resolve()}
    for source in sources:  # grows meanwhile
        given = source.root.entries.get("include")
        if given is None:
            continue
        nodes = given[1].items if given[1].kind == "list" else [given[1]]
        for node in nodes:
            if node.kind != "scalar" or not node.text:
                continue  # the schema's check has a message for it
            path = source.path.parent / node.text
            if path.resolve() in known:
                continue
            known.add(path.resolve())
            if len(sources) >= MAX_FILES:
                message = f"a plan is at most {MAX_FILES} files"
                problems.append(Problem(node.line, node.column, message, source.shown))
                break
            try:
                sources.append(_source(path, str(path), str(path), problems, "library and steps"))
            except PlanError as error:
                message = f"{quoted(node.text)} cannot be included: {error.message}"
                problems.append(Problem(node.line, node.column, message, source.shown))
                problems.extend(
                    dataclasses.replace(p, file=str(path)) for p in error.problems if path.is_file()
                )
    return sources


def _source(path: Path, shown: str, file: str, problems: list[Problem], expected: str) -> Source:
    text = read_text(file)
    try:
        root, found = read_document(text, file), list[Problem]()
    except DuplicateKeys as error:
        root, found = error.root, list(error.problems)
    if root.kind != "map":
        message = f"expected a mapping with {expected}, found {root.describe()}"
        raise PlanError(file, [*found, Problem(root.line, root.column, message)])
    problems.extend(dataclasses.replace(p, file=shown) for p in found)
    return Source(path, shown, text, root)


def read_text(file: str) -> str:
    """Return the text of a plan's file. Raises PlanError, never anything else."""
    try:
        path = Path(file)
        if path.is_dir():
            raise PlanError(file, [Problem(1, 1, "this is a folder; expected a plan's YAML file")])
        if path.exists() and not path.is_file():
            raise PlanError(file, [Problem(1, 1, "this is a device or a pipe; expected a plan's YAML file")])
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise PlanError(file, [Problem(1, 1, "there is no such file")]) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise PlanError(file, [Problem(1, 1, f"this file cannot be read: {reason}")]) from None
    if len(data) > MAX_BYTES:
        raise PlanError(file, [Problem(1, 1, f"a plan is at most {MAX_BYTES} bytes; this file is larger")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"expected UTF-8 text, found the byte 0x{data[error.start]:02X}"
        raise PlanError(file, [Problem(line, column, message)]) from None
