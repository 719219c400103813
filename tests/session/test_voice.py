"""The session with the real detector and recorded speech: saying, being interrupted, listening."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import structlog

from ivr.audio.wav import encode_wav
from ivr.session import (
    AudioClip,
    MemoryPlayer,
    SessionEnded,
    SessionState,
    VoiceSession,
)
from ivr.speech.base import SpeechError, Transcript
from ivr.vad.events import SpeechEnded
from ivr.vad.registry import create_vad
from tests.session.conftest import PLAIN, Make
from tests.session.engines import LetterTTS, ScriptSTT, States, feed, feed_silence

LONG = "this prompt goes on and on about nothing in particular until somebody has the heart to stop it"
S = SessionState


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


# -- the tutorial's verification


async def test_caller_speech_stops_the_prompt_and_becomes_the_next_turn(
    session: VoiceSession, player: MemoryPlayer, stt: ScriptSTT, sentence: np.ndarray
) -> None:
    states = States(session)
    handle = await session.say(LONG, allow_interruptions=True)
    await settle()
    await feed_silence(session, 500)
    assert session.state is S.SPEAKING

    await feed(session, sentence[: 8 * 400])
    assert session.state is S.LISTENING
    result = await asyncio.wait_for(handle.wait_for_playout(), 1)
    assert result.interrupted
    assert 500 <= result.heard_ms <= 500 + 250
    assert LONG.startswith(result.heard_text) and 0 < len(result.heard_text) < 40

    await feed(session, sentence[8 * 400 :])
    await feed_silence(session, 700)
    turn = await session.listen(timeout=1)
    assert (turn.text, turn.reason, turn.barged_in) == ("hello there", "speech", True)
    assert states.seen == [S.LISTENING, S.PROCESSING, S.SPEAKING, S.LISTENING, S.PROCESSING]

    # What was transcribed is what was said, from its first syllable on.
    heard = np.frombuffer(stt.heard[0], np.int16)
    assert len(heard) >= 2 * len(sentence)
    assert turn.audio_ms == pytest.approx(len(sentence) / 8, abs=250)

    # And nothing of the prompt was played after the stop.
    out = np.frombuffer(player.played, np.int16)
    assert np.abs(out[int(8 * (result.heard_ms + 1)) :]).max() == 0


async def test_the_answer_is_said_after_the_turn(
    session: VoiceSession, stt: ScriptSTT, sentence: np.ndarray
) -> None:
    states = States(session)
    await feed(session, sentence)
    await feed_silence(session, 700)
    turn = await session.listen(timeout=1)
    handle = await session.say(f"you said {turn.text}")
    await settle()
    await feed_silence(session, 3000)
    result = await handle.wait_for_playout()
    assert not result.interrupted
    assert result.heard_text == "you said hello there"
    assert states.seen == [S.LISTENING, S.PROCESSING, S.SPEAKING, S.LISTENING]


async def test_cancel_stops_at_once_and_frees_everything(
    session: VoiceSession, tts: LetterTTS, player: MemoryPlayer
) -> None:
    handle = await session.say(LONG)
    await settle()
    await feed_silence(session, 300)
    handle.cancel()
    handle.cancel()
    assert session.state is S.LISTENING
    before = len(player.played)
    await feed_silence(session, 300)
    assert not any(player.played[before:])
    result = await handle.wait_for_playout()
    assert result.interrupted and result.heard_ms == pytest.approx(300, abs=20)
    assert tts.open == 0
    handle.cancel()


# -- who may interrupt what


@pytest.mark.parametrize("barge_in", ["none", "dtmf"])
async def test_a_protected_prompt_goes_on_and_what_was_said_over_it_is_dropped(
    session: VoiceSession, stt: ScriptSTT, sentence: np.ndarray, barge_in: str
) -> None:
    handle = await session.say(LONG, barge_in=barge_in)  # type: ignore[arg-type]
    await settle()
    await feed(session, sentence[: 8 * 900])
    await feed_silence(session, 900)
    assert session.state is S.SPEAKING
    await feed_silence(session, 6000)
    assert not (await handle.wait_for_playout()).interrupted
    assert stt.heard == []
    listening = asyncio.ensure_future(session.listen(timeout=1))
    await settle()
    await feed_silence(session, 1200)
    assert (await listening).reason == "noinput"


async def test_what_was_said_over_a_protected_prompt_can_be_kept(make: Make, sentence: np.ndarray) -> None:
    async with make(replace(PLAIN, keep_speech_over_protected=True)) as session:
        handle = await session.say(LONG, allow_interruptions=False)
        await settle()
        await feed(session, sentence[: 8 * 900])
        await feed_silence(session, 6000)
        assert not (await handle.wait_for_playout()).interrupted
        turn = await session.listen(timeout=1)
        assert (turn.text, turn.barged_in) == ("hello there", True)


async def test_a_key_interrupts(session: VoiceSession) -> None:
    handle = await session.say(LONG)
    await settle()
    await feed_silence(session, 200)
    session.process_dtmf("5")
    result = await handle.wait_for_playout()
    assert result.interrupted and result.heard_ms == pytest.approx(200, abs=20)
    turn = await session.listen()
    assert (turn.text, turn.reason, turn.barged_in, turn.confidence) == ("5", "dtmf", True, 1.0)


async def test_a_key_does_not_interrupt_a_prompt_that_yields_to_speech_only(session: VoiceSession) -> None:
    handle = await session.say(LONG, barge_in="speech")
    await settle()
    session.process_dtmf("#")
    await feed_silence(session, 100)
    assert not handle.done
    assert (await session.listen()).text == "#"


async def test_a_key_over_a_protected_prompt_is_dropped(session: VoiceSession) -> None:
    handle = await session.say("short", barge_in="none")
    await settle()
    session.process_dtmf("1")
    await feed_silence(session, 1000)
    assert handle.done
    listening = asyncio.ensure_future(session.listen(timeout=0.5))
    await settle()
    await feed_silence(session, 600)
    assert (await listening).reason == "noinput"


@pytest.mark.parametrize("key", ["", "12", "x", "E", "5\n"])
async def test_what_is_no_key_is_refused(session: VoiceSession, key: str) -> None:
    with pytest.raises(ValueError, match="DTMF"):
        session.process_dtmf(key)


async def test_silence_and_line_noise_do_not_interrupt(session: VoiceSession) -> None:
    handle = await session.say(LONG)
    await settle()
    noise = np.random.default_rng(1).normal(0, 32768 * 10 ** (-50 / 20), 8 * 5000)
    await feed(session, noise)
    assert not (await handle.wait_for_playout()).interrupted


# -- the queue


async def test_two_says_queue_and_cancel_of_one_leaves_the_other(session: VoiceSession) -> None:
    states = States(session)
    first, second, third = [await session.say(text) for text in ("one", "two", "three")]
    await settle()
    second.cancel()
    await feed_silence(session, 1000)
    assert not (await first.wait_for_playout()).interrupted
    assert (await second.wait_for_playout()).heard_ms == 0
    assert (await third.wait_for_playout()).heard_text == "three"
    assert states.seen == [S.LISTENING, S.PROCESSING, S.SPEAKING, S.LISTENING]


async def test_an_interruption_takes_the_queue_with_it_up_to_a_protected_prompt(
    session: VoiceSession, sentence: np.ndarray
) -> None:
    states = States(session)
    first = await session.say(LONG)
    second = await session.say(LONG)
    legal = await session.say("legal notice", allow_interruptions=False)
    await settle()
    await feed(session, sentence[: 8 * 500])
    assert (await first.wait_for_playout()).interrupted
    assert (await second.wait_for_playout()).heard_ms == 0
    await feed_silence(session, 2000)
    assert (await legal.wait_for_playout()).heard_text == "legal notice"
    assert S.LISTENING in states.seen[3:]


async def test_text_that_is_still_being_written_is_spoken_sentence_by_sentence(
    session: VoiceSession, tts: LetterTTS
) -> None:
    more = asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "First sen"
        yield "tence. Second "
        await more.wait()
        yield "one."

    handle = await session.say(text())
    await settle()
    await feed_silence(session, 100)
    assert session.state is S.SPEAKING
    assert tts.made == ["First sentence."]
    more.set()
    await settle()
    await feed_silence(session, 3000)
    assert (await handle.wait_for_playout()).heard_text == "First sentence. Second one."


async def test_an_interruption_ends_the_text_and_the_engine(
    session: VoiceSession, tts: LetterTTS, sentence: np.ndarray
) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "And another sentence. "
                await asyncio.sleep(0)
        finally:
            ended.set()

    handle = await session.say(endless())
    await settle()
    await feed_silence(session, 200)
    await feed(session, sentence)
    assert (await handle.wait_for_playout()).interrupted
    await asyncio.wait_for(ended.wait(), 1)
    await settle()
    assert tts.open == 0
    # It did not run ahead of the caller without bound.
    assert len(tts.made) < 40


async def test_files_and_mixes(session: VoiceSession, player: MemoryPlayer) -> None:
    clip = AudioClip((np.ones(22050, np.int16) * 3000).tobytes(), 22050, text="(music)")
    handle = await session.say(["before", clip, "after"])
    await settle()
    await feed_silence(session, 3000)
    result = await handle.wait_for_playout()
    assert result.heard_text == "before (music) after"
    assert result.heard_ms == pytest.approx(300 + 1000 + 250, abs=10)


async def test_a_files_path_and_what_cannot_be_said(session: VoiceSession, tmp_path: Path) -> None:
    file = tmp_path / "beep.wav"
    file.write_bytes(encode_wav(np.full(4000, 3000, np.int16), 8000))
    handle = await session.say(["before", file])
    await settle()
    await feed_silence(session, 1200)
    assert (await handle.wait_for_playout()).heard_ms == pytest.approx(300 + 500, abs=10)
    for wrong in (b"bytes", 5, ["text", 5], [b"bytes"]):
        with pytest.raises(TypeError, match="cannot be said"):
            await session.say(wrong)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        await session.say(tmp_path / "nothing.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ValueError):
        await session.say(tmp_path / "text.wav")


@pytest.mark.parametrize(("rate", "chunk"), [(16000, 1), (16000, 5), (44100, 7), (11025, 220), (8000, 333)])
async def test_the_player_keeps_pace_with_any_chunks(
    session: VoiceSession, player: MemoryPlayer, rate: int, chunk: int
) -> None:
    for _ in range(rate // chunk // 4):
        session.process_audio(bytes(2 * chunk), rate)
    given = rate // chunk // 4 * chunk
    assert len(player.played) // 2 == given * 8000 // rate


@pytest.mark.parametrize("rate", [0, -1])
async def test_no_such_rate(session: VoiceSession, rate: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        session.process_audio(bytes(320), rate)


async def test_what_is_bound_where_it_was_started_is_bound_in_other_threads_events(
    make: Make, stt: ScriptSTT
) -> None:
    seen = []

    async def transcribe(pcm16: bytes, sample_rate: int) -> Transcript:
        seen.append(structlog.contextvars.get_contextvars().get("call"))
        return Transcript("")

    stt.transcribe = transcribe  # type: ignore[method-assign]
    session = make()
    with structlog.contextvars.bound_contextvars(call="abc"):
        await session.start()
    event = SpeechEnded(0, 16000, 20000, "silence", np.zeros(16000, np.int16))
    thread = threading.Thread(target=session._on_vad_event, args=(event,))
    thread.start()
    thread.join()
    await session.listen(timeout=1)
    await session.stop()
    assert seen == ["abc"]


async def test_nothing_to_say_is_said_at_once(session: VoiceSession) -> None:
    for nothing in ("", "  ", []):
        result = await (await session.say(nothing)).wait_for_playout()
        assert (result.interrupted, result.heard_ms, result.heard_text) == (False, 0, "")
    assert session.state in (S.LISTENING, S.PROCESSING)


# -- engines that fail


async def test_a_failing_engine_fails_its_say_and_nothing_else(session: VoiceSession, tts: LetterTTS) -> None:
    tts.fail_on = "bad"
    bad, good = await session.say("bad"), await session.say("good")
    await settle()
    await feed_silence(session, 500)
    with pytest.raises(SpeechError):
        await bad.wait_for_playout()
    assert (await good.wait_for_playout()).heard_text == "good"


@pytest.mark.parametrize("failure", [SpeechError("script", "down"), RuntimeError("third party")])
async def test_a_turn_that_cannot_be_transcribed_is_an_empty_turn(
    session: VoiceSession, stt: ScriptSTT, sentence: np.ndarray, failure: Exception
) -> None:
    stt.texts[:] = [failure, "understood"]
    for expected in ("", "understood"):
        await feed(session, sentence)
        await feed_silence(session, 700)
        turn = await session.listen(timeout=1)
        assert (turn.text, turn.reason) == (expected, "speech")


async def test_an_engine_that_never_answers_is_given_up(
    make: Make, stt: ScriptSTT, sentence: np.ndarray
) -> None:
    stt.gate = asyncio.Event()
    async with make(replace(PLAIN, stt_timeout_s=0.05)) as session:
        await feed(session, sentence)
        await feed_silence(session, 700)
        turn = await asyncio.wait_for(session.listen(), 2)
        assert (turn.text, turn.reason) == ("", "speech")


# -- listening


async def test_noinput_is_counted_in_the_callers_audio(session: VoiceSession) -> None:
    listening = asyncio.ensure_future(session.listen(timeout=2))
    await settle()
    await feed_silence(session, 1900)
    assert not listening.done()
    await feed_silence(session, 200)
    turn = await listening
    assert (turn.text, turn.reason, turn.audio_ms) == ("", "noinput", 0)


async def test_the_timeout_starts_when_the_prompt_has_ended(session: VoiceSession) -> None:
    await session.say("twenty letters of it")  # 17 letters, 850 ms
    listening = asyncio.ensure_future(session.listen(timeout=1))
    await settle()
    await feed_silence(session, 1700)
    assert not listening.done()
    await feed_silence(session, 400)
    assert (await listening).reason == "noinput"


async def test_speech_holds_the_timeout(session: VoiceSession, sentence: np.ndarray) -> None:
    listening = asyncio.ensure_future(session.listen(timeout=0.5))
    await settle()
    await feed_silence(session, 300)
    await feed(session, sentence)
    await feed_silence(session, 600)
    assert (await listening).reason == "speech"


async def test_turns_wait_in_order_while_the_first_is_still_transcribed(
    session: VoiceSession, stt: ScriptSTT, sentence: np.ndarray
) -> None:
    stt.gate = asyncio.Event()
    for _ in range(2):
        await feed(session, sentence)
        await feed_silence(session, 700)
    assert session.caller_active
    stt.gate.set()
    assert [(await session.listen(timeout=1)).text for _ in range(2)] == ["hello there", "second turn"]
    assert not session.caller_active


async def test_turns_nobody_fetches_do_not_pile_up(make: Make) -> None:
    async with make(replace(PLAIN, max_pending_turns=3)) as session:
        for key in "12345":
            session.process_dtmf(key)
        assert [(await session.listen()).text for _ in range(3)] == ["3", "4", "5"]


async def test_one_listener_at_a_time(session: VoiceSession) -> None:
    listening = asyncio.ensure_future(session.listen())
    await settle()
    with pytest.raises(RuntimeError, match="already listening"):
        await session.listen()
    listening.cancel()
    await settle()
    session.process_dtmf("1")
    assert (await session.listen()).text == "1"


async def test_a_late_alarm_of_an_old_listener_does_not_wake_the_next(session: VoiceSession) -> None:
    first = asyncio.ensure_future(session.listen(timeout=0.5))
    await settle()
    await feed_silence(session, 400)
    first.cancel()
    await settle()
    second = asyncio.ensure_future(session.listen(timeout=0.5))
    await settle()
    await feed_silence(session, 300)
    assert not second.done()
    await feed_silence(session, 300)
    assert (await second).reason == "noinput"


# -- life


async def test_before_start_and_after_stop(make: Make) -> None:
    session = make()
    with pytest.raises(RuntimeError, match="start"):
        await session.say("hello")
    with pytest.raises(RuntimeError, match="start"):
        session.process_audio(bytes(320))
    await session.start()
    handle = await session.say(LONG)
    listening = asyncio.ensure_future(session.listen())
    await settle()
    await session.stop()
    await session.stop()
    assert session.state is S.ENDED
    assert (await handle.wait_for_playout()).interrupted
    with pytest.raises(SessionEnded):
        await listening
    with pytest.raises(SessionEnded):
        await session.say("more")
    session.process_audio(bytes(320))
    session.process_dtmf("1")


async def test_odd_bytes_are_refused(session: VoiceSession) -> None:
    with pytest.raises(ValueError, match="even number"):
        session.process_audio(b"\0\0\0")


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
async def test_any_rate_and_any_length_of_audio(
    make: Make, stt: ScriptSTT, sentence: np.ndarray, rate: int
) -> None:
    from ivr.audio.resample import resample

    x = np.concatenate((sentence, np.zeros(8 * 800, np.int16)))
    async with make() as session:
        session.process_audio(resample(x, 8000, rate).tobytes(), rate)
        assert (await asyncio.wait_for(session.listen(), 2)).text == "hello there"


async def test_the_same_with_the_shared_detector_and_audio_from_another_thread(
    models: object, stt: ScriptSTT, tts: LetterTTS, player: MemoryPlayer, sentence: np.ndarray
) -> None:
    vad = create_vad("silero", shared=True)
    try:
        async with VoiceSession(stt=stt, tts=tts, vad=vad, player=player, config=PLAIN) as session:
            handle = await session.say(LONG)
            await settle()
            x = np.concatenate((np.zeros(8 * 500, np.int16), sentence, np.zeros(8 * 800, np.int16)))

            def phone() -> None:
                for at in range(0, len(x), 160):
                    session.process_audio(x[at : at + 160].tobytes())
                    while session.clock < 2 * (at + 160 - 512):
                        pass  # the line is never faster than the detector

            thread = threading.Thread(target=phone)
            thread.start()
            turn = await asyncio.wait_for(session.listen(), 10)
            result = await handle.wait_for_playout()
            thread.join()
            assert (turn.text, turn.barged_in) == ("hello there", True)
            assert result.interrupted and 500 <= result.heard_ms <= 750
    finally:
        vad.close()
