"""The caller captured as sound, waiting, speech that is ignored."""

import asyncio

import numpy as np
import pytest

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import LineBank
from ivr.session import MemoryPlayer, SessionEnded, VoiceSession
from ivr.session.turn.caller_capture import CapturedAudio
from ivr.vad.registry import create_line_vad
from tests.session.engines import LetterTTS, ScriptSTT

FRAME = bytes(2 * LINE_FRAME)


async def feed(session: VoiceSession, pcm16: bytes, rate: int = 8000) -> None:
    size = rate // 50 * 2
    for at in range(0, len(pcm16), size):
        session.process_audio(pcm16[at : at + size], rate)
        await asyncio.sleep(0)


def silence(seconds: float, rate: int = 8000) -> bytes:
    return bytes(2 * round(seconds * rate))


async def test_time_is_the_callers_sound(session: VoiceSession) -> None:
    waiting = asyncio.ensure_future(session.wait(0.5))
    await feed(session, silence(0.45))
    assert not waiting.done() and session._is_idle()
    await feed(session, silence(0.15))
    assert waiting.done()


async def test_the_end_of_the_session_ends_a_wait(session: VoiceSession) -> None:
    waiting = asyncio.ensure_future(session.wait(5))
    await asyncio.sleep(0)
    await session.stop()
    with pytest.raises(SessionEnded):
        await waiting
    with pytest.raises(SessionEnded):
        session.ignore_speech()


@pytest.mark.parametrize("rate", [8000, 16000])
async def test_what_is_kept_is_what_was_said(rate: int, session: VoiceSession, sentence: np.ndarray) -> None:
    spoken = np.repeat(sentence, rate // 8000).astype(np.int16).tobytes()
    await feed(session, silence(0.3, rate), rate)
    with session.capture_caller(silence_s=0.6, longest_s=20) as captured:
        await feed(session, silence(0.3, rate) + spoken + silence(0.5, rate), rate)
        assert not captured.finished.done()
        await feed(session, silence(0.4, rate), rate)
        assert await captured.finished == "silence" and captured.spoken
    kept = captured.until_last_word(100)
    assert abs(len(kept) / 2 - (0.3 + 0.1) * 8000 - len(sentence)) < 0.15 * 8000
    if rate == 8000:
        assert bytes(captured.sound) == silence(0.3) + spoken + silence(0.9)


async def test_it_is_long_enough_after_so_long(session: VoiceSession, sentence: np.ndarray) -> None:
    with session.capture_caller(silence_s=5, longest_s=1) as captured:
        await feed(session, sentence.tobytes() * 2)
        assert captured.finished.result() == "length"


async def test_silence_is_no_speech(session: VoiceSession) -> None:
    with session.capture_caller(silence_s=1, longest_s=10) as captured:
        await feed(session, silence(1.1))
        assert captured.finished.result() == "silence" and not captured.spoken
    with session.capture_caller(1, 10), pytest.raises(RuntimeError), session.capture_caller(1, 10):
        pass


async def test_ignored_speech_is_no_turn(session: VoiceSession, stt: ScriptSTT, sentence: np.ndarray) -> None:
    spoken = sentence.tobytes()
    with session.ignore_speech():
        await feed(session, spoken + silence(1.5) + spoken)
        assert not session.caller_active
        session.process_dtmf("5")
        await asyncio.sleep(0)
    await feed(session, silence(1.5))  # the turn in progress is ignored too
    turn = await session.listen(1)
    assert (turn.reason, turn.text) == ("dtmf", "5")
    listening = asyncio.ensure_future(session.listen(0.5))
    await asyncio.sleep(0)
    await feed(session, silence(0.7))
    assert (await listening).reason == "noinput"
    listening = asyncio.ensure_future(session.listen(5))
    await feed(session, spoken + silence(1.5))
    assert (await listening).text == "hello there"  # the first that the recogniser was given


async def test_what_came_before_may_be_forgotten(session: VoiceSession) -> None:
    for forget, wanted in ((False, "dtmf"), (True, "noinput")):
        session.process_dtmf("5")
        await asyncio.sleep(0)
        with session.ignore_speech(discard_turns=forget):
            pass
        listening = asyncio.ensure_future(session.listen(0.3))
        await asyncio.sleep(0)
        await feed(session, silence(0.5))
        assert (await listening).reason == wanted


@pytest.fixture
def bank() -> LineBank:
    return LineBank(2)


async def test_a_calls_line_is_read_behind_its_back(bank: LineBank, sentence: np.ndarray) -> None:
    line = bank.open()
    vad = create_line_vad("silero", bank)
    async with VoiceSession(
        stt=ScriptSTT("x"), tts=LetterTTS(), vad=vad, player=MemoryPlayer(), line=line
    ) as session:
        await feed(session, silence(1))
        with session.capture_caller(silence_s=1, longest_s=20) as captured:
            spoken = np.tile(sentence, 4).tobytes()
            await feed(session, spoken[: len(spoken) // 320 * 320])
            bank.release(line)  # the call is over, and its line may be another's
            assert bank.open().row != line.row
        assert bytes(captured.sound) == spoken[: len(captured.sound)]
        assert len(captured.sound) >= len(spoken) - 320
    assert bank.open().row == line.row


async def test_sound_that_was_fetched_too_late_is_silence(bank: LineBank) -> None:
    line = bank.open()
    captured = CapturedAudio(line, 0)
    for n in range(200):  # 4 s, of which a line remembers 3
        line.write_received(bytes([1 + n % 250, 0]) * LINE_FRAME)
    captured.fetch()
    assert len(captured.sound) == 200 * 320
    assert captured.sound[: 50 * 320] == bytes(50 * 320)
    assert captured.sound[50 * 320] == 51 and captured.sound[-2] == 200
