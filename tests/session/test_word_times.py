"""Words found in sound: in built sound where every border is known, in recordings, in anything else."""

import itertools
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.session.prompt.word_lengths import asks_for_pause, is_said, word_lengths
from ivr.session.prompt.word_times import word_times
from tests.session.engines import LetterTTS
from tests.speech.recordings import PHRASES, recording

RATE = LetterTTS.sample_rate
TEXT = "One sentence of words, with a pause. And another one, which is a little longer than the first."


def built(text: str) -> tuple[np.ndarray, list[tuple[int, int]]]:
    tts, at, places = LetterTTS(), 0, []
    for word in text.split():
        places.append((at, at + len(tts.sound(word.strip(",."))) // 2))
        at += len(tts.sound(word)) // 2
    return np.frombuffer(b"".join(map(tts.sound, text.split())), np.int16), places


def test_borders_of_built_sound() -> None:
    pcm, places = built(TEXT)
    words = word_times(TEXT, pcm, RATE)
    assert [word.text for word in words] == TEXT.split()
    off = [abs(word.start - start) * 1000 / RATE for word, (start, _) in zip(words, places, strict=True)]
    assert max(off) < 160  # a letter of this voice is 50 ms
    assert np.median(off) < 60
    for before, after in itertools.pairwise(words):
        if asks_for_pause(before.text):  # the pause is no word's
            assert after.start - before.end == pytest.approx(RATE / 10, abs=RATE / 50)


def test_silence_before_and_after_is_no_words() -> None:
    pcm, _ = built("hello world")
    quiet = np.zeros(RATE, np.int16)
    words = word_times("hello world", np.concatenate([quiet, pcm, quiet]), RATE)
    assert words[0].start == pytest.approx(RATE, abs=RATE // 50)
    assert words[-1].end == pytest.approx(RATE + pcm.size, abs=RATE // 50)
    assert word_times("hello world", quiet, RATE) == []
    assert word_times("hello", quiet[:0], RATE) == []
    assert word_times("", pcm, RATE) == []


def test_a_beginning_has_the_words_of_a_beginning() -> None:
    pcm, places = built(TEXT)
    for share in (0.2, 0.5, 0.8):
        cut = int(pcm.size * share)
        words = word_times(TEXT, pcm[:cut], RATE, complete=False)
        said = sum(start < cut for start, _ in places)
        assert abs(len(words) - said) <= 2
        assert [word.text for word in words] == TEXT.split()[: len(words)]


def test_the_clauses_of_a_recording_begin_after_its_pauses(sounds: Path) -> None:
    """A human voice; where it pauses is seen without knowing a word."""
    pcm, text = recording(sounds, "vm-options"), PHRASES["vm-options"]
    silent = np.abs(pcm[: pcm.size // 80 * 80].reshape(-1, 80)).max(axis=1) < 150
    edges = np.flatnonzero(np.diff(silent.astype(int))) + 1
    begins = [int(b) * 10 for a, b in itertools.pairwise(edges) if silent[a] and b - a >= 14]
    assert len(begins) == 4  # the fifth "press" follows without a pause
    words = word_times(text, pcm, 8000)
    clauses = [after for before, after in itertools.pairwise(words) if before.text.endswith(",")]
    assert [word.text for word in clauses] == ["press"] * 5
    for word, begin in zip(clauses, begins, strict=False):
        assert word.start / 8 == pytest.approx(begin, abs=60)


def test_ten_seconds_take_no_time(sounds: Path) -> None:
    pcm, text = recording(sounds, "vm-options"), PHRASES["vm-options"]
    word_times(text, pcm, 8000)
    times = []
    for _ in range(20):
        began = time.process_time()
        word_times(text, pcm, 8000)
        times.append(time.process_time() - began)
    assert min(times) < 0.02  # 4 ms on an idle machine; it is 16 s long


def test_the_more_is_written_the_longer_it_takes() -> None:
    def ms(word: str) -> float:
        return word_lengths(["x", word])[1].ms

    assert ms("a") < ms("the") < ms("street") < ms("telephone") < ms("representatives")
    assert ms("PBX") > 1.5 * ms("pub")  # spelt
    assert ms("1234") == pytest.approx(ms("one") + ms("two") + ms("three") + ms("four"), rel=0.4)
    assert ms("www.asterisk.org") > ms("asterisk") + 3 * ms("w")
    assert ms("Straße") > ms("Stra")
    assert ms("привет") > ms("да") > 0
    assert ms("你好") > ms("你") > 0
    assert ms("—") == ms("...") == ms("😀") == 0 and not is_said("—")
    assert word_lengths(["press", "star"])[1].last == "voiced"
    assert word_lengths(["press", "star"])[0].last == "hiss"
    assert word_lengths(["press"])[0].first == "stop"
    assert word_lengths(["office"])[0].last == "hiss" and word_lengths(["one"])[0].last == "voiced"


@pytest.mark.parametrize("word", ["end.", "end,", 'end?"', "end:", "(end)", "end…"])
def test_punctuation_that_divides(word: str) -> None:
    assert asks_for_pause(word) == (re.sub(r"\W", "", word) != word and word != "(end)")


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=60),
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from([0, 1, 40, 3000, 32767])), max_size=6),
    st.sampled_from([8000, 16000]),
    st.booleans(),
)
def test_whatever_it_is_given(text: str, pieces: list[tuple[int, int]], rate: int, complete: bool) -> None:
    noise = np.random.default_rng(1)
    sound = [(noise.uniform(-1, 1, size) * peak).astype(np.int16) for size, peak in pieces]
    pcm = np.concatenate([np.zeros(0, np.int16), *sound])
    words = word_times(text, pcm, rate, complete=complete)
    assert [word.text for word in words] == text.split()[: len(words)]
    assert len(words) in (0, len(text.split())) or not complete
    at = 0
    for word in words:
        assert at <= word.start <= word.end <= pcm.size
        at = word.end
