"""The recorder on lines that a test writes: what is kept, and what must not be."""

import json
import os
import resource
import signal
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ivr.audio.frames import LINE_FRAME, LINE_RATE
from ivr.audio.line import RING, Line, LineBank
from ivr.service.config.sources import SettingsError
from ivr.service.recording.line_tap import LineTap
from ivr.service.recording.recorder import CallRecording, Recorder
from ivr.service.recording.recording import (
    Recording,
    RecordingError,
    RecordingOptions,
    load_recording,
    recording_name,
    recordings_in,
)
from ivr.session.decisions import Decision

HEADER: dict[str, Any] = {"options": {"vad": {"threshold": 0.5}, "session": {}}}


@pytest.fixture
def bank() -> LineBank:
    return LineBank(2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
def recorder(folder: Path) -> Iterator[Recorder]:
    recorder = Recorder(RecordingOptions(debug=True, folder=folder))
    yield recorder
    recorder.close()


def tick(line: Line, frames: int = 1) -> None:
    """Sound of which every sample says where it is: the caller's counts up, the service's down."""
    for _ in range(frames):
        n = line.written + np.arange(LINE_FRAME)
        line.write_sent((-(n % 30_000)).astype(np.int16).tobytes())
        line.write_received((n % 30_000).astype(np.int16).tobytes())


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 5
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found


def begun(recorder: Recorder, line: Line, call_id: str = "a@b") -> CallRecording:
    call = recorder.open(line, call_id, HEADER)
    assert call is not None
    call.begin(line.written)
    return call


def kept(folder: Path) -> Recording:
    (path,) = until(lambda: list(folder.glob("*.wav")))
    return load_recording(path)


def test_both_legs_and_all_decisions_are_kept_in_their_places(
    recorder: Recorder, bank: LineBank, folder: Path
) -> None:
    line = bank.open()
    tick(line, 3)
    call = begun(recorder, line)  # the session's clock begins in the middle of the line
    made = [Decision(i, "duck", "first", {"prompt": i, "text": f"café \u2028{i}"}) for i in range(20)]
    for decision in made:
        call.note(decision)
        tick(line, 4)
        time.sleep(0.02)
    call.end()
    recording = kept(folder)
    n = 3 * LINE_FRAME + np.arange(80 * LINE_FRAME)
    assert (recording.caller == n % 30_000).all() and (recording.service == -(n % 30_000)).all()
    assert recording.decisions == tuple(made)
    assert recording.header.details["call"] == "a@b" and recording.options == HEADER["options"]
    assert recording.header.details["rate"] == 16_000
    assert [p.suffix for p in sorted(folder.iterdir())] == [".jsonl", ".wav"]
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in folder.iterdir())
    bank.release(line)
    assert bank.open().row == line.row


def test_the_end_of_the_call_frees_the_line_at_once_and_loses_nothing(
    recorder: Recorder, bank: LineBank, folder: Path
) -> None:
    line = bank.open()
    call = begun(recorder, line)
    tick(line, 7)
    bank.release(line)
    call.end()
    other = bank.open()  # the same memory, for another call
    assert other.row == line.row
    tick(other, 50)
    call.end()
    assert (kept(folder).caller == np.arange(7 * LINE_FRAME)).all()


def test_what_a_crash_leaves_behind_can_be_read(recorder: Recorder, bank: LineBank, folder: Path) -> None:
    line = bank.open()
    call = begun(recorder, line)
    call.note(Decision(1, "state", details={"name": "listening"}))
    tick(line, 20)
    (part,) = until(
        lambda: [p for p in folder.glob("*.wav.part") if p.stat().st_size == 44 + 4 * 20 * LINE_FRAME]
    )
    with part.open("ab") as file:
        file.write(b"half a second that the header does not know of")
    with part.with_suffix("").with_suffix(".jsonl.part").open("a") as file:
        file.write('{"at": 77, "stage": "st')
    recording = load_recording(part)
    assert (recording.caller == np.arange(20 * LINE_FRAME)).all()
    assert [d.stage for d in recording.decisions] == ["state"]
    call.end()


def test_sound_fetched_too_late_is_silence_and_the_rest_stays_in_place(bank: LineBank) -> None:
    line = bank.open()
    tap = LineTap(line)
    tap.begin(0)
    frames = RING // LINE_FRAME + 10
    tick(line, frames)
    sound, lost = tap.take()
    # One frame more than what is gone: the clock thread may be writing over it.
    assert lost == 11 * LINE_FRAME and len(sound) == frames * LINE_FRAME
    assert not sound[:lost].any()
    assert (sound[lost:, 0] == np.arange(lost, len(sound)) % 30_000).all()
    tick(line, 2)
    sound, lost = tap.take()
    assert (
        lost == 0
        and (sound[:, 0] == np.arange(frames * LINE_FRAME, (frames + 2) * LINE_FRAME) % 30_000).all()
    )


def test_a_gap_is_said_in_the_log(recorder: Recorder, bank: LineBank, folder: Path) -> None:
    with capture_logs() as logs:
        line = bank.open()
        call = recorder.open(line, "late", HEADER)
        assert call is not None
        tick(line, RING // LINE_FRAME + 24)
        call.begin(0)
        call.end()
        kept(folder)
    (gap,) = [entry for entry in logs if entry["event"] == "recording_gap"]
    assert gap["ms"] == 500 and gap["call"] == "late" and gap["log_level"] == "warning"


def test_a_pause_keeps_neither_sound_nor_texts(recorder: Recorder, bank: LineBank, folder: Path) -> None:
    line = bank.open()
    call = begun(recorder, line)
    tick(line, 10)
    call.note(Decision(10, "dtmf", details={"digit": "1"}))
    call.pause()
    call.pause()
    tick(line, 10)
    call.note(Decision(4000, "dtmf", details={"digit": "4"}))
    call.note(
        Decision(
            4000,
            "say_ended",
            "r",
            {"heard_text": "4 2 4 2", "heard_ms": 5, "interrupted": True, "words": ["x"]},
        )
    )
    call.note(Decision(4000, "state", details={"name": "speaking"}))
    call.resume()
    tick(line, 10)
    # Said in the pause, understood after it.
    call.note(Decision(8000, "transcript", details={"onset": 3500, "offset": 5000, "text": "four two"}))
    call.note(Decision(8000, "transcript", details={"onset": 7000, "offset": 7500, "text": "thank you"}))
    call.end()
    recording = kept(folder)
    n = np.arange(30 * LINE_FRAME)
    hidden = (n >= 10 * LINE_FRAME) & (n < 20 * LINE_FRAME)
    assert (recording.caller == np.where(hidden, 0, n)).all()
    assert (recording.service == np.where(hidden, 0, -n)).all()
    found = [(d.stage, dict(d.details)) for d in recording.decisions]
    assert found == [
        ("dtmf", {"digit": "1"}),
        ("recording", {"paused": True, "hidden": True}),
        ("dtmf", {"hidden": True}),
        ("say_ended", {"heard_ms": 5, "interrupted": True, "hidden": True}),
        ("state", {"name": "speaking", "hidden": True}),
        ("recording", {"paused": False}),
        ("transcript", {"onset": 3500, "offset": 5000, "hidden": True}),
        ("transcript", {"onset": 7000, "offset": 7500, "text": "thank you"}),
    ]
    assert recording.decisions[1].at == 2 * 10 * LINE_FRAME


def test_a_full_disk_ends_the_recording_and_nothing_else(
    recorder: Recorder, bank: LineBank, folder: Path
) -> None:
    line, other = bank.open(), bank.open()
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with capture_logs() as logs:
        call = begun(recorder, line, "full")
        call.note(Decision(0, "duck"))
        tick(line, 20)
        until(lambda: [p for p in folder.glob("*full*.wav.part") if p.stat().st_size > 44])
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, limits[1]))
        try:
            tick(line, 60)
            call.note(Decision(3, "restore"))
            until(lambda: [entry for entry in logs if entry["event"] == "recording_failed"])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, ignored)
        tick(line, 10)
        call.note(Decision(4, "duck"))
        call.end()
        # The recorder lives on.
        second = begun(recorder, other, "second")
        tick(other, 5)
        second.end()
        until(lambda: list(folder.glob("*second.wav")))
    failed = [entry for entry in logs if entry["event"] == "recording_failed"]
    assert len(failed) == 1 and failed[0]["call"] == "full" and "recording.folder" in failed[0]["remedy"]
    (path,) = folder.glob("*full.wav")
    recording = load_recording(path)
    # As much as was written whole.
    assert 0 < len(recording.caller) <= 25 * LINE_FRAME
    assert path.stat().st_size == 44 + 4 * len(recording.caller)


def test_a_session_that_never_began_leaves_no_file(recorder: Recorder, bank: LineBank, folder: Path) -> None:
    line = bank.open()
    call = recorder.open(line, "never", HEADER)
    assert call is not None
    call.end()
    recorder.close()
    assert not list(folder.iterdir())
    bank.release(line)
    assert recorder.open(line, "gone", HEADER) is None


def test_closing_writes_what_is_there(recorder: Recorder, bank: LineBank, folder: Path) -> None:
    line = bank.open()
    begun(recorder, line)
    tick(line, 3)
    recorder.close()
    assert len(kept(folder).caller) == 3 * LINE_FRAME


def test_two_calls_of_one_name_are_two_files(recorder: Recorder, bank: LineBank, folder: Path) -> None:
    for line in (bank.open(), bank.open()):
        call = begun(recorder, line, "same")
        tick(line, 1)
        call.end()
    until(lambda: len(list(folder.glob("*.wav"))) == 2)
    assert len(recordings_in(folder)) == 2
    for path in recordings_in(folder):
        assert load_recording(path).header.details["call"] == "same"


@given(st.text())
def test_a_call_id_cannot_leave_the_folder(call_id: str) -> None:
    name = recording_name(datetime(2026, 1, 31, 17, 59, tzinfo=UTC), call_id)
    assert name.startswith("20260131T175900Z-") and len(name) <= 17 + 80
    assert Path(name).name == name and name.isascii() and name.isprintable() and " " not in name
    assert "." not in name and os.sep not in name


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        SettingsError, match=r"recording\.folder: .*file/kept: Not a directory; name a folder"
    ):
        Recorder(RecordingOptions(debug=True, folder=tmp_path / "file" / "kept"))


# -- reading


def wave(path: Path, channels: int = 2, rate: int = LINE_RATE, frames: int = 400) -> Path:
    from ivr.audio.wav import wav_header

    body = bytes(2 * channels * frames)
    path.write_bytes(wav_header(len(body), rate, channels) + body)
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: None, "call.wav: No such file or directory"),
        (lambda p: p.write_bytes(b"RIFF"), "call.wav: not a WAV file"),
        (lambda p: wave(p, channels=1), "call.wav: it has 1 channel; a recording has two, the caller left"),
        (lambda p: wave(p, rate=16_000), "call.wav: it is at 16000 Hz; a recording is at 8000 Hz"),
        (lambda p: wave(p), "call.wav: there is no call.jsonl beside it, .*: keep the two files"),
    ],
)
def test_what_is_no_recording_is_refused_by_name(tmp_path: Path, make: Any, said: str) -> None:
    make(tmp_path / "call.wav")
    with pytest.raises(RecordingError, match=said):
        load_recording(tmp_path / "call.wav")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "call.jsonl:1: it does not begin with the session's options"),
        ('{"at": 0, "stage": "duck"}\n', "call.jsonl:1: it does not begin"),
        ('{"at": 0, "stage": "session", "options": {"vad": 3}}\n', "call.jsonl:1: it does not begin"),
        (json.dumps({"at": 0, "stage": "session", **HEADER}) + "\nwhat?\n{}\n", "call.jsonl:2: .* damaged"),
        ('{"at": -1, "stage": "duck"}\n', "call.jsonl:1: at = -1: nothing comes before 0"),
        ('{"at": 1, "stage": "duck", "prompt": []}\n', r"call.jsonl:1: prompt = \[\] cannot be"),
        ('{"at": 1, "stage": "dtmf", "digit": "12"}\n', "call.jsonl:1: digit = '12' is no key"),
        ('{"at": 1, "stage": "expect", "kind": "song"}\n', "call.jsonl:1: kind = 'song': there are free, "),
        ('{"at": 1, "stage": "expect", "choices": {"a": 3}}\n', "call.jsonl:1: choices: a has not a list"),
    ],
)
def test_decisions_that_are_none_are_refused_by_line(tmp_path: Path, text: str, said: str) -> None:
    wave(tmp_path / "call.wav")
    (tmp_path / "call.jsonl").write_text(text)
    with pytest.raises(RecordingError, match=said):
        load_recording(tmp_path / "call.wav")


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"no recording is in it \(recording\.debug = true"):
        recordings_in(tmp_path)
