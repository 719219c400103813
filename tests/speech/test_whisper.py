"""Whisper on recorded human speech over a G.711 line, and on what is not speech."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from ivr.audio.wav import decode_wav
from ivr.grammar.answers import expected_answers
from ivr.grammar.inputs import InputSpec, make_input
from ivr.modelstore import ModelStore
from ivr.speech.base import SpeechError, SpeechToText, recognise
from ivr.speech.providers.whisper.stt import WhisperOptions, WhisperStt
from tests.speech.recordings import PHRASES, line, recording, word_errors, words

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_it_implements_the_protocol(whisper: WhisperStt) -> None:
    assert isinstance(whisper, SpeechToText)
    await whisper.start()  # again is no harm


async def test_recorded_phrases_are_understood(whisper: WhisperStt, sounds: Path) -> None:
    wrong = total = 0
    exact, worst = 0, []
    for name, text in PHRASES.items():
        transcript = await whisper.transcribe(line(recording(sounds, name)).tobytes(), 16000)
        errors = word_errors(words(text), words(transcript.text))
        wrong, total, exact = wrong + errors, total + len(words(text)), exact + (errors == 0)
        if errors:
            worst.append(f"{name}: {text!r} heard as {transcript.text!r}")
        assert transcript.engine == "whisper"
        assert 0.3 <= transcript.confidence <= 1.0
    assert wrong / total <= 0.06, worst
    assert exact >= 0.85 * len(PHRASES), worst


DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


async def test_an_answer_is_found_among_the_phrases_of_the_question(
    whisper: WhisperStt, sounds: Path
) -> None:
    menu = expected_answers({each: ((each,), ()) for each in DAYS})
    for number, day in enumerate(DAYS):
        pcm = line(recording(sounds, f"digits/day-{number}")).tobytes()
        heard = await recognise(whisper, pcm, 16000, menu.context)
        assert [each.meaning for each in heard.hypotheses[:1]] == [day], heard
        assert heard.hypotheses[0].confidence > 0.85
        assert set(DAYS) == {each.meaning for each in heard.hypotheses}
        assert menu.understand(heard.text, heard.confidence, heard.hypotheses).text.rstrip(".") == day


async def test_a_word_that_is_no_answer_is_not_taken_for_one(whisper: WhisperStt, sounds: Path) -> None:
    menu = expected_answers(
        {each: ((each,), ()) for each in ("billing", "technical support", "opening hours")}
    )
    for number in range(len(DAYS)):
        pcm = line(recording(sounds, f"digits/day-{number}")).tobytes()
        heard = await recognise(whisper, pcm, 16000, menu.context)
        understood = menu.understand(heard.text, heard.confidence, heard.hypotheses)
        assert menu.fits is not None and not menu.fits(understood.text), understood


async def test_digits_are_decoded_as_many_as_were_asked_for(whisper: WhisperStt, sounds: Path) -> None:
    asked = expected_answers({}, spec=InputSpec(kind="digits", min_digits=4, max_digits=4))
    for said in ("4719", "3382", "6054"):
        pause = np.zeros(800, np.int16)
        parts = [part for each in said for part in (recording(sounds, f"digits/{each}"), pause)]
        heard = await recognise(whisper, line(np.concatenate(parts)).tobytes(), 16000, asked.context)
        understood = asked.understand(heard.text, heard.confidence, heard.hypotheses)
        assert understood.rule in ("typed", "unsure") and not understood.hypotheses[0].meaning
        assert digits_of(understood.hypotheses[0].phrase) == said, heard


def digits_of(text: str) -> str:
    value = make_input(InputSpec(kind="digits")).parse(text)
    return str(value.value) if value is not None else ""


async def test_noise_is_no_number(whisper: WhisperStt, music: Path) -> None:
    asked = expected_answers({}, spec=InputSpec(kind="digits"))
    for name, pcm in noises(music).items():
        heard = await recognise(whisper, line(pcm).tobytes(), 16000, asked.context)
        understood = asked.understand(heard.text, heard.confidence, heard.hypotheses)
        assert understood.rule != "typed", (name, understood)


async def test_noise_is_none_of_the_answers(whisper: WhisperStt, music: Path) -> None:
    menu = expected_answers({"you": (("you",), ()), "thanks": (("thank you",), ())})
    for name, pcm in noises(music).items():
        heard = await recognise(whisper, line(pcm).tobytes(), 16000, menu.context)
        assert menu.understand(heard.text, heard.confidence, heard.hypotheses).text == "", name


async def test_8_khz_is_converted(whisper: WhisperStt, sounds: Path) -> None:
    pcm = recording(sounds, "conf-invalid")
    assert words((await whisper.transcribe(pcm.tobytes(), 8000)).text) == words(PHRASES["conf-invalid"])


def noises(music: Path) -> dict[str, npt.NDArray[np.int16]]:
    """8 kHz sound without a word in it."""
    random = np.random.default_rng(1)
    found = {"silence": np.zeros(16000, np.int16), "a click": np.zeros(8000, np.int16)}
    found["a click"][4000:4004] = 12000
    for dbfs in (-60, -50, -40, -30):
        noise = random.standard_normal(12000) * 32768 * 10 ** (dbfs / 20)
        found[f"white noise at {dbfs} dBFS"] = np.clip(noise, -32768, 32767).astype(np.int16)
    hum = 800 * np.sin(2 * np.pi * 50 / 8000 * np.arange(16000))
    found["mains hum"] = hum.astype(np.int16)
    for path in sorted(music.glob("*.wav"))[:3]:
        pcm, rate = decode_wav(path.read_bytes())
        found[path.stem] = pcm[20 * rate : 22 * rate]
    return found


async def test_noise_music_and_silence_give_no_words(whisper: WhisperStt, music: Path) -> None:
    heard = {}
    for name, pcm in noises(music).items():
        transcript = await whisper.transcribe(line(pcm).tobytes(), 16000)
        if transcript.text or transcript.confidence:
            heard[name] = transcript
    assert heard == {}


async def test_very_short_and_empty_sound(whisper: WhisperStt) -> None:
    for pcm in (b"", bytes(2), np.full(800, 9000, np.int16).tobytes()):
        assert (await whisper.transcribe(pcm, 16000)).text == ""
    with pytest.raises(SpeechError, match="not PCM16"):
        await whisper.transcribe(b"\0", 16000)
    assert (await whisper.transcribe(bytes(3200), 16000)).confidence == 0.0


async def test_a_turn_longer_than_the_models_context(whisper: WhisperStt, sounds: Path) -> None:
    phrases = ["vm-options", "check-number-dial-again", "conf-onlyperson", "conf-invalid", "tt-weasels"] * 2
    gap = np.zeros(4000, np.int16)
    pcm = np.concatenate([part for name in phrases for part in (recording(sounds, name), gap)])
    assert pcm.size / 8000 > 35
    transcript = await whisper.transcribe(line(pcm).tobytes(), 16000)
    said = words(" ".join(PHRASES[name] for name in phrases))
    assert word_errors(said, words(transcript.text)) / len(said) < 0.12, transcript.text


async def test_kill_9_in_the_middle_of_turns(models: ModelStore, sounds: Path) -> None:
    # The process starts again at a low priority, beside the other tests.
    stt = WhisperStt(timeout_s=40)
    await stt.start()
    try:
        long = line(recording(sounds, "vm-options")).tobytes()
        first = asyncio.create_task(stt.transcribe(long * 6, 16000))
        second = asyncio.create_task(stt.transcribe(line(recording(sounds, "vm-goodbye")).tobytes(), 16000))
        await asyncio.sleep(0.1)
        assert stt.engine.pid
        os.kill(stt.engine.pid, signal.SIGKILL)
        with pytest.raises(SpeechError, match="signal 9"):
            await first
        assert (await second).text == "Goodbye."
    finally:
        await stt.aclose()


async def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    stt = WhisperStt(model=tmp_path)
    with pytest.raises(SpeechError, match="is not a folder with a CTranslate2 model"):
        await stt.start()
    await stt.aclose()


async def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="whisper has no option 'beamsize', did you mean 'beam_size'"):
        WhisperStt(beamsize=3)
    assert WhisperOptions().beam_size == 2
