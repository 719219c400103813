"""Tests of where a cut prompt goes on: never in the middle of a word, never later than the cut."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.session.prompt.heard_words import SpokenPart
from ivr.session.prompt.resume_point import BACK_MS, CLAUSE_MS, resume_point
from ivr.session.prompt.word_times import word_times
from ivr.speech.timed_words import Word
from tests.speech.recordings import PHRASES, recording

RATE = 8000
WORD, GAP, PAUSE = 320, 40, 300
"""Milliseconds of each word, of the dip between two, of the pause between clauses."""
TEXT = "alpha bravo charlie delta echo foxtrot golf, hotel india. juliet kilo"


def tone(ms: int) -> np.ndarray:
    time = np.arange(ms * RATE // 1000) / RATE
    return (6000 * np.sin(2 * np.pi * 200 * time)).astype(np.int16)


def silence(ms: int) -> np.ndarray:
    return np.zeros(ms * RATE // 1000, np.int16)


def part(start: int = 0, gap: int = GAP) -> SpokenPart:
    """TEXT in tones, its words timed."""
    pieces: list[np.ndarray] = [silence(100)]
    words, at = [], pieces[0].size
    for text in TEXT.split():
        sound = tone(WORD)
        words.append(Word(text, at, at + sound.size))
        pieces += [sound, silence(PAUSE if text[-1] in ",." else gap)]
        at += pieces[-2].size + pieces[-1].size
    return SpokenPart(TEXT, start, [np.concatenate(pieces).tobytes()], words, complete=True)


def middle(word: Word) -> int:
    return (word.start + word.end) // 2


def test_from_the_start_of_the_clause_that_has_just_begun() -> None:
    prompt = part()
    for cut in prompt.words[:3]:
        assert resume_point([prompt], middle(cut), RATE) == pytest.approx(prompt.words[0].start, abs=160)
    hotel, india = prompt.words[7:9]
    for cut in (hotel, india):
        at = resume_point([prompt], middle(cut), RATE)
        assert hotel.start - 160 <= at <= hotel.start


def test_from_the_start_of_the_word_deep_in_a_clause() -> None:
    prompt = part()
    for before, cut in itertools.pairwise(prompt.words[3:7]):
        assert middle(cut) - prompt.words[0].start > CLAUSE_MS * RATE / 1000
        at = resume_point([prompt], middle(cut), RATE)
        assert before.end <= at <= cut.start
    # Without the clause's rule always the word.
    assert before.end <= resume_point([prompt], middle(cut), RATE, clause_ms=0) <= cut.start
    assert resume_point([prompt], middle(prompt.words[1]), RATE, clause_ms=0) > prompt.words[0].end


def test_not_where_words_run_into_each_other() -> None:
    """Six words without a dip: from the last dip that is no further back than a clause may be."""
    prompt = part(gap=0)
    golf = prompt.words[6]
    at = resume_point([prompt], middle(golf), RATE)
    starts = [word.start for word in prompt.words]
    assert min(abs(at - start) for start in starts) <= 160
    assert middle(golf) - at <= CLAUSE_MS * RATE / 1000 + 480


def test_between_clauses_nothing_is_said_again() -> None:
    prompt = part()
    golf, hotel = prompt.words[6:8]
    for at in range(golf.end, hotel.start, 200):
        assert resume_point([prompt], at, RATE) == at
    assert resume_point([prompt], prompt.samples, RATE) == prompt.samples
    assert resume_point([prompt], prompt.words[-1].end + 40, RATE) == prompt.words[-1].end + 40
    assert resume_point([prompt], 0, RATE) == 0
    assert resume_point([], 800, RATE) == 800


def test_of_several_parts_the_one_that_was_cut() -> None:
    first = part()
    second = part(first.samples)
    word = second.words[0]
    at = resume_point([first, second], second.start + middle(word), RATE)
    assert second.start + word.start - 800 <= at <= second.start + word.start


def test_a_clip_without_a_text_goes_on_from_its_last_pause() -> None:
    pcm = np.concatenate([tone(2000), silence(200), tone(600), silence(30), tone(2000)])
    clip = SpokenPart("", 400, [pcm.tobytes()], complete=True)
    pause_end = 400 + 2200 * 8
    assert resume_point([clip], 400 + 2500 * 8, RATE) == pytest.approx(pause_end, abs=160)
    # The pause is too long ago: the quietest place of the last second.
    assert resume_point([clip], 400 + 3300 * 8, RATE) == pytest.approx(400 + 2815 * 8, abs=240)
    # In a pause nothing was cut... and in a steady sound at most BACK_MS are heard again.
    steady = SpokenPart("", 0, [tone(4000).tobytes()], complete=True)
    assert 0 <= 3000 * 8 - resume_point([steady], 3000 * 8, RATE) <= BACK_MS * 8
    assert resume_point([SpokenPart("", 0, [silence(1000).tobytes()], complete=True)], 4000, RATE) == 4000


def test_a_plosive_in_the_midst_of_a_word_is_no_pause() -> None:
    """A closure as long as the gaps between the words, and less deep."""
    closure = (np.random.default_rng(0).standard_normal(80 * 8) * 30).astype(np.int16)
    pcm = np.concatenate([tone(500), silence(60), tone(200), closure, tone(400), silence(60), tone(300)])
    clip = SpokenPart("", 0, [pcm.tobytes()], complete=True)
    assert resume_point([clip], 1100 * 8, RATE) == pytest.approx(560 * 8, abs=160)
    # The next word once that has begun.
    assert resume_point([clip], 1500 * 8, RATE) == pytest.approx(1300 * 8, abs=160)


@given(st.integers(0, 50_000), st.sampled_from([0.0, 500.0, CLAUSE_MS]), st.booleans())
def test_never_later_than_the_cut_and_never_far_back(played: int, clause_ms: float, timed: bool) -> None:
    prompt = part()
    if not timed:
        prompt.words = ()
    at = resume_point([prompt], played, RATE, clause_ms=clause_ms)
    assert 0 <= at <= played
    if played < prompt.samples:
        assert played - at <= (max(clause_ms, WORD + GAP) + 400) * RATE / 1000


def test_a_recording_is_taken_up_in_a_dip(sounds: Path) -> None:
    pcm, text = recording(sounds, "vm-options"), PHRASES["vm-options"]
    prompt = SpokenPart(text, 0, [pcm.tobytes()], complete=True)
    starts = [word.start for word in word_times(text, pcm, RATE)]
    level = np.sqrt(np.square(pcm[: pcm.size // 80 * 80].astype(float)).reshape(-1, 80).mean(axis=1))
    speech = np.median(level[level > level.max() / 50])
    for played in range(4000, pcm.size, 1111):
        at = resume_point([prompt], played, RATE)
        assert at == played or min(abs(at - start) for start in starts) <= 0.2 * RATE
        if at < played:
            assert level[at // 80] < speech / 1.5
