"""``ivr talk`` with the real engines: recorded and synthetic callers, any WAV rate, no clock on the wall."""

import json
from pathlib import Path

import numpy as np
import pytest

from ivr.audio.resample import resample
from ivr.audio.wav import decode_wav, encode_wav
from ivr.lab.talk import TalkError, talk
from ivr.modelstore import ModelStore
from ivr.service.config.settings import Settings, load_settings
from tests import engine_host

PLAN = """
dialplan: 1
name: small
start: menu
steps:
  menu:
    - gather:
        prompt: Say friends or family, and I will tell you which of the two I have understood.
        timeout: 2s
        choices:
          friends: {say: [friends], press: "1", goto: friends}
          family: {say: [family], press: "2", goto: family}
        noinput: {say: "Are you still there?", tries: 1, goto: bye}
        nomatch: {say: "Sorry, I did not get that.", tries: 2, goto: bye}
  friends:
    - say: It was friends.
    - goto: bye
  family:
    - say: It was family.
    - goto: bye
  bye:
    - say: Goodbye.
    - hangup:
"""


@pytest.fixture(scope="module")
def settings(models: ModelStore) -> Settings:
    return load_settings(environ=engine_host.settings())


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


def spoken(folder: Path, recording: Path, *, after_s: float, rate: int) -> Path:
    """A WAV at ``rate`` Hz in which a recorded person speaks after ``after_s`` seconds of silence."""
    pcm, made_at = decode_wav(recording.read_bytes())
    pcm = resample(pcm, made_at, rate)
    whole = np.concatenate([np.zeros(int(after_s * rate), np.int16), pcm])
    path = folder / f"caller-{rate}.wav"
    path.write_bytes(encode_wav(whole, rate))
    return path


def run(settings: Settings, plan: Path, caller: Path, heard: Path | None = None) -> tuple[int, dict]:
    said: list[str] = []
    code = talk(settings, plan, caller, heard, as_json=True, out=said.append)
    return code, json.loads("\n".join(said))


def test_a_barge_in_is_understood_and_answered(
    settings: Settings, plan: Path, tmp_path: Path, sounds: Path
) -> None:
    """The caller interrupts the prompt with a choice; twice the same, to the millisecond."""
    caller = spoken(tmp_path, sounds / "vm-Family.wav", after_s=1.5, rate=44_100)
    code, first = run(settings, plan, caller, tmp_path / "heard.wav")
    assert (code, first["reason"]) == (0, "hangup")
    prompt, turn, answer, goodbye = first["turns"]
    assert prompt["speaker"] == "service" and prompt["interrupted"]
    assert 1300 <= prompt["heard_ms"] <= 2400
    assert prompt["text"].startswith(prompt["heard_text"].split()[0])
    assert len(prompt["heard_text"]) < len(prompt["text"])
    assert turn["speaker"] == "caller" and turn["barged_in"] and turn["reason"] == "speech"
    assert "family" in turn["text"].lower()
    assert abs(turn["at_ms"] - 1500) < 400
    assert (answer["text"], answer["interrupted"]) == ("It was family.", False)
    assert goodbye["text"] == "Goodbye."
    heard, rate = decode_wav((tmp_path / "heard.wav").read_bytes())
    assert rate == 8000
    assert abs(len(heard) / 8 - first["duration_ms"]) < 100
    assert np.abs(heard[: 8 * 1000]).max() > 1000
    _, second = run(settings, plan, caller)
    assert second == first


def test_what_is_sensitive_is_not_shown(settings: Settings, plan: Path, tmp_path: Path, sounds: Path) -> None:
    plan.write_text(PLAN.replace("        timeout: 2s\n", "        timeout: 2s\n        sensitive: true\n"))
    caller = spoken(tmp_path, sounds / "vm-Family.wav", after_s=1.5, rate=8000)
    _, conversation = run(settings, plan, caller)
    prompt, turn, answer, goodbye = conversation["turns"]
    assert (prompt["text"], prompt["heard_text"], turn["text"]) == ("***",) * 3 and turn["audio_ms"] > 0
    assert answer["text"] == "It was family." and goodbye["text"] == "Goodbye."


def test_a_caller_who_says_nothing(settings: Settings, plan: Path, tmp_path: Path) -> None:
    caller = tmp_path / "silent.wav"
    caller.write_bytes(encode_wav(np.zeros(160, np.int16), 8000))
    code, conversation = run(settings, plan, caller)
    assert (code, conversation["reason"]) == (0, "hangup")
    spoken_texts = [turn["text"] for turn in conversation["turns"] if turn["speaker"] == "service"]
    assert spoken_texts[-1] == "Goodbye."
    assert any(turn["speaker"] == "caller" and turn["reason"] == "noinput" for turn in conversation["turns"])


def test_the_turns_as_text(settings: Settings, plan: Path, tmp_path: Path, sounds: Path) -> None:
    caller = spoken(tmp_path, sounds / "vm-Friends.wav", after_s=1.0, rate=8_000)
    said: list[str] = []
    assert talk(settings, plan, caller, out=said.append) == 0
    lines = said[0].splitlines()
    assert lines[0].split()[:4] == ["0.00", "s", "service", "Say"]
    assert "interrupted, heard" in lines[0]
    assert any(" caller " in line and "barge-in" in line for line in lines)
    assert lines[-1].endswith("the plan small ended: hangup")


def test_a_file_that_is_no_wav(settings: Settings, plan: Path, tmp_path: Path) -> None:
    with pytest.raises(TalkError, match=r"plan\.yaml"):
        talk(settings, plan, plan)
    with pytest.raises(TalkError, match=r"absent\.wav: No such file"):
        talk(settings, plan, tmp_path / "absent.wav")
    caller = tmp_path / "silent.wav"
    caller.write_bytes(encode_wav(np.zeros(160, np.int16), 8000))
    with pytest.raises(TalkError, match="there is no folder"):
        talk(settings, plan, caller, tmp_path / "absent" / "out.wav")
