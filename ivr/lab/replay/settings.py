"""Settings of a replay: those that were recorded with the call, and those that are tried on it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ivr.service.config.checks import NO_TURN_DETECTOR
from ivr.service.config.declaration import SettingsTree, names_in
from ivr.service.config.settings import Settings, load_settings, settings_tree
from ivr.service.config.sources import (
    SettingsError,
    Source,
    from_file,
    from_flags,
    from_text,
    nearest,
)
from ivr.service.recording.recording import Recording
from ivr.session.presets import DEFAULT, Preset, preset

FLAG = "--set"


def settings_for(
    recording: Recording, assignments: Sequence[str] = (), config: Path | None = None
) -> tuple[Settings, list[str]]:
    """Return the settings of a replay, and the names of recorded settings that this version does not have.

    The settings are those that the call ran with, overridden by ``assignments`` ("vad.threshold=0.6"). With
    ``config``, those of that file replace the recorded ones. Raises SettingsError.
    """
    tree = settings_tree()
    above = [from_assignments(tree, assignments, FLAG)]
    unknown: list[str] = []
    if config is None:
        options = {"turn": {"name": NO_TURN_DETECTOR}} | recording.options
        recorded, unknown = from_record(tree, options, f"{recording.path}: recorded options")
        if above[0].has("session.preset"):
            above.append(preset_over(above[0].values["session"]["preset"], recorded))
        above.append(recorded)
    return load_settings(config, above=above), unknown


def options_for_all_prompts(assignments: Sequence[str] = (), config: Path | None = None) -> dict[str, Any]:
    """Return the fields of BargeInOptions that ``assignments`` or the file name. They apply to every prompt,
    also where the plan set something else. Raises SettingsError.
    """
    tree = settings_tree()
    sources = [from_file(tree, config)] if config is not None else []
    sources.append(from_assignments(tree, assignments, FLAG))
    found: dict[str, Any] = {}
    for source in sources:
        found |= source.values.get("session", {}).get("barge_in", {})
    return found


def check_assignments(assignments: Sequence[str]) -> None:
    """Check them before any file is read. Raises SettingsError."""
    from_assignments(settings_tree(), assignments, FLAG)


def from_assignments(tree: SettingsTree, assignments: Sequence[str], flag: str) -> Source:
    """Read assignments such as ``vad.threshold=0.6``, each given with ``flag``.

    Values are written as in the environment; nothing after the sign means no value. Raises SettingsError.
    """
    names = list(names_in(tree))
    found: dict[str, tuple[str, Any]] = {}
    for assignment in assignments:
        name, sign, text = (piece.strip() for piece in assignment.partition("="))
        if name not in names:
            last = [each for each in names if each.rpartition(".")[2] == name.rpartition(".")[2]]
            near = f"; did you mean {last[0]}?" if len(last) == 1 else nearest(name, names)
            raise SettingsError(f"{flag} {assignment}: {name} is not a setting{near}")
        if not sign:
            raise SettingsError(f"{flag} {assignment}: write {name}=VALUE")
        found[name] = (f"{flag} {assignment}", from_text(tree, name, text or None, f"{flag} {assignment}"))
    return from_flags(tree, found)


def from_record(tree: SettingsTree, values: Mapping[str, Any], place: str) -> tuple[Source, list[str]]:
    """Read settings that were recorded together (``{"vad": {"threshold": 0.5}}``).

    Also returns the names of those that this version does not have. Raises SettingsError.
    """
    known = set(names_in(tree))
    leaves = dict(_leaves(values, known))
    here = {name: (place, value) for name, value in leaves.items() if name in known}
    return from_flags(tree, here), [name for name in leaves if name not in known]


def preset_over(name: str, recorded: Source) -> Source:
    """The preset ``name`` for a call that ran with the settings ``recorded``.

    Values that came from the recorded preset are replaced; values that were set explicitly stay. Raises
    ValueError for an unknown name.
    """
    new = _tables(preset(name))
    old = _tables(preset(recorded.values.get("session", {}).get("preset", DEFAULT)))
    values: dict[str, Any] = {}
    for table, changed in new.items():
        was_set: Any = recorded.values
        target = values
        for key in table.split("."):
            was_set = was_set.get(key, {})
            target = target.setdefault(key, {})
        for option, value in changed.items():
            was = old[table][option]
            if value != was and was_set.get(option, was) == was:
                target[option] = value
    return Source(values, lambda _: f"preset {name}")


def _tables(chosen: Preset) -> dict[str, dict[str, Any]]:
    """All options of a preset, by the table of the settings that holds them."""
    names = ("endpointing", "barge_in", "turn")
    session = {f"session.{name}": dataclasses.asdict(getattr(chosen.config, name)) for name in names}
    return {"vad": dataclasses.asdict(chosen.detector), **session}


def _leaves(values: Mapping[str, Any], known: set[str], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, dict) and name not in known:
            yield from _leaves(value, known, name + ".")
        else:
            yield name, value
