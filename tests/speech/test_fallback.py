"""The order of engines: who is asked, what is heard when one fails, and who is spared."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.audio.resample import resample
from ivr.speech.base import (
    HasHealth,
    SpeechBusy,
    SpeechError,
    SpeechLost,
    SpeechTimeout,
    SpeechToText,
    TextToSpeech,
    Transcript,
)
from ivr.speech.fallback import REPEAT_GAP_MS, FallbackSTT, FallbackTTS
from ivr.speech.providers.openai.stt import OpenAIStt
from ivr.speech.providers.openai.tts import OpenAITts
from ivr.speech.providers.piper.tts import PiperTts
from ivr.speech.providers.whisper.stt import WhisperStt
from tests.speech.recordings import line, recording, words
from tests.speech.server import SpeechServer, error, sound
from tests.speech.tones import ToneStt, ToneTts


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def heard(tts: FallbackTTS, text: str) -> bytes:
    return b"".join([piece async for piece in tts.synthesize(text)])


@pytest.mark.asyncio(loop_scope="package")
async def test_a_dead_server_and_whisper_behind_it(whisper: WhisperStt, sounds: Path) -> None:
    async with SpeechServer() as server:
        server.answers.append(error(500))
        online = OpenAIStt(base_url=server.url, api_key="sk-test", retries=0)
        stt = FallbackSTT([online, whisper])
        await stt.start()
        pcm = line(recording(sounds, "conf-invalid")).tobytes()
        with capture_logs() as logs:
            transcript = await stt.transcribe(pcm, 16000)
            again = await stt.transcribe(pcm, 16000)
        await online.aclose()
    assert transcript.engine == again.engine == "whisper"
    assert words(transcript.text)[:4] == ["that", "is", "not", "a"]
    assert len(server.received) == 1  # the second turn did not wait for it
    (line_of_log,) = [entry for entry in logs if entry["event"] == "speech_fallback"]
    assert (line_of_log["failed"], line_of_log["engine"]) == ("openai", "whisper")


@pytest.mark.asyncio(loop_scope="package")
async def test_a_voice_that_is_cut_and_piper_behind_it(piper: PiperTts, sounds: Path) -> None:
    speech = resample(recording(sounds, "conf-invalid"), 8000, 24000).tobytes()
    async with SpeechServer() as server:
        server.answers.extend([sound(speech, sizes=(8000,)), sound(speech[:16_000], cut=True, pause_s=0.02)])
        online = OpenAITts(base_url=server.url, api_key="sk-test", retries=0)
        tts = FallbackTTS([online, piper])
        await tts.start()
        speaking = tts.synthesize("One sentence. And another. And a third.")
        pcm = b"".join([piece async for piece in speaking])
        await online.aclose()
    assert [got.fields["input"] for got in server.received] == ["One sentence.", "And another."]
    assert speaking.made_by is None
    assert tts.sample_rate == 24000
    # The first whole, a part of the second, and the second and third by Piper.
    assert len(pcm) / 48000 > len(speech) / 48000 + 1.0


async def test_the_first_that_answers_is_taken() -> None:
    engines = [ToneStt("a"), ToneStt("b"), ToneStt("c")]
    stt = FallbackSTT(engines)
    assert isinstance(stt, SpeechToText)
    await stt.start()
    engines[0].failure = SpeechTimeout("a", "slow")
    assert (await stt.transcribe(bytes(32000), 16000)).engine == "b"
    assert [engine.asked for engine in engines] == [1, 1, 0]
    await stt.aclose()
    assert [engine.closed for engine in engines] == [1, 1, 1]
    assert stt.name == "a+b+c"


async def test_when_all_fail_the_last_error_is_raised_and_none_is_left_out() -> None:
    engines = [ToneStt("a"), ToneStt("b")]
    stt = FallbackSTT(engines)
    for engine in engines:
        engine.failure = SpeechError(engine.name, "no")
    for turn in (1, 2):
        with pytest.raises(SpeechError, match="b: no"):
            await stt.transcribe(bytes(2), 8000)
        assert [engine.asked for engine in engines] == [turn, turn]  # resting or not: better than nothing


async def test_a_failed_engine_is_marked_down_and_then_one_request_tries_it() -> None:
    first, second, clock = ToneStt("a"), ToneStt("b"), Clock()
    stt = FallbackSTT([first, second], cooldown_s=30, clock=clock)
    first.failure = SpeechError("a", "no")
    for _ in range(3):
        assert (await stt.transcribe(bytes(2), 8000)).engine == "b"
    assert first.asked == 1
    clock.now += 31
    for _ in range(3):
        await stt.transcribe(bytes(2), 8000)
    assert first.asked == 2
    clock.now += 31
    first.failure = None
    with capture_logs() as logs:
        assert [(await stt.transcribe(bytes(2), 8000)).engine for _ in range(2)] == ["a", "a"]
    assert [entry["event"] for entry in logs] == ["speech_recovered"]


async def test_it_is_down_when_every_engine_is_marked_down() -> None:
    first, second, clock = ToneStt("a"), ToneStt("b"), Clock()
    stt = FallbackSTT([first, second], cooldown_s=30, clock=clock)
    assert isinstance(stt, HasHealth) and not stt.down
    first.failure = SpeechError("a", "no")
    await stt.transcribe(bytes(2), 8000)
    assert not stt.down
    second.failure = SpeechError("b", "no")
    with pytest.raises(SpeechError):
        await stt.transcribe(bytes(2), 8000)
    assert stt.down
    second.failure = None
    await stt.transcribe(bytes(2), 8000)
    assert not stt.down
    second.failure = SpeechError("b", "no")
    with pytest.raises(SpeechError):
        await stt.transcribe(bytes(2), 8000)
    clock.now += 31
    assert not stt.down, "it is worth another try"


async def test_a_full_queue_does_not_mark_an_engine_down() -> None:
    first, second = ToneStt("a"), ToneStt("b")
    stt = FallbackSTT([first, second])
    first.failure = SpeechBusy("a", "full")
    assert (await stt.transcribe(bytes(2), 8000)).engine == "b"
    first.failure = None
    assert (await stt.transcribe(bytes(2), 8000)).engine == "a"


async def test_start_needs_one_and_tries_the_other_later() -> None:
    first, second, clock = ToneTts("a"), ToneTts("b"), Clock()
    first.broken_start = True
    tts = FallbackTTS([first, second], clock=clock)
    await tts.start()
    assert len(await heard(tts, "one")) and first.asked == []
    clock.now += 31
    first.broken_start = False
    await heard(tts, "two")
    assert (first.started, first.asked) == (2, ["two"])
    second.broken_start = first.broken_start = True
    with pytest.raises(SpeechError, match="a: does not start"):
        await FallbackTTS([first, second]).start()


async def test_a_sentence_without_sound_is_spoken_whole_by_the_next_engine() -> None:
    first, second = ToneTts("a", 440), ToneTts("b", 880)
    first.fail_at = 3
    tts = FallbackTTS([first, second])
    assert isinstance(tts, TextToSpeech)
    speaking = tts.synthesize("One two three. Four five. Six.")
    pcm = b"".join([piece async for piece in speaking])
    assert (first.asked, second.asked) == (["One two three.", "Four five."], ["Four five.", "Six."])
    assert pcm == first.word() * 3 + second.word() * 3  # every word once
    assert speaking.made_by is None


async def test_a_sentence_that_broke_off_is_repeated_after_a_pause() -> None:
    first, second = ToneTts("a", 440), ToneTts("b", 880)
    first.fail_at = 4
    pcm = await heard(FallbackTTS([first, second]), "One two three. Four five. Six.")
    gap = bytes(2 * 16000 * REPEAT_GAP_MS // 1000)
    assert pcm == first.word() * 4 + gap + second.word() * 3


async def test_when_the_last_breaks_what_was_made_is_heard_and_the_error_raised() -> None:
    only = ToneTts()
    only.fail_at = 2
    tts, pieces = FallbackTTS([only]), []
    with pytest.raises(SpeechError, match="broke"):
        async for piece in tts.synthesize("One two three."):
            pieces.append(piece)
    assert pieces == [only.word()] * 2


async def test_one_engine_alone_gets_the_text_whole() -> None:
    only = ToneTts()
    tts = FallbackTTS([only])
    speaking = tts.synthesize("One. Two.")
    assert b"".join([piece async for piece in speaking]) == only.word() * 2
    assert only.asked == ["One. Two."]
    assert speaking.made_by == only.fingerprint() == tts.fingerprint()


async def test_another_rate_is_converted_to_the_firsts() -> None:
    first, second = ToneTts("a", 440, 24000), ToneTts("b", 440, 22050)
    first.fail_at = 0
    pcm = np.frombuffer(await heard(FallbackTTS([first, second]), "one two three four"), np.int16)
    assert abs(pcm.size - 24000 * 0.4) < 150
    spectrum = np.abs(np.fft.rfft(pcm[2000:6800] * np.hanning(4800)))
    assert abs(int(spectrum.argmax()) * 24000 / 4800 - 440) <= 5


async def test_closing_closes_the_engine_that_speaks() -> None:
    closed = []

    class Watched(ToneTts):
        async def synthesize(self, text: str):  # type: ignore[no-untyped-def, override]
            try:
                while True:
                    yield self.word()
            finally:
                closed.append(text)

    speaking = FallbackTTS([Watched(), ToneTts()]).synthesize("One. Two.")
    await anext(speaking)
    await speaking.aclose()
    assert closed == ["One."]


async def test_anything_an_engine_raises_counts_as_its_failure() -> None:
    class Rude(ToneStt):
        async def start(self) -> None:
            raise OSError(98, "no socket")

        async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
            raise ConnectionError("reset by peer")

    class LessRude(ToneStt):
        async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
            raise ConnectionError("reset by peer")

    stt = FallbackSTT([LessRude("a"), Rude("b"), ToneStt("c")])
    with capture_logs() as logs:
        await stt.start()
        assert (await stt.transcribe(bytes(2), 8000)).engine == "c"
    assert [(e["event"], e["engine"]) for e in logs] == [
        ("speech_engine_down", "b"),
        ("speech_failed", "a"),
        ("speech_fallback", "c"),
    ]
    assert isinstance(logs[0]["exc_info"], OSError) and isinstance(logs[1]["exc_info"], ConnectionError)
    with pytest.raises(SpeechError, match="a: ConnectionError: reset by peer") as caught:
        await FallbackSTT([LessRude("a")]).transcribe(bytes(2), 8000)
    assert caught.value.engine == "a"
    with pytest.raises(SpeechError, match=r"b: OSError: .*no socket"):
        await FallbackSTT([Rude("b")]).start()


async def test_a_voice_that_raises_anything_is_replaced_in_mid_sentence() -> None:
    class Rude(ToneTts):
        async def synthesize(self, text: str):  # type: ignore[no-untyped-def, override]
            yield self.word()
            raise KeyError("voice")

    second = ToneTts("b", 880)
    pcm = await heard(FallbackTTS([Rude("a", 440), second]), "One two.")
    gap = bytes(2 * 16000 * REPEAT_GAP_MS // 1000)
    assert pcm == ToneTts("a", 440).word() + gap + second.word() * 2
    with pytest.raises(SpeechError, match="a: KeyError: 'voice'"):
        await heard(FallbackTTS([Rude("a")]), "One two.")


async def test_being_cancelled_is_no_failure() -> None:
    class Slow(ToneStt):
        async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
            await asyncio.Event().wait()
            raise AssertionError

    second = ToneStt("b")
    waiting = asyncio.create_task(FallbackSTT([Slow("a"), second]).transcribe(bytes(2), 8000))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert second.asked == 0


def test_it_needs_an_engine() -> None:
    with pytest.raises(ValueError, match="at least one"):
        FallbackSTT([])


class LosingStt(ToneStt):
    """Raises these errors one after the other, then answers."""

    def __init__(self, *errors: SpeechError) -> None:
        super().__init__()
        self.errors = list(errors)

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        self.failure = self.errors.pop(0) if self.errors else None
        return await super().transcribe(pcm16, sample_rate)


async def test_a_request_lost_with_its_process_is_made_again() -> None:
    stt = FallbackSTT([LosingStt(SpeechLost("ear", "died"))])
    assert (await stt.transcribe(bytes(32_000), 16_000)).text == "1 seconds"
    assert not stt.down


async def test_a_request_waits_while_the_process_is_started() -> None:
    away = [SpeechLost("ear", "not running", sent=False) for _ in range(3)]
    stt = FallbackSTT([LosingStt(*away)])
    with capture_logs() as logs:
        assert (await stt.transcribe(bytes(32_000), 16_000)).text == "1 seconds"
    assert [entry["event"] for entry in logs] == ["speech_failed", "speech_recovered"]


async def test_a_request_that_kills_the_engine_each_time_is_given_up() -> None:
    ear = LosingStt(*(SpeechLost("ear", "died") for _ in range(9)))
    with pytest.raises(SpeechLost):
        await FallbackSTT([ear]).transcribe(bytes(32_000), 16_000)
    assert ear.asked == 2


async def test_a_process_that_does_not_come_back_is_not_waited_for_by_later_requests() -> None:
    clock = Clock()
    ear = LosingStt(*(SpeechLost("ear", "not running", sent=False) for _ in range(9)))
    stt = FallbackSTT([ear], clock=clock)
    waiting = asyncio.create_task(stt.transcribe(bytes(320), 16_000))
    await asyncio.sleep(0)
    clock.now += 60
    with pytest.raises(SpeechLost):
        await waiting
    before = ear.asked
    with pytest.raises(SpeechLost):
        await stt.transcribe(bytes(320), 16_000)
    assert ear.asked == before + 1


async def test_another_engine_is_asked_before_a_lost_one_is_waited_for() -> None:
    lost, other = LosingStt(SpeechLost("ear", "died")), ToneStt("other")
    assert (await FallbackSTT([lost, other]).transcribe(bytes(320), 16_000)).engine == "other"
    assert lost.asked == 1


async def test_a_sentence_lost_with_its_process_is_spoken_by_the_next_one() -> None:
    voice = ToneTts()
    voice.fail_at = 2
    synthesize = voice.synthesize

    async def losing(text: str) -> AsyncIterator[bytes]:
        try:
            async for piece in synthesize(text):
                yield piece
        except SpeechError as error:
            voice.fail_at = None
            raise SpeechLost(voice.name, "died") from error

    voice.synthesize = losing  # type: ignore[method-assign]
    pcm = await heard(FallbackTTS([voice]), "one two three four")
    gap = 2 * voice.sample_rate * REPEAT_GAP_MS // 1000
    assert len(pcm) == (2 + 4) * len(voice.word()) + gap
