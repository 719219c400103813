"""OpenAI transcription against a real HTTP server with real sound."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.audio.wav import decode_wav
from ivr.speech.base import SpeechError, SpeechTimeout
from ivr.speech.providers.openai.stt import OpenAIStt
from tests.speech.recordings import line, recording
from tests.speech.server import SpeechServer, cut_at_once, error, events, json_body, silence

KEY = "sk-test-0123456789abcdef"
DELTA = {"type": "transcript.text.delta", "delta": "Good"}
DONE = {"type": "transcript.text.done", "text": "Goodbye."}


@pytest.fixture
def pcm(sounds: Path) -> bytes:
    return line(recording(sounds, "vm-goodbye")).tobytes()


async def engine(server: SpeechServer, **options: object) -> OpenAIStt:
    stt = OpenAIStt(**{"base_url": server.url, "api_key": KEY, "timeout_s": 3.0, **options})
    await stt.start()
    return stt


async def test_streams_and_sends_the_sound_as_it_is(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(events(DELTA, {**DELTA, "delta": "bye."}, DONE))
    stt = await engine(server, prompt="sales, billing")
    transcript = await stt.transcribe(pcm, 16000)
    await stt.aclose()
    assert (transcript.text, transcript.confidence, transcript.engine) == ("Goodbye.", 1.0, "openai")
    (got,) = server.received
    assert got.path == "/v1/audio/transcriptions"
    assert got.authorization == f"Bearer {KEY}"
    assert got.fields == {
        "model": "gpt-transcribe",
        "language": "en",
        "prompt": "sales, billing",
        "response_format": "json",
        "stream": "true",
    }
    samples, rate = decode_wav(got.file)
    assert got.file_name == "turn.wav"
    assert rate == 16000
    assert np.array_equal(samples, np.frombuffer(pcm, np.int16))


async def test_confidence_comes_from_logprobs_where_the_model_sends_them(
    server: SpeechServer, pcm: bytes
) -> None:
    logprobs = [
        {"token": "Good", "logprob": -0.2, "bytes": []},
        {"token": "bye", "logprob": -0.4, "bytes": []},
    ]
    server.answers.append(events(DELTA, {**DONE, "logprobs": logprobs}))
    stt = await engine(server, model="gpt-4o-mini-transcribe")
    transcript = await stt.transcribe(pcm, 16000)
    await stt.aclose()
    assert server.received[0].fields["include"] == ["logprobs"]
    assert transcript.confidence == pytest.approx(np.exp(-0.3))


async def test_whisper_1_is_requested_without_a_stream(server: SpeechServer, pcm: bytes) -> None:
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0.0,
        "end": 0.7,
        "text": " Goodbye.",
        "tokens": [1],
        "temperature": 0.0,
        "avg_logprob": -0.25,
        "compression_ratio": 0.8,
        "no_speech_prob": 0.1,
    }
    body = {"text": " Goodbye. ", "language": "english", "duration": 0.7, "segments": [segment]}
    server.answers.append(json_body(body))
    stt = await engine(server, model="whisper-1", language=None)
    transcript = await stt.transcribe(pcm, 8000)
    await stt.aclose()
    assert transcript.text == "Goodbye."
    assert transcript.confidence == pytest.approx(np.exp(-0.25) * 0.9)
    assert server.received[0].fields == {"model": "whisper-1", "response_format": "verbose_json"}
    assert decode_wav(server.received[0].file)[1] == 8000


async def test_nothing_understood_has_no_confidence(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(json_body({"text": " "}))
    stt = await engine(server, model="some-model")
    transcript = await stt.transcribe(pcm, 16000)
    await stt.aclose()
    assert (transcript.text, transcript.confidence) == ("", 0.0)


async def test_401_is_not_tried_again_and_shows_no_key(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(error(401, f"Incorrect API key provided: {KEY}. Also sk-tes***cdef."))
    stt = await engine(server)
    with capture_logs() as logs, pytest.raises(SpeechError, match="HTTP 401") as caught:
        await stt.transcribe(pcm, 16000)
    await stt.aclose()
    assert len(server.received) == 1
    shown = f"{caught.value} {logs} {stt.options!r}"
    assert KEY not in shown
    assert "sk-" not in shown


async def test_429_waits_as_long_as_the_server_asks(server: SpeechServer, pcm: bytes) -> None:
    server.answers.extend([error(429, Retry_After="1"), events(DONE)])
    stt = await engine(server)
    assert (await stt.transcribe(pcm, 16000)).text == "Goodbye."
    await stt.aclose()
    first, second = server.received
    assert 0.95 <= second.at - first.at < 2.0
    assert second.file == first.file


async def test_429_with_a_wait_beyond_the_limit_fails_at_once(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(error(429, Retry_After="60"))
    stt = await engine(server)
    began = asyncio.get_running_loop().time()
    with pytest.raises(SpeechError, match="HTTP 429"):
        await stt.transcribe(pcm, 16000)
    assert asyncio.get_running_loop().time() - began < 1.0
    assert len(server.received) == 1
    await stt.aclose()


async def test_500_is_tried_again(server: SpeechServer, pcm: bytes) -> None:
    server.answers.extend([error(500), events(DONE)])
    stt = await engine(server)
    assert (await stt.transcribe(pcm, 16000)).text == "Goodbye."
    assert len(server.received) == 2
    await stt.aclose()


async def test_repeated_500_fails_after_the_retries(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(error(500))
    stt = await engine(server, retries=1)
    with pytest.raises(SpeechError, match=r"HTTP 500: .*it went wrong"):
        await stt.transcribe(pcm, 16000)
    assert len(server.received) == 2
    await stt.aclose()


async def test_a_stream_cut_in_the_middle_is_no_transcript(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(events(DELTA, cut=True))
    stt = await engine(server, retries=0)
    with pytest.raises(SpeechError) as caught:
        await stt.transcribe(pcm, 16000)
    assert not isinstance(caught.value, SpeechTimeout)
    await stt.aclose()


async def test_a_stream_that_ends_early_is_no_transcript(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(events(DELTA))
    stt = await engine(server)
    with pytest.raises(SpeechError, match="ended before the transcript"):
        await stt.transcribe(pcm, 16000)
    await stt.aclose()


async def test_a_lost_connection_is_tried_again(server: SpeechServer, pcm: bytes) -> None:
    server.answers.extend([cut_at_once(), events(DONE)])
    stt = await engine(server)
    assert (await stt.transcribe(pcm, 16000)).text == "Goodbye."
    await stt.aclose()


async def test_an_answer_slower_than_the_limit(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(silence(20))
    stt = await engine(server, timeout_s=0.4)
    began = asyncio.get_running_loop().time()
    with pytest.raises(SpeechTimeout, match="no answer within"):
        await stt.transcribe(pcm, 16000)
    assert 0.35 < asyncio.get_running_loop().time() - began < 1.0
    await asyncio.wait_for(server.received[0].disconnected.wait(), 2)
    await stt.aclose()


async def test_a_slow_stream_has_the_same_time_limit(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(events(*[DELTA] * 100, DONE, pause_s=0.1))
    stt = await engine(server, timeout_s=0.5)
    with pytest.raises(SpeechTimeout):
        await stt.transcribe(pcm, 16000)
    await stt.aclose()


async def test_cancelling_closes_the_request(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(silence(20))
    stt = await engine(server)
    task = asyncio.create_task(stt.transcribe(pcm, 16000))
    await server.asked()
    assert not server.received[0].disconnected.is_set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.received[0].disconnected.wait(), 2)
    await stt.aclose()


async def test_no_server_at_all(pcm: bytes) -> None:
    stt = OpenAIStt(base_url="http://127.0.0.1:9/v1", api_key=KEY, retries=0)
    await stt.start()
    with pytest.raises(SpeechError, match="Connect"):
        await stt.transcribe(pcm, 16000)
    await stt.aclose()
    with pytest.raises(SpeechError, match="closed"):
        await stt.transcribe(pcm, 16000)


async def test_where_the_key_comes_from(
    server: SpeechServer, pcm: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers.append(events(DONE))
    file = tmp_path / "key"
    file.write_text("from-the-file\n")
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    for options, expected in (
        ({}, "from-the-environment"),
        ({"api_key_file": str(file)}, "from-the-file"),
        ({"api_key_file": str(file), "api_key": "given"}, "given"),
    ):
        stt = await engine(server, **{"api_key": None, **options})
        await stt.transcribe(pcm, 16000)
        await stt.aclose()
        assert server.received[-1].authorization == f"Bearer {expected}"
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(SpeechError, match="set OPENAI_API_KEY"):
        await OpenAIStt().start()
    with pytest.raises(SpeechError, match="cannot be read"):
        await OpenAIStt(api_key_file=str(tmp_path / "none")).start()
    file.write_text("\n")
    with pytest.raises(SpeechError, match="is empty"):
        await OpenAIStt(api_key_file=str(file)).start()


async def test_check_reaches_the_server(server: SpeechServer) -> None:
    server.answers.extend([json_body({"object": "list", "data": []}), error(401)])
    stt = await engine(server)
    assert server.url in await stt.check()
    assert server.received[0].path == "/v1/models"
    with pytest.raises(SpeechError, match="HTTP 401"):
        await stt.check()
    await stt.aclose()


async def test_half_a_sample_is_refused(server: SpeechServer) -> None:
    stt = await engine(server)
    with pytest.raises(SpeechError, match="not PCM16"):
        await stt.transcribe(b"\0\0\0", 16000)
    await stt.aclose()
