"""A real softphone dials the demo, is greeted, speaks, and is answered."""

import asyncio
import audioop
import time
from pathlib import Path

import pytest

from ivr import create_stt, create_tts
from tests import engine_host
from tests.caller import sounds
from tests.e2e.running import Service
from tests.e2e.services import Services
from tests.e2e.softphone import Softphone


async def transcribe(*pieces: bytes) -> list[str]:
    """Transcribe with the project's own recogniser."""
    stt = create_stt("whisper", **engine_host.options())
    await stt.start()
    try:
        return [(await stt.transcribe(piece, 8000)).text.lower() for piece in pieces]
    finally:
        await stt.aclose()


async def synthetic(text: str) -> bytes:
    """The project's own voice, as a caller's: PCM16 at 8 kHz."""
    tts = create_tts("piper", **engine_host.options())
    await tts.start()
    try:
        made = b"".join([chunk async for chunk in tts.synthesize(text)])
    finally:
        await tts.aclose()
    return audioop.ratecv(made, 2, 1, tts.sample_rate, 8000, None)[0]


@pytest.mark.parametrize(
    ("speech", "choice", "answer"),
    [
        ("I would like billing, please.", "billing", ("billing",)),
        (sounds.recording("hours"), "hours", ("nine", "9")),
    ],
    ids=["synthetic", "human"],
)
async def test_a_softphone_is_understood_and_answered(
    speech: bytes | str, choice: str, answer: tuple[str, ...], services: Services, tmp_path: Path
) -> None:
    service: Service = services.get("demo")
    if isinstance(speech, str):
        speech = await synthetic(speech)
    began = len(service.events)
    since = time.time()
    # A second of listening, then the sentence over the welcome, then silence.
    phone = Softphone(tmp_path, sounds.silence(1.6) + speech + sounds.silence(20))
    await asyncio.to_thread(phone.dial, f"sip:demo@127.0.0.1:{service.port}", 7)
    service.wait_event("call_ended", since=since)
    reported = "\n".join(str(e) for e in service.events[began:])
    assert service.find("choice_matched", since, choice=choice, by="speech"), reported
    assert service.find("barge_in", since, cause="speech"), reported
    assert phone.media_addresses == {"127.0.0.1"}
    # What was heard, split where the caller spoke: the welcome cut short, then the answer.
    heard = phone.heard
    spoken_at = int(1.6 * 16000)
    before, after = await transcribe(heard[:spoken_at], heard[spoken_at:])
    assert "welcome" in before
    assert any(word in after for word in answer), after
