"""``ivr replay``: prints the decisions of recorded calls, and what other settings would change."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ivr.lab.replay.differences import Difference, Figures, difference, figures
from ivr.lab.replay.replayer import Replayed, replay
from ivr.lab.replay.report import about_unknown, decision_line, difference_lines, table
from ivr.lab.replay.settings import FLAG, check_assignments, options_for_all_prompts, settings_for
from ivr.modelstore import ModelError
from ivr.service.config.sources import SettingsError
from ivr.service.recording.recording import Recording, RecordingError, load_recording, recordings_in
from ivr.speech.base import SpeechError


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
    """Replay ``path``, or all recordings in that folder, and print the result through ``out``.

    ``compare`` prints which interruptions are gained and lost: against the recorded decisions or, when other
    settings are given, against a replay with the recorded settings. Returns the exit code: 1 when
    interruptions, confirmed or false, were gained or lost, or a recording in a folder cannot be read;
    otherwise 0. Raises RecordingError and SettingsError.
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
            _print_json(row, new, alone=not path.is_dir(), out=out)
        elif change is not None and (change.any or not path.is_dir()):
            out(f"{file.name}: {_headline(row, assignments, config)}")
            for text in difference_lines(change):
                out(text)
        elif not path.is_dir():
            for decision in new.decisions:
                out(decision_line(decision))
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
        print(
            f"ivr: {recording.path}: ignored settings that this version does not have: {names}",
            file=sys.stderr,
        )
    try:
        return replay(recording, settings, prompts=options_for_all_prompts(assignments, config), stt=stt)
    except (SpeechError, ModelError, SettingsError):
        raise
    except ValueError as error:
        # The detector or the model of the recording is not on this machine.
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


def _print_json(
    row: tuple[str, Figures, Difference | None],
    new: Replayed,
    *,
    alone: bool,
    out: Callable[[str], None],
) -> None:
    """Print the decisions of one recording, one a line; for a folder or a comparison, one object a call."""
    name, each, change = row
    if alone and change is None:
        for decision in new.decisions:
            out(decision.to_json())
        return
    found: dict[str, Any] = {"recording": name, **asdict(each), "unknown": new.unknown}
    if change is not None:
        found |= {name: stopped for name, stopped in asdict(change).items() if name != "kept"}
    out(json.dumps(found, ensure_ascii=False))
