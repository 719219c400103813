"""A message left over real SIP and RTP: what is on disk is what was sent."""

import json
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.caller import Call, UserAgent, sounds
from tests.e2e.running import Service
from tests.e2e.services import Services

SPOKEN = sounds.recording("vm-intro")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("left")


@pytest.fixture(scope="module")
def service(services: Services, folder: Path) -> Iterator[Service]:
    with Service([services.plan("voicemail")], env={"IVR_FILES__FOLDER": str(folder)}) as running:
        yield running


def message(folder: Path, call: Call) -> tuple[np.ndarray, dict[str, Any]]:
    """What is on disk of that call: sound, and what is known of it."""
    found = [(path, json.loads(path.read_text(encoding="utf-8"))) for path in folder.rglob("*.json")]
    ((path, known),) = [each for each in found if each[1]["call"] == call.call_id]
    assert path.stat().st_mode & 0o077 == 0
    with wave.open(str(path.with_suffix(".wav"))) as file:
        assert file.getparams()[:3] == (1, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), known


def places(sent: bytes, kept: np.ndarray) -> list[tuple[float, int]]:
    """Return, for each half second sent, how alike what was kept is at best, 0 to 1, and how much later it
    is there, in samples.
    """
    x, y = np.frombuffer(sent, "<i2").astype(float), kept.astype(float)
    found = []
    for begin in range(0, len(x) - 3999, 4000):
        piece = x[begin : begin + 4000]
        dots = np.correlate(y, piece, "valid")
        norms = np.sqrt(np.convolve(y**2, np.ones(4000), "valid") * (piece**2).sum()) + 1
        at = int(np.argmax(dots / norms))
        found.append((float((dots / norms)[at]), at - begin))
    return found


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_message_is_left(hangs_up: bool, service: Service, folder: Path) -> None:
    with UserAgent(user="0301234567") as caller:
        call = caller.call(service.address)
        call.media.wait_loud(5, after=call.ack_at)  # the beep
        call.media.wait_quiet(5)
        call.media.play(SPOKEN).wait()
        if hangs_up:
            call.hangup()
        else:
            ended = time.time()
            assert call.ended.wait(8) and 1.0 < time.time() - ended < 2.5
        over = service.wait_event("call_ended", 8, call=call.call_id)
        assert over["reason"] == ("caller" if hangs_up else "kept")
        service.wait_event("message_saved", call=call.call_id)  # after the end, where the caller hangs up
    kept, known = message(folder, call)
    assert (known["caller"], known["called"], known["plan"]) == ("0301234567", "ivr", "voicemail")
    assert known["ended_by"] == ("hangup" if hangs_up else "silence")
    found = places(SPOKEN, kept)
    print(f"{len(kept)} samples kept of {len(SPOKEN) // 2}:", [(round(a, 2), b) for a, b in found])
    # Where a busy machine's sender is late the jitter buffer puts frames in, and leaves some out later.
    alike = [each for each, _ in found]
    shifts = [later for _, later in found]
    assert sorted(alike)[len(alike) // 3] > 0.95 and min(shifts) > 0 and max(shifts) < 8000
    assert max(shifts) - min(shifts) < 1600
    assert not service.find("transcript", call=call.call_id)


def test_nothing_is_left(service: Service, folder: Path) -> None:
    before = len(list(folder.rglob("*")))
    with UserAgent() as caller:
        call = caller.call(service.address)
        assert call.ended.wait(8)
    assert service.wait_event("call_ended", call=call.call_id)["reason"] == "nothing"
    assert len(list(folder.rglob("*"))) == before
