"""A real call is recorded, and a replay of its recording takes the same decisions."""

import stat
import time
from pathlib import Path

import numpy as np
import pytest

from ivr.audio.frames import LINE_RATE
from ivr.lab.replay.differences import false_interruptions, interruptions
from ivr.lab.replay.replayer import replay
from ivr.lab.replay.report import decision_line
from ivr.lab.replay.settings import settings_for
from ivr.service.recording.recording import Recording, load_recording, recordings_in
from ivr.session import Decision
from tests.caller import UserAgent, sounds
from tests.e2e.polite import Caller
from tests.e2e.running import Service
from tests.e2e.services import Services

EXACT = ("speech_began", "stop", "turn_ended", "dtmf", "ignore")
POLICY = (*EXACT, "say_started", "duck", "restore", "confirm", "resume", "complete", "transcript")
WINDOW = 512
"""Samples that the detector looks at: what takes two threads may take one more."""
PROMPT_WITHIN = 3 * 512
"""Samples by which a prompt may begin elsewhere: on the call it waits for threads that take their time."""


def lag(of: np.ndarray, within: np.ndarray) -> tuple[int, float]:
    """Return where ``of`` is in ``within``, and how alike they are there."""
    x, y = of.astype(float), within.astype(float)
    alike = np.correlate(y, x, "valid")
    at = int(alike.argmax())
    return at, float(alike[at] / (np.linalg.norm(x) * np.linalg.norm(y[at : at + len(x)])))


def test_a_call_is_recorded_and_replays_as_it_was(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    said = sounds.recording("digits/1")
    env = {"IVR_RECORDING__DEBUG": "true", "IVR_RECORDING__FOLDER": str(folder)}
    with services.start("main", env) as service, UserAgent() as caller:
        (warning,) = service.find("recording_enabled")
        assert warning["level"] == "warning" and warning["folder"] == str(folder)
        call = caller.call(service.address)
        call.media.wait_loud(5, after=call.ack_at)
        time.sleep(1.5)
        call.media.play(said).wait()
        service.wait_event("choice_matched", 10, call=call.call_id, choice="one")
        time.sleep(2.5)  # the answer, and the prompt again
        call.media.press("3")
        service.wait_event("step_entered", call=call.call_id, step="guarded")
        time.sleep(0.5)
        call.media.play(said).wait()  # over a prompt that cannot be interrupted
        time.sleep(1.0)
        (part,) = folder.glob("*.wav.part")
        assert load_recording(part).seconds > 4  # it can be read while the call goes on
        call.close()
        recorded = service.wait_event("call_recorded", call=call.call_id)
        ended = service.find("call_ended", call=call.call_id)[0]
        (path,) = recordings_in(folder)
        assert Path(recorded["file"]) == path and not list(folder.glob("*.part"))
        assert not service.complaints()

    recording = load_recording(path)
    assert recording.header.details["call"] == call.call_id and recording.header.details["plan"] == "test"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert recording.seconds == pytest.approx(ended["duration_s"], abs=1.0)

    # Both sides, where the decisions say they are.
    (first, second) = recording.of("speech_began")
    at, alike = lag(np.frombuffer(said, np.int16), recording.caller[: 5 * LINE_RATE])
    assert alike > 0.95 and at < first.details["onset"] // 2 < at + len(said) // 4
    stops = list(recording.of("stop"))
    assert [stop.rule for stop in stops] == ["speech", "dtmf"]
    stop = stops[0].at // 2
    assert np.abs(recording.service[stop - 2000 : stop]).max() > 1000  # the prompt, up to there
    assert not recording.service[stop + 800 : stop + 3200].any()
    assert [d.details["interrupted"] for d in recording.of("say_ended")][:2] == [True, False]
    assert [d.details["digit"] for d in recording.of("dtmf")] == ["3"]
    (ignored,) = recording.of("ignore")
    assert ignored.rule == "barge_in" and ignored.at == second.at

    settings, unknown = settings_for(recording)
    assert not unknown
    again = replay(recording, settings)
    assert again == replay(recording, settings)

    def exact(decisions: tuple[Decision, ...]) -> list[Decision]:
        return [decision for decision in decisions if decision.stage in EXACT]

    assert exact(again.decisions) == exact(recording.decisions)
    both = (again.decisions, recording.decisions)
    begun, were = ([d for d in each if d.stage == "say_started"] for each in both)
    assert [d.details["text"] for d in begun] == [d.details["text"] for d in were]
    assert all(abs(a.at - b.at) <= PROMPT_WITHIN for a, b in zip(begun, were, strict=True))


CALLS = 4


def test_what_was_polite_is_polite_again(services: Services, tmp_path: Path) -> None:
    """A cough and an "okay" do not interrupt, a request and a key do: on the call and in its replay.

    A service that is stalled for a tenth of a second, on a busy machine, decides later than the sound says;
    its replay does not. So one call of a few is enough.
    """
    caller = Caller(tmp_path / "voices")
    apart: list[str] = []
    for number in range(CALLS):
        recording = _polite_call(caller, services, tmp_path / str(number))
        apart = _apart(recording)
        if not apart:
            return
    pytest.fail("\n".join(apart))


def _polite_call(caller: Caller, services: Services, folder: Path) -> Recording:
    env = {"IVR_RECORDING__DEBUG": "true", "IVR_RECORDING__FOLDER": str(folder)}
    with Service([services.plan("polite")], env=env) as service:
        call_id = caller.talk(service)
        service.wait_event("call_recorded", call=call_id)
        assert not service.complaints()
    (path,) = recordings_in(folder)
    recording = load_recording(path)
    resumed = [d.rule for d in recording.of("resume")]
    assert resumed[0] == "no words" and len(resumed) == 2
    assert [d.rule for d in recording.of("stop")] == ["speech"] * 3 + ["dtmf"]
    assert len(false_interruptions(recording.decisions)) == len(interruptions(recording.decisions)) == 2
    return recording


def _apart(recording: Recording) -> list[str]:
    """What the replay decides in another way, or more than a window earlier or later."""
    settings, unknown = settings_for(recording)
    again = replay(recording, settings)
    assert not unknown and not again.unknown and again == replay(recording, settings)
    found = []
    for stage in POLICY:
        then, now = list(recording.of(stage)), [d for d in again.decisions if d.stage == stage]
        same = [_what(d) for d in now] == [_what(d) for d in then]
        if not same or any(abs(a.at - b.at) > WINDOW for a, b in zip(now, then, strict=True)):
            found += [f"{stage}: then", *map(decision_line, then), "now", *map(decision_line, now)]
    return found


def _what(decision: Decision) -> tuple[str, object, object]:
    return decision.rule, decision.details.get("prompt"), decision.details.get("text")


def test_without_the_setting_nothing_is_kept(services: Services, tmp_path: Path) -> None:
    service = services.get("main")
    assert not service.find("recording_enabled") and not Path("recordings").exists()


def test_a_folder_that_cannot_be_written_stops_the_start(services: Services, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    env = {"IVR_RECORDING__DEBUG": "true", "IVR_RECORDING__FOLDER": str(tmp_path / "file" / "x")}
    service = services.start("main", env)
    with pytest.raises(TimeoutError, match="the service ended with 2"):
        service.__enter__()
    assert "recording.folder" in service.tail() and "set recording.debug = false" in service.tail()
