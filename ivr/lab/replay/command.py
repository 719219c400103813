"""``ivr replay``: one recording or a folder of them, decided anew, compared, told."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ivr.lab.replay.compare import (
    Difference,
    Figures,
    about_unknown,
    difference,
    figures,
    line,
    report,
    table,
)
from ivr.lab.replay.decide import Replayed, replay
from ivr.lab.replay.overrides import from_assignments, from_record, preset_over
from ivr.modelstore import ModelError
from ivr.service.config.layers import from_file
from ivr.service.config.settings import (
    NO_TURN_DETECTOR,
    Settings,
    SettingsError,
    load_settings,
    settings_tree,
)
from ivr.service.recording.recording import Recording, RecordingError, load_recording, recordings_in
from ivr.speech.base import SpeechError

FLAG = "--set"


def settings_for(
    recording: Recording, assignments: Sequence[str] = (), config: Path | None = None
) -> tuple[Settings, list[str]]:
    """The settings that the call ran with, ``assignments`` ("vad.threshold=0.6") over them; or, with a
    ``config``, those of that file. Also the recorded ones that do not exist (any more).

    Raises SettingsError.
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


def for_all_prompts(assignments: Sequence[str] = (), config: Path | None = None) -> dict[str, Any]:
    """The fields of BargeInOptions that ``assignments`` or the file name: they hold for every prompt, also
    where the plan said otherwise. Raises SettingsError.
    """
    tree = settings_tree()
    sources = [from_file(tree, config)] if config is not None else []
    sources.append(from_assignments(tree, assignments, FLAG))
    found: dict[str, Any] = {}
    for source in sources:
        found |= source.values.get("session", {}).get("barge_in", {})
    return found


def check_assignments(assignments: Sequence[str]) -> None:
    """Before anything is read. Raises SettingsError."""
    from_assignments(settings_tree(), assignments, FLAG)


def replay_all(
    path: Path,
    assignments: Sequence[str] = (),
    *,
    config: Path | None = None,
    compare: bool = False,
    stt: bool = False,
    as_json: bool = False,
    out: Callable[[str], None] = print,
) -> int:
    """Replay ``path``, or all recordings in it, and tell of it through ``out``.

    With ``compare`` the recorded decisions, or with other settings those that the recorded settings give, are
    set beside the new ones. 0; 1 when interruptions or false stops were gained or lost, or a recording of a
    folder could not be read. Raises RecordingError and SettingsError.
    """
    check_assignments(assignments)
    rows: list[tuple[str, Figures, Difference | None]] = []
    failed = changed = False
    unknown = 0
    for file in recordings_in(path):
        try:
            recording = load_recording(file)
            new = _replayed(recording, assignments, config, stt)
            change = None
            if compare:
                other = bool(assignments) or config is not None
                old = _replayed(recording, (), None, stt).decisions if other else recording.decisions
                change = difference(old, new.decisions)
        except RecordingError as error:
            if not path.is_dir():
                raise
            print(f"ivr: {error}", file=sys.stderr)
            failed = True
            continue
        changed = changed or (change is not None and change.any)
        unknown += new.unknown
        row = (file.name, figures(recording.seconds, new.decisions), change)
        rows.append(row)
        if as_json:
            _tell_json(row, new, alone=not path.is_dir(), out=out)
        elif change is not None and (change.any or not path.is_dir()):
            out(f"{file.name}: {_headline(row, assignments, config)}")
            for text in report(change):
                out(text)
        elif not path.is_dir():
            for decision in new.decisions:
                out(line(decision))
    if path.is_dir() and rows and not as_json:
        if changed:
            out("")
        for text in table(rows):
            out(text)
    if unknown and as_json:
        print(f"ivr: {path}: {about_unknown(unknown)}", file=sys.stderr)
    elif unknown:
        out(f"({about_unknown(unknown)})")
    return 1 if changed or failed else 0


def _replayed(recording: Recording, assignments: Sequence[str], config: Path | None, stt: bool) -> Replayed:
    settings, unknown = settings_for(recording, assignments, config)
    if unknown:
        names = ", ".join(unknown)
        print(f"ivr: {recording.path}: left out, for this version has no {names}", file=sys.stderr)
    try:
        return replay(recording, settings, prompts=for_all_prompts(assignments, config), stt=stt)
    except (SpeechError, ModelError, SettingsError):
        raise
    except ValueError as error:
        # A detector or a model that is not on this machine.
        raise RecordingError(
            f"{recording.path}: {error}; {FLAG} vad.name=silero {FLAG} vad.model="
        ) from error


def _headline(
    row: tuple[str, Figures, Difference | None], assignments: Sequence[str], config: Path | None
) -> str:
    _, new, change = row
    assert change is not None
    before = new.interruptions - len(change.gained) + len(change.lost)
    settings = ", ".join([*([str(config)] if config is not None else []), *assignments])
    return f"{before} interruption{'s' if before != 1 else ''}, {new.interruptions} " + (
        f"with {settings}" if settings else "when replayed"
    )


def _tell_json(
    row: tuple[str, Figures, Difference | None],
    new: Replayed,
    *,
    alone: bool,
    out: Callable[[str], None],
) -> None:
    """The decisions of one recording, a line each; of a folder, or to compare, an object a call."""
    name, each, change = row
    if alone and change is None:
        for decision in new.decisions:
            out(decision.to_json())
        return
    found: dict[str, Any] = {"recording": name, **asdict(each), "unknown": new.unknown}
    if change is not None:
        found |= {name: stopped for name, stopped in asdict(change).items() if name != "kept"}
    out(json.dumps(found, ensure_ascii=False))
