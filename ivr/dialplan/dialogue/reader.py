"""Reads a ``NAME.test.yaml``: its dialogues, or a ``PlanError`` with every mistake and its place."""

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ivr.dialplan.dialogue.model import DialogueFields, Document, Turn
from ivr.dialplan.dialogue.stubs import ReplyStub, RequestStub, TransferStub
from ivr.dialplan.engine.loader import load_plan
from ivr.dialplan.plan.plan import Plan
from ivr.dialplan.runtime.control import CallFacts
from ivr.dialplan.source.document import DuplicateKeys, Node, read_document
from ivr.dialplan.source.errors import PlanError, Problem, quoted
from ivr.dialplan.source.explain import explain
from ivr.dialplan.source.sources import DIALOGUES as SUFFIX
from ivr.dialplan.source.sources import read_text
from ivr.dialplan.values.fields import LoadContext
from ivr.session.types import AudioClip

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class PlacedTurn:
    """A turn and its place in the file."""

    turn: Turn
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One dialogue of a file. It can run any number of times."""

    name: str
    line: int
    turns: tuple[PlacedTurn, ...]
    facts: CallFacts = field(default_factory=CallFacts)
    now: datetime | None = None
    requests: tuple[RequestStub, ...] = ()
    replies: tuple[ReplyStub, ...] = ()
    transfers: tuple[TransferStub, ...] = ()


@dataclass(frozen=True, slots=True)
class DialogueFile:
    """A plan and its dialogues."""

    path: Path
    plan: Plan
    dialogues: tuple[Dialogue, ...]
    sounds: dict[str, AudioClip] = field(default_factory=dict, repr=False)
    """The sound files that callers play, by their names in the file."""


def test_file_of(path: Path) -> Path:
    """Return ``demo.test.yaml`` for ``demo.yaml`` and for itself."""
    return path if path.name.endswith(SUFFIX) else path.with_name(path.stem + SUFFIX)


test_file_of.__test__ = False  # type: ignore[attr-defined]  # pytest takes any test_… that it imports


def load_dialogues(path: str | os.PathLike[str]) -> DialogueFile:
    """Return the dialogues of a plan (``demo.yaml``), or of a file of dialogues (``demo.test.yaml``), with
    the plan. Raises PlanError, also for mistakes of the plan, and nothing else.
    """
    file = test_file_of(Path(path))
    shown = os.fspath(file)
    if not file.exists():
        raise PlanError(
            shown,
            [Problem(1, 1, f"there is no such file; the dialogues of the plan must be in {quoted(shown)}")],
        )
    problems: list[Problem] = []
    text = read_text(shown)
    try:
        root = read_document(text, shown)
    except DuplicateKeys as error:
        root = error.root
        problems.extend(error.problems)
    if root.kind != "map":
        message = f"expected a mapping with test and dialogues, found {root.describe()}"
        raise PlanError(shown, [*problems, Problem(root.line, root.column, message)])
    document = _validate(Document, root, None, problems, "test", root)
    own = file.with_name(file.name.removesuffix(SUFFIX) + ".yaml")
    named = document.plan if document is not None else None
    plan = load_plan(own if named is None else file.parent / named)
    context = LoadContext(frozenset(plan.steps), file.parent, languages=plan.languages)
    nodes = root.entries["dialogues"][1].items if "dialogues" in root.entries else []
    found = [_dialogue(node, context, problems, at) for at, node in enumerate(nodes)]
    _same_names([dialogue for dialogue in found if dialogue is not None], problems)
    if problems or document is None:
        raise PlanError(shown, problems)
    dialogues = tuple(dialogue for dialogue in found if dialogue is not None)
    return DialogueFile(file, plan, dialogues, context.sounds)


def _dialogue(node: Node, context: LoadContext, problems: list[Problem], at: int) -> Dialogue | None:
    if node.kind != "map":
        message = f"expected a dialogue: a mapping with name and turns, found {node.describe()}"
        problems.append(Problem(node.line, node.column, message))
        return None
    fields = _validate(DialogueFields, node, context, problems, "dialogue", node)
    turns: list[PlacedTurn] = []
    for item in node.entries["turns"][1].items if "turns" in node.entries else []:
        turn = _turn(item, context, problems)
        if turn is not None:
            turns.append(PlacedTurn(turn, item.line, item.column))
    if fields is None:
        return None
    facts = CallFacts(
        id=f"dialogue-{at + 1}",
        caller=fields.from_,
        called=fields.to,
        headers={name.lower(): value for name, value in fields.headers.items()},
    )
    requests = tuple(
        stub.model_copy(update={"json_": _json(node.find(("requests", place, "json")))})
        if "json_" in stub.model_fields_set
        else stub
        for place, stub in enumerate(fields.requests)
    )
    replies = tuple(
        stub.model_copy(update={"calls": node.find(("replies", place, "calls")).typed()})
        if stub.calls
        else stub
        for place, stub in enumerate(fields.replies)
    )
    return Dialogue(
        fields.name, node.line, tuple(turns), facts, fields.now, requests, replies, fields.transfers
    )


def _turn(node: Node, context: LoadContext, problems: list[Problem]) -> Turn | None:
    if node.kind == "scalar" and node.text in ("silent", "hangs_up", "hung_up"):
        node = Node("map", node.line, node.column, entries={node.text: (node, _nothing(node))})
    if node.kind != "map":
        message = f"expected a turn such as says: billing, found {node.describe()}"
        problems.append(Problem(node.line, node.column, message))
        return None
    turn = _validate(Turn, node, context, problems, "turn", node)
    if turn is None or "sets" not in turn.model_fields_set:
        return turn
    return turn.model_copy(update={"sets": node.entries["sets"][1].typed()})


def _nothing(node: Node) -> Node:
    return Node("scalar", node.line, node.column)


def _json(node: Node) -> Any:
    """Return the JSON of a node: a block or a quoted text is parsed as JSON, a mapping or a list is taken as
    it is.
    """
    if node.kind == "scalar" and node.quoted:
        try:
            return json.loads(node.text or "null")
        except ValueError:
            return node.text
    return node.typed()


def _same_names(dialogues: list[Dialogue], problems: list[Problem]) -> None:
    lines: dict[str, int] = {}
    for dialogue in dialogues:
        first = lines.setdefault(dialogue.name, dialogue.line)
        if first != dialogue.line:
            message = f"there is a dialogue {quoted(dialogue.name)} on line {first} already"
            problems.append(Problem(dialogue.line, 1, message))


def _validate(
    model: type[_Model],
    node: Node,
    context: LoadContext | None,
    problems: list[Problem],
    what: str,
    owner: Node,
) -> _Model | None:
    try:
        return model.model_validate(node.plain(), context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems.extend(explain(detail, model, node, what, owner) for detail in details)
        return None
