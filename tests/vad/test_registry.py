import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from ivr.modelstore import model_path
from ivr.vad import registry
from ivr.vad.events import SpeechStarted, VadEvent
from ivr.vad.inline import InlineVad
from ivr.vad.options import EndpointingOptions
from ivr.vad.registry import create_vad, vad_names
from ivr.vad.shared import SharedVad
from ivr.vad.silero import VadModelError
from tests.vad.sounds import hear, prompt


def test_silero_inline_and_shared() -> None:
    inline = create_vad("silero", threshold=0.5)
    assert isinstance(inline, InlineVad)
    assert isinstance(hear(inline, prompt("hello-world"))[0], SpeechStarted)
    shared = create_vad(shared=True)
    assert isinstance(shared, SharedVad)
    shared.close()


def test_a_higher_threshold_hears_later_or_not_at_all() -> None:
    x = prompt("auth-thankyou")
    (low,) = hear(create_vad(threshold=0.3), x)[:1]
    (high,) = hear(create_vad(threshold=0.9), x)[:1]
    assert isinstance(low, SpeechStarted) and isinstance(high, SpeechStarted)
    assert low.at < high.at and high.probability >= 0.75


def test_a_users_own_model_by_path(tmp_path: Path) -> None:
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(model_path("silero").read_bytes())
    events: list[VadEvent] = []
    stream = create_vad(model=mine).open_stream(EndpointingOptions(), events.append)
    stream.push(prompt("hello-world").tobytes(), 8000)
    assert events
    with pytest.raises(VadModelError, match="no such file"):
        create_vad(model=tmp_path / "other.onnx")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"name": "siler"}, r"no voice-activity detector is called 'siler'; there are: silero"),
        ({"threshold": 1.5}, "threshold must be between 0 and 1"),
        ({"treshold": 0.5}, "treshold"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        create_vad(**arguments)  # type: ignore[arg-type]


def test_a_third_party_registers_through_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, object] = {}

    def factory(**keywords: object) -> InlineVad:
        given.update(keywords)
        made = create_vad()
        assert isinstance(made, InlineVad)
        return made

    module = ModuleType("someones_detector")
    module.create = factory  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "someones_detector", module)
    entry = EntryPoint("energy", "someones_detector:create", registry.ENTRY_POINT_GROUP)

    def installed(*, group: str, name: str | None = None) -> list[EntryPoint]:
        return [entry] if group == "ivr.vad" and name in (None, "energy") else []

    monkeypatch.setattr(registry, "entry_points", installed)
    assert isinstance(create_vad("energy", threshold=0.7, floor=3), InlineVad)
    assert given == {"threshold": 0.7, "shared": False, "model": None, "floor": 3}
    assert vad_names() == ["energy", "silero"]
