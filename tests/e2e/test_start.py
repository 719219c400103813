"""The start of a service with engines of its own: all at once, reported as it goes, and quick when cached."""

from pathlib import Path

import pytest

from ivr.modelstore import ModelStore
from tests import engine_host
from tests.e2e.running import Service

DEMO = Path(__file__).parents[2] / "dialplans" / "demo.yaml"
READY_S = 5.0
"""Seconds from the command to "ready" with models and prompts on disk."""


@pytest.mark.timing
def test_a_start_with_everything_cached_is_ready_in_five_seconds(
    models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(engine_host.VARIABLE, raising=False)
    with Service([DEMO]):
        pass  # its prompts are on disk now
    with Service([DEMO]) as service:
        assert service.started_in <= READY_S


def test_engines_load_at_once_and_calls_are_taken_after_the_last(
    models: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(engine_host.VARIABLE, raising=False)
    with Service([DEMO]) as service:
        names = ("engine_starting", "process_ready", "ready")
        events = [event["event"] for event in service.events if event["event"] in names]
        engines = {event["engine"] for event in service.find("engine_starting")}
    assert events == ["engine_starting"] * 3 + ["process_ready"] * 3 + ["ready"]
    assert engines == {"whisper", "piper", "smart-turn"}
