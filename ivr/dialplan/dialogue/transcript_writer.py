"""Writes a call that took place as a dialogue of a ``NAME.test.yaml``."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ivr.dialplan.dialogue.events import CallEvent
from ivr.dialplan.dialogue.reader import Dialogue, load_dialogues
from ivr.dialplan.source.errors import PlanError, quoted
from ivr.dialplan.source.sources import DIALOGUES as SUFFIX

CallerAction = tuple[str, Any]
"""What the caller did, as the field and value of a turn: ("says", "billing"), ("presses", "12"), ..."""


class DialogueNotSaved(Exception):
    """The dialogue could not be saved; the text says why, in one line."""


def turns_from_events(
    entries: Sequence[CallEvent], done: Sequence[CallerAction], start: str
) -> Iterator[dict[str, Any]]:
    """Return the turns that ask for what happened, in order. ``done`` has one action for each caller event;
    ``start`` is the plan's first step.
    """
    actions = iter(done)
    for at, entry in enumerate(entries):
        match entry.kind:
            case "caller":
                kind, value = next(actions)
                yield {kind: value}
            case "step" if at or entry.text != start:
                yield {"goes_to": entry.text}
            case "prompt":
                file = entry.more.get("file")
                yield {"hears": {"file": file} if file else entry.text}
            case "transfer":
                yield {"transferred_to": entry.text}
    ends = [entry for entry in entries if entry.kind == "ended"]
    if ends:
        reason = "caller_hangup" if done and done[-1][0] == "hangs_up" else ends[-1].text
        yield {"hung_up": reason}


def write_dialogue(
    path: Path, plan: Path, name: str, dialogue: Dialogue, turns: list[dict[str, Any]]
) -> None:
    """Add it to the file, which is made where there is none. Raises DialogueNotSaved, and then leaves the
    file as it was.
    """
    if not path.name.endswith(SUFFIX):
        raise DialogueNotSaved(f"{path}: the name of a file of dialogues ends in {SUFFIX}")
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else None
        text = _head(path, plan) if before is None else before.rstrip("\n") + "\n\n"
        path.write_text(text + _dialogue(name, dialogue, turns), encoding="utf-8")
        try:
            load_dialogues(path)
        except PlanError as error:
            _restore(path, before)
            raise DialogueNotSaved(
                f"{path}: the dialogue {quoted(name)} does not fit in: {error.message}"
            ) from None
    except OSError as error:
        raise DialogueNotSaved(f"{path}: {error.strerror}") from error


def _restore(path: Path, before: str | None) -> None:
    if before is None:
        path.unlink()
    else:
        path.write_text(before, encoding="utf-8")


def _head(path: Path, plan: Path) -> str:
    own = path.with_name(path.name.removesuffix(SUFFIX) + ".yaml")
    other = own.resolve() != plan.resolve()
    named = f"plan: {_value(os.path.relpath(plan, path.parent))}\n" if other else ""
    return f"test: 1\n{named}dialogues:\n"


def _dialogue(name: str, dialogue: Dialogue, turns: list[dict[str, Any]]) -> str:
    lines = [f"  - name: {_value(name)}"]
    facts = dialogue.facts
    for key, value in (("from", facts.caller), ("to", facts.called), ("headers", dict(facts.headers))):
        if value:
            lines.append(f"    {key}: {_value(value)}")
    if dialogue.now is not None:
        lines.append(f"    now: {dialogue.now.isoformat()}")
    for key, stubs in (("requests", dialogue.requests), ("transfers", dialogue.transfers)):
        plain = [stub.model_dump(by_alias=True, exclude_defaults=True) for stub in stubs]
        if key == "transfers" and plain:
            named = {stub.pop("to"): stub for stub in plain}
            lines.append(f"    {key}: {_value(named)}")
        elif plain:
            lines.append(f"    {key}:")
            lines.extend(f"      - {_value(stub)}" for stub in plain)
    lines.append("    turns:")
    for turn in turns:
        ((kind, value),) = turn.items()
        lines.append(f"      - {kind}" if value is None else f"      - {kind}: {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """Return a value as JSON, which is YAML too."""
    return json.dumps(value, ensure_ascii=False)
