import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.session import MemoryPlayer
from ivr.session.prompt.heard_words import SpokenPart, heard_text
from ivr.speech.timed_words import Word
from tests.session.conftest import Make
from tests.session.engines import LetterTTS, TimedLetterTTS, feed_silence

RATE = LetterTTS.sample_rate
TEXT = "One sentence of words, with a pause. And another one."


def spoken(text: str, start: int = 0) -> SpokenPart:
    tts = LetterTTS()
    return SpokenPart(text, start, [tts.sound(word) for word in text.split()], complete=True)


def test_every_cut_gives_the_words_before_it() -> None:
    part = spoken(TEXT)
    words, tts = TEXT.split(), LetterTTS()
    at = 0
    for count, word in enumerate(words):
        length = len(tts.sound(word)) // 2
        for share in (0.1, 0.9):
            got = heard_text([part], at + int(length * share), RATE).split()
            assert abs(len(got) - (count + (share > 0.5))) <= 1
            assert got == words[: len(got)]
        at += length


def test_all_and_nothing() -> None:
    part = spoken(TEXT)
    assert heard_text([part], 0, RATE) == ""
    assert heard_text([part], part.samples, RATE) == TEXT
    assert heard_text([], 1000, RATE) == ""


def test_parts_follow_each_other() -> None:
    first = spoken("First part.")
    second = spoken("Second part.", first.samples)
    assert heard_text([first, second], first.samples, RATE) == "First part."
    assert heard_text([first, second], first.samples + second.samples, RATE) == "First part. Second part."


def test_a_part_cut_while_it_was_made_claims_no_more_than_its_sound() -> None:
    tts = LetterTTS()
    part = SpokenPart("word " * 20, 0, [tts.sound("word") for _ in range(3)])
    assert len(heard_text([part], part.samples, RATE).split()) <= 5


def test_a_silent_file_says_nothing() -> None:
    part = SpokenPart("beep", 0, [bytes(3200)], complete=True)
    assert heard_text([part], 800, RATE) == ""


@given(st.integers(0, 200_000))
def test_hearing_more_never_loses_a_word(played: int) -> None:
    part = spoken(TEXT)
    less, more = (heard_text([part], n, RATE).split() for n in (played, played + 320))
    assert more[: len(less)] == less


def test_pauses_carry_no_words() -> None:
    tts = LetterTTS()
    pause = np.zeros(RATE * 2, np.int16).tobytes()
    part = SpokenPart("hello world", 0, [tts.sound("hello"), pause, tts.sound("world")], complete=True)
    for ms in (300, 1000, 2000):
        assert heard_text([part], ms * RATE // 1000, RATE) == "hello"


def timed(text: str, start: int = 0) -> SpokenPart:
    """``text`` with the places of its words as an engine times them."""
    part, tts, at = spoken(text, start), LetterTTS(), 0
    words = []
    for word in text.split():
        letters = len(tts.sound(word.strip(",."))) // 2
        words.append(Word(word, at, at + letters))
        at += len(tts.sound(word)) // 2
    part.words = words
    return part


@given(st.integers(0, 200_000))
def test_what_the_engine_times_is_right_to_the_sample(played: int) -> None:
    part = timed(TEXT)
    want = [word.text for word in part.words if word.start + word.end < 2 * played]
    if played < part.samples:
        assert heard_text([part], played, RATE).split() == want


def test_where_the_engine_stops_reporting_the_sound_is_looked_at() -> None:
    part = timed(TEXT)
    known, part.words = part.words, part.words[:6]  # the first sentence's and the comma's
    assert [word.text for word in part.words][-1] == "a"
    found = part.timed_words(RATE)
    assert found[:6] == known[:6]
    assert [word.text for word in found] == TEXT.split()
    assert max(abs(a.start - b.start) for a, b in zip(found, known, strict=True)) < RATE // 10


def test_a_dash_is_not_said() -> None:
    part = timed("hello world")
    part.text = "hello — world"
    assert [word.text for word in part.timed_words(RATE)] == ["hello", "—", "world"]
    assert part.timed_words(RATE)[2] == part.words[1]
    assert heard_text([part], part.words[1].start + 1, RATE) == "hello —"


def test_an_unfinished_part_with_timed_words_has_those_words() -> None:
    part = timed(TEXT)
    part.complete = False
    part.words = part.words[:4]
    end = part.words[-1].end
    part.audio = [part.pcm[: end + RATE // 10].tobytes()]
    assert heard_text([part], end, RATE) == "One sentence of words,"


@pytest.mark.parametrize("played_ms", [0, 140, 160, 600, 960, 1500, 2200])
async def test_through_a_session(make: Make, player: MemoryPlayer, played_ms: int) -> None:
    """Streamed by an engine that times: right to the word, and the same words in the result."""
    tts = TimedLetterTTS()
    async with make() as session:
        session._parts.playlist._synthesis._tts = tts  # type: ignore[attr-defined]
        handle = await session.say(TEXT)
        for _ in range(50):
            await asyncio.sleep(0)
        await feed_silence(session, played_ms)
        session.process_dtmf("5")
        result = await asyncio.wait_for(handle.wait_for_playout(), 1)
    want = [w.text for w in timed(TEXT).words if (w.start + w.end) / 2 < result.heard_ms * RATE / 1000]
    assert result.heard_text.split() == want
