"""A sensitive gather over SIP: what the caller says and presses is used, and found nowhere afterwards."""

import json
import time
from pathlib import Path

import numpy as np

from ivr.audio.frames import LINE_RATE
from ivr.service.recording.recording import load_recording, recordings_in
from tests.caller import UserAgent, sounds
from tests.e2e.running import Service
from tests.e2e.services import Services

PIN = "4719"


def test_a_sensitive_answer_is_neither_logged_nor_recorded(services: Services, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    env = {
        "IVR_RECORDING__DEBUG": "true",
        "IVR_RECORDING__FOLDER": str(folder),
        "IVR_LOG__LEVEL": "debug",
    }
    with Service([services.plan("private")], env=env) as service, UserAgent() as caller:
        call = caller.call(service.address)
        call.media.wait_loud(5, after=call.ack_at)
        time.sleep(1.0)
        call.media.play(sounds.recording("digits/4"))
        time.sleep(0.25)  # the keys are pressed while that is said
        for key in PIN:
            call.media.press(key)
        service.wait_event("input_matched", 10, call=call.call_id)
        time.sleep(4.5)  # the recording of three seconds
        call.media.play(sounds.recording("digits/1")).wait()
        chosen = service.wait_event("choice_matched", 10, call=call.call_id)
        ended = service.wait_event("call_ended", 10, call=call.call_id)
        service.wait_event("call_recorded", call=call.call_id)
        assert not service.complaints()
        logged = json.dumps([{k: v for k, v in e.items() if k != "_at"} for e in service.events])
        (understood,) = service.find("input_matched")
        assert (understood["value"], understood["heard"], understood["by"]) == ("***", "***", "keys")
        assert chosen["choice"] == "one" and chosen["heard"] != "***", "what is not private is logged"
        assert ended["tags"] == {"pin": "***", "length": "***"}
        assert '"digit"' not in logged and PIN not in logged
        (said,) = service.find("plan_log")
        assert said["message"] == "***"

    (path,) = recordings_in(folder)
    written = path.with_suffix(".jsonl").read_text(encoding="utf-8")
    assert '"digit"' not in written and '"text": "four' not in written.lower()
    recording = load_recording(path)
    keys = [decision.at // 2 for decision in recording.of("dtmf")]
    assert len(keys) == 4 and all(decision.details["hidden"] for decision in recording.of("dtmf"))
    begun = recording.of("speech_began")
    spoken = [decision.details["onset"] // 2 for decision in begun]
    # The first was over the number; the last is the answer to the question after it.
    private = slice(0, max(keys) + LINE_RATE // 4)
    assert spoken[0] < private.stop and not np.any(recording.caller[private])
    answer = recording.caller[spoken[-1] : spoken[-1] + LINE_RATE // 4]
    assert spoken[-1] > private.stop and np.abs(answer).max() > 1000
