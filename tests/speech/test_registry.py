"""Engines by name, our own and a third party's that is really installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from ivr.speech.base import SpeechToText, TextToSpeech, TurnDetector
from ivr.speech.providers.piper.tts import PiperOptions
from ivr.speech.providers.smart_turn.detector import SmartTurnOptions
from ivr.speech.providers.whisper.stt import WhisperOptions
from ivr.speech.registry import STT, TTS, TURN, UnknownEngine, create_stt, create_tts, create_turn_detector
from tests.speech.tones import ToneOptions, ToneStt, ToneTts

ROOT = Path(__file__).resolve().parents[2]


def test_the_built_in_engines(models: ModelStore) -> None:
    for name in ("whisper", "openai"):
        stt = create_stt(name)
        assert isinstance(stt, SpeechToText)
        assert stt.name == name
    for name in ("piper", "openai"):
        tts = create_tts(name)
        assert isinstance(tts, TextToSpeech)
        assert tts.name == name
    assert STT.options()["whisper"] is WhisperOptions
    assert TTS.options()["piper"] is PiperOptions
    assert set(STT.options()) == {"whisper", "openai"}
    turn = create_turn_detector("smart-turn")
    assert isinstance(turn, TurnDetector)
    assert turn.name == "smart-turn"
    assert TURN.options() == {"smart-turn": SmartTurnOptions}


def test_the_error_for_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownEngine, match=r"did you mean 'whisper'\?; there are: openai, whisper"):
        create_stt("wisper")
    with pytest.raises(ValueError, match="no voice is called 'zzz'; there are: openai, piper"):
        create_tts("zzz")
    with pytest.raises(UnknownEngine, match="no turn detector is called 'smart_turn', did you mean 'smart-"):
        create_turn_detector("smart_turn")


def test_the_error_for_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"no option 'lenght_scale', did you mean 'length_scale'\?"):
        create_tts("piper", lenght_scale=2.0)


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution as an installer leaves it: its metadata on the path."""
    info = tmp_path / "acme_voices-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-voices\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ivr.stt]\near = tests.speech.tones:ToneStt\nwhisper = tests.speech.tones:ToneStt\n"
        "[ivr.tts]\ntone = tests.speech.tones:ToneTts\nbroken = acme.nowhere:Voice\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_engine_of_an_installed_package(third_party: Path, models: ModelStore) -> None:
    assert isinstance(create_stt("ear"), ToneStt)
    tts = create_tts("tone", pitch=880.0)
    assert isinstance(tts, ToneTts)
    assert tts.pitch == 880.0
    assert TTS.options()["tone"] is ToneOptions
    assert STT.options()["whisper"] is WhisperOptions  # ours cannot be replaced unseen
    assert not isinstance(create_stt("whisper"), ToneStt)
    assert "broken" not in TTS.options()
    with pytest.raises(UnknownEngine, match="there are: broken, openai, piper, tone"):
        create_tts("fone")


def test_listing_names_imports_no_engine() -> None:
    code = (
        "import sys; from ivr.speech.registry import KINDS; [kind.options() for kind in KINDS.values()];"
        "print([m for m in ('openai', 'faster_whisper', 'ctranslate2', 'piper') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "[]"
