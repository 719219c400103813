"""Settings that come with a recording, and those that are tried on it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ivr.service.config.layers import SettingsError, Source, Tree, from_flags, from_text, names_in, nearest
from ivr.session.presets import DEFAULT, Preset, preset


def from_assignments(tree: Tree, assignments: Sequence[str], flag: str) -> Source:
    """``vad.threshold=0.6`` and its like, each given with ``flag``; values are written as in the environment,
    nothing behind the sign is no value. Raises SettingsError.
    """
    names = list(names_in(tree))
    found: dict[str, tuple[str, Any]] = {}
    for assignment in assignments:
        name, sign, text = (part.strip() for part in assignment.partition("="))
        if name not in names:
            last = [each for each in names if each.rpartition(".")[2] == name.rpartition(".")[2]]
            near = f"; did you mean {last[0]}?" if len(last) == 1 else nearest(name, names)
            raise SettingsError(f"{flag} {assignment}: {name} is not a setting{near}")
        if not sign:
            raise SettingsError(f"{flag} {assignment}: write {name}=VALUE")
        found[name] = (f"{flag} {assignment}", from_text(tree, name, text or None, f"{flag} {assignment}"))
    return from_flags(tree, found)


def from_record(tree: Tree, values: Mapping[str, Any], place: str) -> tuple[Source, list[str]]:
    """Settings that were written down together (``{"vad": {"threshold": 0.5}}``), as far as they exist today;
    and the names of those that do not. Raises SettingsError.
    """
    known = set(names_in(tree))
    leaves = dict(_leaves(values, known))
    here = {name: (place, value) for name, value in leaves.items() if name in known}
    return from_flags(tree, here), [name for name in leaves if name not in known]


def preset_over(name: str, recorded: Source) -> Source:
    """The preset ``name`` for a call that ran with ``recorded``: what that owes to its own preset is as in
    the new one; what was set beside it stays. Raises ValueError for an unknown name.
    """
    new = _tables(preset(name))
    old = _tables(preset(recorded.values.get("session", {}).get("preset", DEFAULT)))
    values: dict[str, Any] = {}
    for table, changed in new.items():
        was_set: Any = recorded.values
        target = values
        for part in table.split("."):
            was_set = was_set.get(part, {})
            target = target.setdefault(part, {})
        for option, value in changed.items():
            was = old[table][option]
            if value != was and was_set.get(option, was) == was:
                target[option] = value
    return Source(values, lambda _: f"preset {name}")


def _tables(chosen: Preset) -> dict[str, dict[str, Any]]:
    """All it says, by the tables of the settings."""
    parts = ("endpointing", "barge_in", "turn")
    session = {f"session.{part}": dataclasses.asdict(getattr(chosen.config, part)) for part in parts}
    return {"vad": dataclasses.asdict(chosen.detector), **session}


def _leaves(values: Mapping[str, Any], known: set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, dict) and name not in known:
            yield from _leaves(value, known, name + ".")
        else:
            yield name, value
