"""The package of tests/example_engine, on the path with its metadata: found by name and used by a session."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from ivr.modelstore import ModelStore
from ivr.service.config.settings import load_settings
from ivr.session import MemoryPlayer, VoiceSession
from ivr.speech.registry import STT, create_stt
from ivr.vad.registry import create_vad
from tests.session.engines import LetterTTS, feed, feed_silence
from tests.vad.sounds import loud_from, loud_until, prompt

PACKAGE = Path(__file__).parents[1] / "example_engine"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as an installer leaves it: its modules on the path, its metadata beside them."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = [
        "\n".join([f"[{group}]", *(f"{entry} = {target}" for entry, target in entries.items())])
        for group, entries in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")
    monkeypatch.syspath_prepend(str(PACKAGE))
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in [name for name in sys.modules if name.partition(".")[0] == "example_engine"]:
        monkeypatch.delitem(sys.modules, module)


def bursts(count: int, rate: int = 16_000) -> bytes:
    tone = np.sin(2 * np.pi * 400 * np.arange(rate // 5) / rate) * 8000
    return np.concatenate([np.r_[tone, np.zeros(rate // 4)] for _ in range(count)]).astype(np.int16).tobytes()


@pytest.mark.usefixtures("installed")
def test_its_options_are_settings_and_its_name_is_used_in_the_order(tmp_path: Path) -> None:
    path = tmp_path / "ivr.toml"
    path.write_text('[stt]\norder = ["burst-counter"]\n[stt.burst-counter]\ngap_ms = 200\n')
    settings = load_settings(path, environ={})
    assert settings.stt.of("burst-counter") == {"gap_ms": 200}
    assert "burst-counter" in STT.options()
    with pytest.raises(ValueError, match="did you mean 'gap_ms'"):
        create_stt("burst-counter", gap=200)


@pytest.mark.usefixtures("installed")
async def test_it_counts_in_a_process_of_its_own() -> None:
    stt = create_stt("burst-counter")
    await stt.start()
    try:
        for count, word in ((1, "one"), (3, "three"), (12, "")):
            assert (await stt.transcribe(bursts(count), 16_000)).text == word
    finally:
        await stt.aclose()


@pytest.mark.usefixtures("installed")
async def test_a_session_understands_the_caller_with_it(models: ModelStore) -> None:
    stt = create_stt("burst-counter", gap_ms=1000)
    await stt.start()
    sentence = prompt("vm-goodbye")
    sentence = sentence[loud_from(sentence) : loud_until(sentence)]
    try:
        async with VoiceSession(
            stt=stt, tts=LetterTTS(), vad=create_vad("silero"), player=MemoryPlayer()
        ) as session:
            await feed_silence(session, 300)
            await feed(session, sentence)
            await feed_silence(session, 1000)
            turn = await session.listen(timeout=1)
        assert (turn.text, turn.reason) == ("one", "speech")
    finally:
        await stt.aclose()
