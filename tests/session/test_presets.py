"""The presets: what each changes, that it works in a session, that the README says the same."""

import dataclasses
import re
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from ivr.session import PRESETS, MemoryPlayer, SessionConfig, VoiceSession, preset
from ivr.vad.options import DetectorOptions
from ivr.vad.registry import create_vad
from tests.session.engines import LetterTTS, ScriptSTT, feed, feed_silence
from tests.vad.sounds import loud_from, prompt

README = Path(__file__).resolve().parents[2] / "ivr" / "session" / "README.md"
LONG = "this prompt goes on and on about nothing in particular until somebody has the heart to stop it"


def changes(name: str) -> dict[str, object]:
    chosen = PRESETS[name]
    vad = {f"vad.{option}": value for option, value in chosen.vad.items()}
    return vad | {
        f"{table}.{option}": value
        for table, options in chosen.session.items()
        for option, value in options.items()
    }


def test_balanced_is_the_defaults() -> None:
    assert preset("balanced").config == SessionConfig()
    assert preset("balanced").detector == DetectorOptions() and not changes("balanced")


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_changes_and_nothing_else(name: str) -> None:
    chosen, config = preset(name), SessionConfig()
    parts = {
        table: dataclasses.replace(getattr(config, table), **options)
        for table, options in chosen.session.items()
    }
    assert dataclasses.replace(config, **parts) == chosen.config
    assert DetectorOptions(**chosen.vad) == chosen.detector
    assert set(chosen.vad) <= {"threshold"}, "a detector of somebody else's knows no other"


def test_the_readme_lists_the_values() -> None:
    """The table has a row for each option that any preset changes, and a column for each preset."""
    rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in README.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    head = next(at for at, row in enumerate(rows) if row[1:] == list(PRESETS))
    listed = {row[0]: row[1:] for row in rows[head + 1 :] if re.fullmatch(r"[a-z_]+\.[a-z_]+", row[0])}
    assert set(listed) == {option for name in PRESETS for option in changes(name)}
    for option, cells in listed.items():
        table, _, field = option.partition(".")
        for name, cell in zip(PRESETS, cells, strict=True):
            chosen = PRESETS[name]
            part = chosen.detector if table == "vad" else getattr(chosen.config, table)
            assert float(cell) == getattr(part, field), f"{option} of {name}"


@pytest.mark.parametrize(
    ("name", "near"),
    [("robst", "did you mean robust"), ("call_center", "did you mean call_centre"), ("x", "there are: sens")],
)
def test_an_unknown_name(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"there is no preset '{name}'; {near}"):
        preset(name)


@pytest.mark.parametrize(
    ("name", "gain", "speech_ms", "text", "stopped", "ducked"),
    [
        # One window stops it: there is none before that could have turned it down.
        ("sensitive", 1, 30, "", True, False),
        ("balanced", 1, 30, "", False, True),
        ("sensitive", 0.03, 40, "", True, False),
        ("balanced", 0.01, 100, "", False, True),
        ("balanced", 1, 100, "", True, True),
        ("robust", 1, 100, "", False, True),
        ("robust", 1, 300, "", True, True),
        ("call_centre", 1, 300, "", False, True),
        ("call_centre", 1, 1500, "", False, True),
        ("call_centre", 1, 1500, "hello there", True, True),
    ],
)
async def test_what_stops_a_prompt(
    models: ModelStore,
    name: str,
    gain: float,
    speech_ms: int,
    text: str,
    stopped: bool,
    ducked: bool,
) -> None:
    chosen, sound = preset(name), prompt("vm-goodbye")
    speech = sound[loud_from(sound) :]
    session = VoiceSession(
        stt=ScriptSTT(*[text] * 9),
        tts=LetterTTS(),
        vad=create_vad(**chosen.vad),
        player=MemoryPlayer(),
        config=chosen.config,
    )
    stages: list[str] = []
    session.on_decision(lambda decision: stages.append(decision.stage))
    async with session:
        await session.say(LONG)
        await feed_silence(session, 500)
        await feed(session, speech[: 8 * speech_ms] * gain)
        await feed_silence(session, 200)
        assert ("stop" in stages, "duck" in stages) == (stopped, ducked)
