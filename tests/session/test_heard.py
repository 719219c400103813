import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ivr.session.heard import SpokenPart, heard_text
from tests.session.engines import LetterTTS

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
