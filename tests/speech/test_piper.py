"""Piper's voice: that it speaks, that it streams, and that a recogniser understands it."""

import asyncio
import os
import time
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest

from ivr.audio.level import peak_dbfs, rms_dbfs
from ivr.audio.resample import resample
from ivr.modelstore import ModelStore
from ivr.speech.base import SpeechError, TextToSpeech
from ivr.speech.providers.piper.tts import PiperTts
from ivr.speech.providers.whisper.stt import WhisperStt
from tests.speech.recordings import line, word_errors, words

pytestmark = pytest.mark.asyncio(loop_scope="package")

TEXT = "Our office is open from nine in the morning. To hear this again, press the star key. Goodbye."


async def spoken(tts: PiperTts, text: str) -> bytes:
    return b"".join([piece async for piece in tts.synthesize(text)])


async def test_a_recogniser_understands_it_over_the_line(piper: PiperTts, whisper: WhisperStt) -> None:
    assert isinstance(piper, TextToSpeech)
    pcm = np.frombuffer(await spoken(piper, TEXT), np.int16)
    assert 4.0 < pcm.size / piper.sample_rate < 9.0
    assert -30 < rms_dbfs(pcm) < -15
    assert peak_dbfs(pcm) < 0
    heard = await whisper.transcribe(line(resample(pcm, piper.sample_rate, 8000)).tobytes(), 16000)
    assert word_errors(words(TEXT), words(heard.text)) <= 2, heard.text


async def test_the_first_sentence_comes_before_the_last_is_made(piper: PiperTts) -> None:
    began = time.monotonic()
    first = 0.0
    async for piece in piper.synthesize(" ".join([TEXT] * 2)):
        first = first or time.monotonic() - began
        assert len(piece) % 2 == 0
    assert first < (time.monotonic() - began) / 3


async def test_closing_stops_it_and_frees_the_engine(piper: PiperTts) -> None:
    async with aclosing(piper.synthesize(" ".join([TEXT] * 40))) as pieces:  # type: ignore[type-var]
        await anext(pieces)
    began = time.monotonic()
    await spoken(piper, "Goodbye.")
    assert time.monotonic() - began < 2.0  # the rest would have been some ten seconds of work


async def test_texts_of_several_calls_take_turns(piper: PiperTts) -> None:
    async def until_done(text: str) -> float:
        await spoken(piper, text)
        return time.monotonic()

    long, short = await asyncio.gather(until_done(" ".join([TEXT] * 4)), until_done("Goodbye."))
    assert short < long


async def test_length_scale_makes_it_slower(piper: PiperTts, models: ModelStore) -> None:
    slow = PiperTts(length_scale=1.6, noise_scale=0.0, noise_w=0.0)
    await slow.start()
    try:
        assert len(await spoken(slow, TEXT)) > 1.3 * len(await spoken(piper, TEXT))
        assert await spoken(slow, "Goodbye.") == await spoken(slow, "Goodbye.")  # no noise, no variation
    finally:
        await slow.aclose()
    assert slow.fingerprint() != piper.fingerprint() == PiperTts().fingerprint()


@pytest.mark.parametrize("text", ["", "  ", "... !"])
async def test_nothing_to_say(piper: PiperTts, text: str) -> None:
    assert await spoken(piper, text) == b""


async def test_unusual_texts_do_not_break_the_engine(piper: PiperTts) -> None:
    with pytest.raises(SpeechError, match="NUL"):
        await spoken(piper, "a\0b")
    for text in ("§ 5 – „Grüße“ 你好 😀", "x" * 500, "[[ h@'loU ]]", "3.50 $ & 50%"):
        assert isinstance(await spoken(piper, text), bytes)
    assert await spoken(piper, "Goodbye.")
    os.kill(piper.engine.pid, 0)  # the engine has not been started again


async def test_a_file_that_is_no_voice(tmp_path: Path) -> None:
    voice = tmp_path / "voice.onnx"
    with pytest.raises(ValueError, match="are not a Piper voice"):
        PiperTts(model=voice)
    voice.write_bytes(b"no")
    (tmp_path / "voice.onnx.json").write_text('{"audio": {"sample_rate": 16000}}')
    tts = PiperTts(model=voice)
    assert tts.sample_rate == 16000
    with pytest.raises(SpeechError, match="did not load"):
        await tts.start()
    await tts.aclose()
