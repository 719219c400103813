"""Prompts are made once, kept whole, and ready at once."""

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.audio.wav import decode_wav
from ivr.speech.base import SpeechError, TextToSpeech
from ivr.speech.fallback import FallbackTTS
from ivr.speech.prompts.audio import TARGET_DBFS, active_dbfs
from ivr.speech.prompts.cache import CachedTTS, PromptCache
from ivr.speech.providers.piper.tts import PiperTts
from tests.speech.tones import ToneTts


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


async def heard(tts: CachedTTS, text: str) -> list[bytes]:
    return [piece async for piece in tts.synthesize(text)]


@pytest.mark.asyncio(loop_scope="package")
async def test_with_the_real_voice(piper: PiperTts, tmp_path: Path) -> None:
    texts = ["Welcome to the demo line.", "Goodbye.", "Say sales, billing or opening hours."]
    cached = PromptCache(tmp_path).wrap(FallbackTTS([piper]))
    assert isinstance(cached, TextToSpeech)
    assert cached.sample_rate == 8000
    assert cached.lookup(texts[0]) is None
    assert await cached.prepare(texts) == []
    kept = files(tmp_path)
    assert len(kept) == 3
    for text in texts:
        prompt = cached.lookup(text)
        assert prompt is not None
        sound = np.frombuffer(prompt.pcm, np.int16)
        # Even loudness; only a peak can hold it down.
        assert active_dbfs(sound) == pytest.approx(TARGET_DBFS, abs=0.5) or np.abs(sound).max() > 28_000
        assert np.abs(sound).max() < 32_000
        began = time.perf_counter()
        assert await heard(cached, text) == [prompt.pcm]
        assert time.perf_counter() - began < 0.02
    # Another process finds them on disk, without an engine that could make them.
    later = PromptCache(tmp_path).wrap(piper)
    began = time.perf_counter()
    assert [later.lookup(text) for text in texts] == [cached.lookup(text) for text in texts]
    assert time.perf_counter() - began < 0.05
    sound, rate = decode_wav(kept[0].read_bytes())  # and people can listen to them
    assert rate == 8000
    assert sound.size > 3000


@pytest.mark.asyncio(loop_scope="package")
async def test_an_unknown_text_is_streamed_in_the_real_voice(piper: PiperTts, tmp_path: Path) -> None:
    cached = PromptCache(tmp_path).wrap(piper)
    await cached.prepare(["Welcome to the demo line."])
    pieces = await heard(cached, "Your number is four. Please hold the line. Somebody will be with you.")
    assert len(pieces) > 3
    streamed = np.frombuffer(b"".join(pieces), np.int16)
    again = cached.lookup("Your number is four. Please hold the line. Somebody will be with you.")
    assert again is not None
    assert abs(streamed.size - len(again.pcm) // 2) < 4000
    assert active_dbfs(streamed) == pytest.approx(TARGET_DBFS, abs=3)


async def test_each_text_is_made_once(tmp_path: Path) -> None:
    tts = ToneTts()
    cached = PromptCache(tmp_path).wrap(tts)
    await asyncio.gather(cached.prepare(["one", "two", "one"]), cached.prepare(["two", "three"]))
    await cached.prepare(["three", "one", " "])
    assert sorted(tts.asked) == ["one", "three", "two"]
    await PromptCache(tmp_path).wrap(tts).prepare(["one", "two", "three"])
    assert len(tts.asked) == 3


async def test_a_text_being_prepared_is_waited_for(tmp_path: Path) -> None:
    tts = ToneTts()
    cached = PromptCache(tmp_path).wrap(tts)
    preparing = asyncio.create_task(cached.prepare(["one two three"]))
    await asyncio.sleep(0)
    first = asyncio.create_task(heard(cached, "one two three"))
    await asyncio.sleep(0)
    first.cancel()  # a barge-in does not take the prompt from the others
    assert len(await heard(cached, "one two three")) == 1
    await preparing
    assert tts.asked == ["one two three"]


async def test_another_voice_or_text_is_another_prompt(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    await cache.wrap(ToneTts(pitch=440)).prepare(["one"])
    assert cache.wrap(ToneTts(pitch=440)).lookup("one") is not None
    assert cache.wrap(ToneTts(pitch=880)).lookup("one") is None
    assert cache.wrap(ToneTts(pitch=440)).lookup("One") is None


@pytest.mark.parametrize("damage", ["cut", "cut by a sample", "a bit", "empty", "not audio", "longer"])
async def test_a_damaged_file_is_seen_and_made_again(tmp_path: Path, damage: str) -> None:
    tts = ToneTts()
    await PromptCache(tmp_path).wrap(tts).prepare(["one"])
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    bit = bytearray(whole)
    bit[len(bit) // 2] ^= 1
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "cut by a sample": whole[:-2],
            "a bit": bytes(bit),
            "empty": b"",
            "not audio": b"<html>" * 50,
            "longer": whole + bytes(10),
        }[damage]
    )
    cached = PromptCache(tmp_path).wrap(tts)
    with capture_logs() as logs:
        assert cached.lookup("one") is None
    assert [entry["event"] for entry in logs] == ["prompt_damaged"]
    await cached.prepare(["one"])
    assert path.read_bytes() == whole
    assert tts.asked == ["one", "one"]


async def test_a_failure_leaves_no_file_and_the_rest_is_made(tmp_path: Path) -> None:
    tts = ToneTts()
    tts.fail_at = 2
    cached = PromptCache(tmp_path).wrap(tts)
    assert await cached.prepare(["one", "two three", "four"]) == ["two three", "four"]
    assert len(files(tmp_path)) == 1
    tts.fail_at = None
    assert await cached.prepare(["one", "two three", "four"]) == []
    assert len(files(tmp_path)) == 3


async def test_prompts_are_not_all_tried_with_an_engine_that_does_not_work(tmp_path: Path) -> None:
    tts = ToneTts()
    tts.fail_at = 0
    texts = [f"text {number}" for number in range(20)]
    assert await PromptCache(tmp_path).wrap(tts).prepare(texts) == texts
    assert len(tts.asked) == 3


async def test_a_broken_off_stream_is_not_kept(tmp_path: Path) -> None:
    tts = ToneTts()
    tts.fail_at = 2
    cached = PromptCache(tmp_path).wrap(tts)
    with pytest.raises(SpeechError):
        await heard(cached, "one two three")
    tts.fail_at = None
    pieces = cached.synthesize("four five")
    await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    assert cached.lookup("one two three") is cached.lookup("four five") is None


async def test_a_text_not_prepared_is_kept_in_memory_only(tmp_path: Path) -> None:
    tts = ToneTts()
    cached = PromptCache(tmp_path).wrap(tts)
    await heard(cached, "your balance is nine")
    assert len(await heard(cached, "your balance is nine")) == 1
    assert len(tts.asked) == 1
    assert files(tmp_path) == []


async def test_memory_is_bounded(tmp_path: Path) -> None:
    tts = ToneTts()
    cached = PromptCache(tmp_path, memory_bytes=20_000).wrap(tts)  # a prompt of five words has 8,000
    for name in "abc":
        await heard(cached, f"{name} two three four five")
    assert cached.lookup("a two three four five") is None
    assert cached.lookup("c two three four five") is not None


async def test_a_fallbacks_voice_is_used_until_the_preferred_one_has_made_the_prompt(tmp_path: Path) -> None:
    first, second = ToneTts("a", 440), ToneTts("b", 880)
    first.fail_at = 0
    cached = PromptCache(tmp_path).wrap(FallbackTTS([first, second], cooldown_s=0))
    await cached.prepare(["one two"])
    assert cached.lookup("one two") == PromptCache(tmp_path).wrap(second).lookup("one two") is not None
    first.fail_at = None
    await cached.prepare(["one two"])  # the preferred voice is back
    assert cached.lookup("one two") == PromptCache(tmp_path).wrap(first).lookup("one two") is not None
    first.fail_at = first._word + 1
    await cached.prepare(["three four"])  # half and half
    assert cached.lookup("three four") is None


async def test_a_disk_that_cannot_be_written_is_only_a_warning(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    cached = PromptCache(blocked / "prompts").wrap(ToneTts())
    with capture_logs() as logs:
        assert await cached.prepare(["one"]) == []
    assert "prompt_not_kept" in [entry["event"] for entry in logs]
    assert cached.lookup("one") is not None


async def test_close_ends_what_is_being_prepared(tmp_path: Path) -> None:
    tts = ToneTts()
    cached = PromptCache(tmp_path).wrap(tts)
    preparing = asyncio.create_task(cached.prepare(["one"]))
    await asyncio.sleep(0)
    await cached.aclose()
    with pytest.raises(asyncio.CancelledError):
        await preparing
    assert tts.closed == 1
