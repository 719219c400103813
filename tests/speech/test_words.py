"""Tests of where the words are: from phonemes, out of the voice, through fallback and cache."""

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.modelstore import ModelStore, model_path
from ivr.speech.fallback import REPEAT_GAP_MS, FallbackTTS
from ivr.speech.prompts.cache import PromptCache
from ivr.speech.providers.piper.phoneme_words import phonemes_of, word_spans
from ivr.speech.providers.piper.tts import MODEL, PiperTts
from ivr.speech.providers.piper.voice_durations import with_durations
from ivr.speech.timed_words import TimedAudio, Word, shift_words, words_of
from tests.speech.tones import ToneTts

TEXT = "To pay a bill, press 1; for the opening hours of the shop, press 25. Goodbye!"


class TimedTones(ToneTts):
    """ToneTts that knows its words, after ``lead_ms`` of silence before each sentence."""

    lead_ms = 0

    def synthesize(self, text: str) -> "Timed":  # type: ignore[override]
        return Timed(self, super().synthesize(text), text)


class Timed(AsyncIterator[bytes]):
    def __init__(self, tts: TimedTones, sound: AsyncIterator[bytes], text: str) -> None:
        self._tts, self._sound, self._texts = tts, sound, iter(text.split())
        self._at = 0
        self.words: list[Word] = []

    async def __anext__(self) -> bytes:
        piece = await anext(self._sound)
        lead = 0 if self._at else self._tts.lead_ms * self._tts.sample_rate // 1000
        end = self._at + lead + len(piece) // 2
        self.words.append(Word(next(self._texts), self._at + lead, end))
        self._at = end
        return bytes(2 * lead) + piece

    async def aclose(self) -> None:
        await self._sound.aclose()  # type: ignore[attr-defined]


async def said(sound: AsyncIterator[bytes]) -> tuple[bytes, list[Word]]:
    pcm = b"".join([piece async for piece in sound])
    return pcm, list(words_of(sound))


# -- phonemes


def spans(spoken: str, *words: str) -> list[tuple[int, int]]:
    """The spans of words whose phonemes take 10 samples each."""
    return word_spans(phonemes_of(list(spoken), [10] * len(spoken)), [list(word) for word in words])


def test_two_words_spoken_as_one_and_one_word_spoken_as_two() -> None:
    assert spans("ʌvðə kæt", "ʌv", "ðə", "kæt") == [(0, 20), (20, 40), (50, 80)]
    assert spans("pɹɛs twɛnti faɪv.", "pɹɛs", "twɛnti faɪv.") == [(0, 40), (50, 160)]


def test_marks_belong_to_their_phonemes() -> None:
    # Stress to the vowel after it, length to the one before, punctuation to none.
    assert spans("tə pˈeɪ, ɡˈoː.", "tuː", "pˈeɪ,", "ɡˈoː.") == [(0, 20), (30, 70), (90, 130)]
    assert spans("ə ˈoʊpən", "ɐ", "ˈoʊpən") == [(0, 10), (20, 80)]


def test_a_word_that_sounds_different_in_a_sentence() -> None:
    assert spans("ðɪ ɪvnɪŋ ɪz", "ðə", "iːvnɪŋ", "ɪz")[1:] == [(30, 80), (90, 110)]


def test_a_word_that_is_not_spoken() -> None:
    assert spans("bi kwɪk", "bi", "", "kwɪk") == [(0, 20), (20, 20), (30, 70)]
    assert spans("", "bi") == [(0, 0)]
    assert word_spans(phonemes_of(["a"] * 3000, [1] * 3000), [["a"] * 3000]) == []


@given(st.lists(st.text("abtsk ˈː.", max_size=8), max_size=8), st.text("abtskm ˈː.,", max_size=60))
def test_spans_are_in_order(words: list[str], spoken: str) -> None:
    found = spans(spoken, *words)
    assert len(found) == len(words)
    at = 0
    for start, end in found:
        assert at <= start <= end <= 10 * len(spoken)
        at = end


# -- the voice's file


@given(st.binary(max_size=300))
def test_a_file_that_is_no_voice_is_not_changed(data: bytes) -> None:
    assert with_durations(data) is None


def test_the_voice_is_changed_once_and_only_at_its_end(models: ModelStore) -> None:
    voice = model_path(MODEL).read_bytes()
    changed = with_durations(voice)
    assert changed is not None
    assert changed[: len(voice)] == voice and len(changed) < len(voice) + 100
    assert with_durations(changed) is None
    assert with_durations(voice[: len(voice) // 2]) is None


@pytest.mark.asyncio(loop_scope="package")
async def test_the_real_voice_knows_its_words(piper: PiperTts) -> None:
    sound = piper.synthesize(TEXT)
    assert isinstance(sound, TimedAudio)
    first = await anext(sound)
    # Known before their sound is taken.
    assert [word.text for word in sound.words] == TEXT.split()[:-1]
    pcm = first + b"".join([piece async for piece in sound])
    assert [word.text for word in sound.words] == TEXT.split()

    samples = np.frombuffer(pcm, np.int16).astype(float)
    block = piper.sample_rate // 100
    level = np.sqrt(np.square(samples[: samples.size // block * block]).reshape(-1, block).mean(axis=1))
    at = 0
    for word in sound.words:
        assert at <= word.start < word.end <= samples.size
        at = word.end
        # There is sound in each, and none between the sentences.
        assert level[word.start // block : word.end // block].max() > 300
    by_text = {word.text: word for word in sound.words}
    gap = level[by_text["25."].end // block : by_text["Goodbye!"].start // block]
    assert gap.size and gap.min() < 100
    lengths = {word.text: word.end - word.start for word in sound.words}
    assert lengths["opening"] > lengths["the"] and lengths["25."] > lengths["1;"] > lengths["a"]


@pytest.mark.asyncio(loop_scope="package")
async def test_unusual_words_keep_their_places(piper: PiperTts) -> None:
    text = "Dr. Smith — „Grüße“ 😀 pays $3.50 & 50% of it, doesn't he?"
    _, words = await said(piper.synthesize(text))
    assert [word.text for word in words] == text.split()


# -- fallback


async def test_a_fallback_converts_words_to_its_rate_and_place() -> None:
    tts = FallbackTTS([TimedTones("a", sample_rate=16000), TimedTones("b", sample_rate=8000)])
    _, words = await said(tts.synthesize("One two. Three."))
    assert words == [Word("One", 0, 1600), Word("two.", 1600, 3200), Word("Three.", 3200, 4800)]
    tts._order.engines[0].fail_at = 0  # type: ignore[attr-defined]
    _, words = await said(tts.synthesize("One two. Three."))
    assert words == [Word("One", 0, 1600), Word("two.", 1600, 3200), Word("Three.", 3200, 4800)]


async def test_after_a_sentence_that_broke_off_no_words_are_known() -> None:
    first, second = TimedTones("a"), TimedTones("b")
    first.fail_at = 3
    tts = FallbackTTS([first, second])
    pcm, words = await said(tts.synthesize("One two. Three four. Five."))
    assert [word.text for word in words] == ["One", "two."]
    assert len(pcm) // 2 == 6 * 1600 + 16 * REPEAT_GAP_MS


async def test_words_end_at_an_engine_without_word_times() -> None:
    first, second = ToneTts("a"), TimedTones("b")
    tts = FallbackTTS([second, first])
    second.fail_at = 1
    _, words = await said(tts.synthesize("One. Two. Three."))
    assert words == [Word("One.", 0, 1600)]
    assert words_of(ToneTts().synthesize("One.")) == ()


# -- the cache


async def test_the_cache_keeps_words_on_disk_at_its_own_rate(tmp_path: Path) -> None:
    tts = TimedTones(sample_rate=16000)
    tts.lead_ms = 350
    cached = PromptCache(tmp_path).wrap(tts)
    assert await cached.prepare(["one two three"]) == []
    again = PromptCache(tmp_path).wrap(tts).lookup("one two three")
    assert again is not None
    assert again == cached.lookup("one two three")
    # Of the 350 ms of silence 100 are left; a word is 100 ms.
    wanted = [Word("one", 800, 1600), Word("two", 1600, 2400), Word("three", 2400, 3200)]
    for word, want in zip(again.words, wanted, strict=True):
        assert word.text == want.text
        assert (word.start, word.end) == (pytest.approx(want.start, abs=80), pytest.approx(want.end, abs=80))
    pcm, words = await said(cached.synthesize("one two three"))
    assert (pcm, tuple(words)) == (again.pcm, again.words)


async def test_words_of_a_text_that_is_streamed(tmp_path: Path) -> None:
    tts = TimedTones(sample_rate=16000)
    tts.lead_ms = 350
    cached = PromptCache(tmp_path).wrap(FallbackTTS([tts]))
    sound = cached.synthesize("one two three")
    await anext(sound)
    assert sound.words and sound.words[0].text == "one"
    rest = [piece async for piece in sound]
    assert rest
    streamed = list(sound.words)
    kept = cached.lookup("one two three")
    assert kept is not None
    for word, other in zip(streamed, kept.words, strict=True):
        assert word.text == other.text
        assert abs(word.start - other.start) <= 80


def test_words_are_shifted() -> None:
    words = [Word("a", 0, 22050), Word("b", 22050, 33075)]
    assert shift_words(words, -1000, 22050, 8000) == [Word("a", 0, 7000), Word("b", 7000, 11000)]
