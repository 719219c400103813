"""The picture of a call: what is in it (the timeline), that it is drawn, and its errors."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.audio.frames import LINE_RATE
from ivr.cli import main
from ivr.lab.plot.draw import envelope, fitted
from ivr.lab.plot.timeline import timeline
from ivr.modelstore import ModelStore
from ivr.session import Decision, VoiceSession
from tests.lab.recorded import Scene, at, clip, record
from tests.vad.sounds import loud_from, loud_until, prompt


@pytest.fixture(scope="module")
def call(models: ModelStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    caller = prompt("vm-goodbye")
    caller = caller[loud_from(caller) : loud_until(caller)][:8000]

    async def plan(session: VoiceSession) -> None:
        sound = np.tile(prompt("demo-instruct"), 2)[: 8 * LINE_RATE]
        await session.say(clip(sound, "costs are $5 or $6, say what you like\nand I listen"))
        await session.listen(5)
        await session.say(clip(prompt("vm-goodbye"), "Au revoir, à bientôt"))

    return record(
        tmp_path_factory.mktemp("calls"), "call", Scene(at(6.0, (2.0, caller)), plan, ("bye",), ((5.5, "#"),))
    )


def size_of(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def pixels(png: Path) -> np.ndarray:
    from matplotlib import image

    return (np.asarray(image.imread(png))[:, :, :3] * 255).astype(int)


def count(picture: np.ndarray, color: str) -> int:
    """Pixels of nearly that colour."""
    wanted = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(picture - wanted).max(axis=2) < 8).sum())


def test_a_call_is_drawn_1600_by_900(call: Path, tmp_path: Path) -> None:
    from ivr.lab.plot import draw as plot

    assert main(["plot", str(call), "-o", str(tmp_path / "call.png")]) == 0
    assert size_of(tmp_path / "call.png") == (1600, 900)
    picture = pixels(tmp_path / "call.png")
    # Both waveforms, the duck before the stop, a stop's line through five rows, the key's badge.
    assert count(picture, plot.CALLER) > 2000 and count(picture, plot.SERVICE) > 10_000
    assert count(picture, plot.DUCK) > 20
    assert count(picture, plot.STOP) > 500 and count(picture, plot.KEY) > 200
    assert count(picture, plot.STATES["processing"]) > 200


def test_a_part_is_drawn_and_what_other_settings_do(call: Path, tmp_path: Path) -> None:
    from ivr.lab.plot import draw as plot

    assert main(["plot", str(call), "-o", str(tmp_path / "a.png"), "--from", "3.4", "--to", "5"]) == 0
    assert count(pixels(tmp_path / "a.png"), plot.STOP) < 100  # the legend's alone
    deaf = ["--set", "session.endpointing.min_speech_ms=5000"]
    assert main(["plot", str(call), "-o", str(tmp_path / "b.png"), "--to", "5", *deaf]) == 0
    whole = pixels(tmp_path / "b.png")
    assert count(whole[200:], plot.STOP) < 100  # nothing stops the prompt; the title says what was set
    assert count(whole[:60, 800:], plot.STOP) > 50


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "7"], "the call is 6.0 s long"),
        (["--from", "3", "--to", "2"], "no sound from 3 s to 2 s"),
        (["--from", "-1"], "the call is 6.0 s long"),
        (["--set", "vad.treshold=1"], "did you mean vad.threshold?"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    call: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["plot", str(call), "-o", str(tmp_path / "x.png"), *arguments]) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "x.png").exists()


def test_a_picture_that_cannot_be_written_is_said(call: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(call), "-o", "/nowhere/x.png"]) == 2
    assert "/nowhere/x.png: No such file or directory" in capsys.readouterr().err


def test_without_matplotlib_it_says_what_to_install(
    call: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["plot", str(call), "-o", str(tmp_path / "x.png")]) == 2
    assert "pip install 'interruptible-ivr[plot]'" in capsys.readouterr().err


# -- what is in it


def test_the_timeline_of_a_call() -> None:
    s = 16_000
    found = timeline(
        [
            Decision(0, "state", details={"name": "listening"}),
            Decision(0, "state", details={"name": "speaking"}),
            Decision(0, "say_started", details={"prompt": 1, "text": "one two three"}),
            Decision(1 * s, "duck", details={"prompt": 1}),
            Decision(2 * s, "restore", "no speech", {"prompt": 1}),
            Decision(3 * s, "duck", details={"prompt": 1}),
            Decision(4 * s, "speech_began", details={"onset": 3 * s}),
            Decision(4 * s, "stop", "speech", {"prompt": 1, "latency_ms": 64.2}),
            Decision(4 * s, "say_ended", details={"prompt": 1, "interrupted": True, "heard_text": "one two"}),
            Decision(4 * s, "state", details={"name": "listening"}),
            Decision(6 * s, "transcript", details={"onset": 3 * s, "text": "I", "interim": True}),
            Decision(7 * s, "turn_ended", details={"onset": 3 * s, "offset": 5 * s, "reason": "silence"}),
            Decision(8 * s, "transcript", details={"onset": 3 * s, "text": "I do"}),
            Decision(8 * s, "dtmf", details={}),
            Decision(8 * s, "recording", details={"paused": True}),
            Decision(9 * s, "recording", details={"paused": False}),
            Decision(9 * s, "speech_began", details={"onset": 9 * s}),
        ],
        10.0,
    )
    assert [(span.begin, span.end, span.text, span.interrupted) for span in found.prompts] == [
        (0, 4, "one two", True)
    ]
    assert [(span.begin, span.end) for span in found.ducks] == [(1, 2), (3, 4)]
    assert [(span.begin, span.spoken, span.end, span.text) for span in found.turns] == [
        (3, 5, 7, "I do"),
        (9, 10, 10, ""),
    ]
    assert [(span.begin, span.end, span.text) for span in found.states] == [
        (0, 4, "speaking"),
        (4, 10, "listening"),
    ]
    assert [(span.begin, span.end) for span in found.pauses] == [(8, 9)]
    assert [(span.begin, span.end, span.text) for span in found.stretches] == [(0, 4, "one two")]
    assert found.suspended == []  # it was over at once
    assert [(m.at, m.stage, m.text) for m in found.moments] == [
        (1, "duck", ""),
        (3, "duck", ""),
        (4, "stop", "64 ms of speech"),
        (7, "turn_ended", "silence"),
        (8, "dtmf", "?"),
    ]


def test_a_prompt_that_goes_on_is_shown_in_stretches_with_their_words() -> None:
    s = 16_000
    reported = {"prompt": 1, "word_times": [["one", 0, 900], ["two", 1100, 1900], ["three", 2100, 2900]]}
    found = timeline(
        [
            Decision(0, "say_started", details={"prompt": 1, "text": "one two three"}),
            Decision(s * 3 // 2, "stop", "speech", {"prompt": 1, "latency_ms": 64}),
            Decision(4 * s, "complete", "turn detector"),
            Decision(4 * s, "turn_ended", details={"onset": s, "offset": 2 * s, "reason": "complete"}),
            Decision(5 * s, "resume", "no words", {"prompt": 1, "cut_ms": 1500, "from_ms": 1000}),
            Decision(7 * s, "stop", "speech", {"prompt": 1, "latency_ms": 64}),
            Decision(8 * s, "confirm", "words", {"prompt": 1}),
            Decision(8 * s, "say_ended", details={"interrupted": True, "heard_text": "one two", **reported}),
            Decision(9 * s, "turn_ended", details={"onset": 7 * s, "offset": 8 * s, "reason": "complete"}),
        ],
        10.0,
    )
    assert [(each.begin, each.end, each.text, each.interrupted) for each in found.stretches] == [
        (0, 1.5, "one", True),
        (5, 7, "two three", True),
    ]
    assert [(each.begin, each.end) for each in found.suspended] == [(1.5, 5), (7, 8)]
    assert [(m.stage, m.text) for m in found.moments] == [
        ("stop", "64 ms of speech"),
        ("turn_ended", "turn detector"),
        ("resume", "no words"),
        ("stop", "64 ms of speech"),
        ("confirm", "words"),
        ("turn_ended", "complete"),
    ]


@given(st.integers(0, 2000), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_an_envelope_holds_every_peak(size: int, columns: int, seed: int) -> None:
    samples = np.random.default_rng(seed).integers(-32768, 32768, size).astype(np.int16)
    low, high, starts = envelope(samples, columns)
    assert len(low) == len(high) == len(starts) <= columns
    if size:
        assert low.min() == samples.min() and high.max() == samples.max()


def test_no_word_is_broken_in_two() -> None:
    assert fitted("(no words)", 4 * 6.9, 3) == "(no\nwor…"


@given(st.text(), st.floats(0, 500), st.integers(1, 3))
def test_words_stay_in_their_place(text: str, width: float, lines: int) -> None:
    shown = fitted(text, width, lines)
    assert shown.count("\n") < lines
    assert all(len(line) * 6.9 <= max(width, 6.9) for line in shown.split("\n"))
