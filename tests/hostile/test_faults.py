"""What a caller hears while an engine fails: something within two seconds, and one line of the log says why.

A bounded part of ``python -m tests.hostile.faults``; one service for all.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.faults import cases
from tests.hostile.faults.__main__ import shim_environment
from tests.hostile.faults.rig import LIMIT_S, FaultService
from tests.timing import machine_delay

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultService]:
    fault = tmp_path_factory.mktemp("faults") / "fault"
    with FaultService(env=shim_environment(fault)) as running:
        yield running


def test_an_answer_is_understood_although_the_recogniser_is_killed_with_it(service: FaultService) -> None:
    with machine_delay() as machine:
        found = cases.recogniser(service, "killed")
    assert found.silence_s < LIMIT_S + machine.worst
    assert found.heard == "one → ask; call goes on"
    assert "process_died" in found.events


def test_a_prompt_is_heard_although_the_voice_is_killed_with_it(service: FaultService) -> None:
    with machine_delay() as machine:
        found = cases.voice(service, "killed")
    assert found.silence_s < LIMIT_S + machine.worst
    assert found.heard == "one → ask; call goes on"
    assert "synthesis_failed" not in found.events


def test_a_turn_detector_that_is_stopped_delays_nobody(service: FaultService) -> None:
    with machine_delay() as machine:
        found = cases.turn_detector(service, "stopped")
    assert found.silence_s < LIMIT_S + machine.worst
    assert found.heard == "one → ask; call goes on"


def test_keys_are_taken_while_the_detector_of_speech_fails(service: FaultService) -> None:
    found = cases.detector(service, Path(service.environment("FAULT_FILE")))
    assert found.heard == "one → ask; call goes on"
    assert len(service.find("vad_inference_failed")) == 1, "each window of sound writes a line"


def test_a_new_call_gets_503_and_the_old_one_goes_on_when_no_file_can_be_opened(
    service: FaultService,
) -> None:
    status, found = cases.descriptors(service)
    assert status == 503
    assert found.heard == "one → ask; call goes on"
    assert found.events.count("descriptors_used_up") == 1
