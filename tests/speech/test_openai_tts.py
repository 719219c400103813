"""OpenAI speech against a real HTTP server with real sound."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from ivr.audio.resample import resample
from ivr.audio.wav import encode_wav
from ivr.speech.base import SpeechError, SpeechTimeout
from ivr.speech.fallback import FallbackTTS
from ivr.speech.providers.openai.tts import OpenAITts
from tests.speech.recordings import recording
from tests.speech.server import SpeechServer, error, json_body, silence, sound


@pytest.fixture
def pcm(sounds: Path) -> bytes:
    """A real phrase at 24 kHz, a few seconds."""
    return resample(recording(sounds, "conf-invalid"), 8000, 24000).tobytes()


async def engine(server: SpeechServer, **options: object) -> OpenAITts:
    tts = OpenAITts(**{"base_url": server.url, "api_key": "sk-test", "timeout_s": 3.0, **options})
    await tts.start()
    return tts


async def heard(tts: OpenAITts, text: str = "Hello.") -> bytes:
    return b"".join([piece async for piece in tts.synthesize(text)])


async def test_asks_for_pcm_and_yields_what_comes(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm))
    tts = await engine(server, instructions="Be kind.", speed=1.1)
    assert await heard(tts, "That is not valid.") == pcm
    assert tts.sample_rate == 24000
    await tts.aclose()
    (got,) = server.received
    assert got.path == "/v1/audio/speech"
    assert got.fields == {
        "input": "That is not valid.",
        "model": "gpt-4o-mini-tts",
        "voice": "alloy",
        "instructions": "Be kind.",
        "speed": 1.1,
        "response_format": "pcm",
    }


async def test_pieces_come_as_they_arrive_and_hold_whole_samples(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm[:40_000], sizes=(1001, 1, 2500, 1, 1, 333), pause_s=0.01))
    tts = await engine(server)
    loop = asyncio.get_running_loop()
    pieces, times = [], []
    async for piece in tts.synthesize("Hello."):
        assert len(piece) % 2 == 0
        pieces.append(piece)
        times.append(loop.time())
    await tts.aclose()
    assert b"".join(pieces) == pcm[:40_000]
    assert times[0] - server.received[0].at < (times[-1] - server.received[0].at) / 3


async def test_half_a_sample_at_the_end_is_dropped(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm[:999]))
    tts = await engine(server)
    assert await heard(tts) == pcm[:998]
    await tts.aclose()


async def test_401_429_and_500(server: SpeechServer, pcm: bytes) -> None:
    tts = await engine(server)
    server.answers.extend([error(401)])
    with pytest.raises(SpeechError, match="HTTP 401"):
        await heard(tts)
    assert len(server.received) == 1
    server.answers.clear()
    server.answers.extend([error(429, Retry_After="1"), error(500), sound(pcm)])
    assert await heard(tts) == pcm
    first, second = server.received[1:3]
    assert 0.95 <= second.at - first.at < 2.0
    assert len(server.received) == 4
    await tts.aclose()


async def test_a_connection_cut_in_mid_stream(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm[:20_000], cut=True, pause_s=0.02))
    tts = await engine(server)
    pieces = []
    with pytest.raises(SpeechError) as caught:
        async for piece in tts.synthesize("Hello."):
            pieces.append(piece)
    await tts.aclose()
    assert not isinstance(caught.value, SpeechTimeout)
    got = b"".join(pieces)
    assert len(got) >= 16_000  # the last chunk may be lost with the connection
    assert pcm.startswith(got)
    assert len(server.received) == 1  # words that were heard are not said again by a retry


async def test_slower_than_the_limit(server: SpeechServer) -> None:
    server.answers.append(silence(20))
    tts = await engine(server, timeout_s=0.3)
    with pytest.raises(SpeechTimeout):
        await heard(tts)
    await asyncio.wait_for(server.received[0].disconnected.wait(), 2)
    await tts.aclose()


async def test_a_stream_that_stalls(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm, sizes=(4000,), pause_s=1.0))
    tts = await engine(server, timeout_s=0.3)
    pieces = []
    with pytest.raises(SpeechTimeout):
        async for piece in tts.synthesize("Hello."):
            pieces.append(piece)
    assert b"".join(pieces) == pcm[:4000]
    await asyncio.wait_for(server.received[0].disconnected.wait(), 3)
    await tts.aclose()


async def test_a_slow_listener_is_no_timeout(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm[:12_000], sizes=(4000,)))
    tts = await engine(server, timeout_s=0.2)
    total = 0
    async for piece in tts.synthesize("Hello."):
        total += len(piece)
        await asyncio.sleep(0.25)
    assert total == 12_000
    await tts.aclose()


async def test_closing_the_iterator_closes_the_request(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(pcm * 50, sizes=(2000,), pause_s=0.02))
    tts = await engine(server)
    async with aclosing(tts.synthesize("Hello.")) as pieces:  # type: ignore[type-var]
        await anext(pieces)
        assert not server.received[0].disconnected.is_set()
    await asyncio.wait_for(server.received[0].disconnected.wait(), 2)
    await tts.aclose()


async def test_cancelling_before_the_first_sound_closes_the_request(server: SpeechServer) -> None:
    server.answers.append(silence(20))
    tts = await engine(server)
    task = asyncio.create_task(heard(tts))
    await server.asked()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(server.received[0].disconnected.wait(), 2)
    await tts.aclose()


async def test_a_wav_header_that_was_not_asked_for_is_taken_off(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(encode_wav(pcm, 24000), sizes=(10, 7, 4000), kind="audio/wav"))
    tts = await engine(server)
    assert await heard(tts) == pcm
    await tts.aclose()


async def test_what_is_not_this_sound_is_refused(server: SpeechServer, pcm: bytes) -> None:
    tts = await engine(server)
    for answer, reason in (
        (sound(b"ID3" + bytes(500), kind="audio/mpeg"), "MP3"),
        (sound(pcm, kind="audio/mpeg"), "audio/mpeg"),
        (sound(b"OggS" + bytes(500), kind="audio/pcm"), "Ogg"),
        (sound(b'{"error": {"message": "no voice \\u001b[31m"}}', kind="audio/pcm"), "JSON .*no voice"),
        (sound(b"<!doctype html><title>502</title>", kind="application/octet-stream"), "HTML"),
        (sound(encode_wav(pcm, 24000)[:30], kind="audio/wav"), "WAV"),
        (json_body({"audio": "none"}), "application/json"),
        (sound(b""), "no sound"),
    ):
        server.answers.clear()
        server.answers.append(answer)
        with pytest.raises(SpeechError, match=reason):
            await heard(tts)
    await tts.aclose()


async def test_a_wav_of_another_rate_is_converted(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(encode_wav(pcm, 48_000), sizes=(999,), kind="audio/wav"))
    tts = await engine(server)
    got = await heard(tts)
    assert abs(len(got) - len(pcm) // 2) < 100
    assert np.abs(np.frombuffer(got, np.int16)).max() > 3000
    await tts.aclose()


async def test_the_next_engine_speaks_where_an_answer_is_no_sound(server: SpeechServer, pcm: bytes) -> None:
    server.answers.append(sound(b"\xff\xfb\x90\x00" + bytes(413) + b"\xff\xfb\x90\x00" + bytes(2000)))
    async with SpeechServer() as other:
        other.answers.append(sound(pcm))
        tts = FallbackTTS([await engine(server), await engine(other)])
        assert b"".join([piece async for piece in tts.synthesize("Hello.")]) == pcm
        await tts.aclose()


async def test_an_empty_text_sends_no_request(server: SpeechServer) -> None:
    tts = await engine(server)
    assert await heard(tts, "  ") == b""
    assert server.received == []
    await tts.aclose()


def test_the_fingerprint_contains_every_option_that_changes_the_sound() -> None:
    base = OpenAITts(api_key="sk-test").fingerprint()
    for option in (
        {"model": "tts-1"},
        {"voice": "ash"},
        {"instructions": "x"},
        {"speed": 1.2},
        {"base_url": "http://127.0.0.1/v1"},
        {"sample_rate": 16000},
    ):
        assert OpenAITts(api_key="sk-test", **option).fingerprint() != base
    assert OpenAITts(api_key="sk-other", timeout_s=1.0).fingerprint() == base
    assert "sk-" not in base
