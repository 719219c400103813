"""Options that would have no effect are refused."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from ivr import BargeInOptions, SessionConfig
from ivr.session import VoiceSession
from ivr.vad.options import EndpointingOptions
from tests.session.conftest import Make


@pytest.mark.parametrize(("barge_in", "endpointing"), [(32, 64), (96, 128), (65, 97)])
def test_min_speech_below_that_of_endpointing_is_refused(barge_in: float, endpointing: float) -> None:
    with pytest.raises(ValueError, match=r"is below endpointing\.min_speech_ms"):
        SessionConfig(
            barge_in=BargeInOptions(min_speech_ms=barge_in),
            endpointing=EndpointingOptions(min_speech_ms=endpointing),
        )


@pytest.mark.parametrize(("barge_in", "endpointing"), [(32, 32), (65, 96), (64, 33), (64, 5000), (192, 96)])
def test_as_many_windows_are_enough_and_the_default_gives_way(barge_in: float, endpointing: float) -> None:
    SessionConfig(
        barge_in=BargeInOptions(min_speech_ms=barge_in),
        endpointing=EndpointingOptions(min_speech_ms=endpointing),
    )


async def test_a_prompts_own_min_speech_without_effect_is_reported_once(make: Make) -> None:
    with capture_logs() as logged:
        async with make() as session:
            for _ in range(2):
                await session.say("hello", options=BargeInOptions(min_speech_ms=32))
    lines = [line for line in logged if line["event"] == "min_speech_without_effect"]
    assert len(lines) == 1 and "lower the second" in lines[0]["error"]


def warnings(logged: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [line for line in logged if line["event"] == "no_caller_audio"]


async def wait_without_audio(session: VoiceSession, what: str) -> None:
    if what == "say":
        await (await session.say("hello")).wait_for_playout()
    else:
        await asyncio.wait_for(session.listen(1), 5)


@pytest.mark.parametrize("what", ["say", "listen"])
async def test_who_waits_without_any_audio_is_warned_once(what: str, make: Make) -> None:
    with capture_logs() as logged:
        async with make(warn_without_audio_s=0.02) as session:
            waiting = asyncio.create_task(wait_without_audio(session, what))
            await asyncio.sleep(0.12)
            assert len(warnings(logged)) == 1
            assert "process_audio" in str(warnings(logged)[0]["remedy"])
            waiting.cancel()


async def test_audio_that_arrives_is_no_reason_to_warn(make: Make) -> None:
    with capture_logs() as logged:
        async with make(warn_without_audio_s=0.3) as session:
            waiting = asyncio.create_task(session.listen())
            for _ in range(35):
                session.process_audio(bytes(1024), 8000)
                await asyncio.sleep(0.01)
            assert not warnings(logged)
            waiting.cancel()


async def test_nobody_who_waits_for_nothing_is_warned(make: Make) -> None:
    with capture_logs() as logged:
        async with make(warn_without_audio_s=0.02):
            await asyncio.sleep(0.08)
        async with make(warn_without_audio_s=None) as session:
            waiting = asyncio.create_task(session.listen())
            await asyncio.sleep(0.08)
            waiting.cancel()
    assert not warnings(logged)
