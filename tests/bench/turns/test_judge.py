"""What is read from the sound: where the prompt is, how loud, when it stopped and went on."""

import numpy as np
import pytest

from tests.bench.turns import judge
from tests.bench.turns.follow import find, follow
from tests.bench.turns.line import FRAME, RATE, Pcm16, coded
from tests.bench.turns.prompts import levelled, without_pauses, word_prompt
from tests.caller import sounds


@pytest.fixture(scope="module")
def prompt() -> Pcm16:
    return np.frombuffer(sounds.continuous(("demo-instruct",), 10.0), np.int16)


def scaled(x: Pcm16, db: float) -> Pcm16:
    return (x * 10 ** (db / 20)).astype(np.int16)


def silence(frames: int) -> Pcm16:
    return np.zeros(frames * FRAME, np.int16)


def test_a_prompt_is_followed_from_its_first_sample(prompt: Pcm16) -> None:
    frames = follow(prompt, prompt)
    assert [f.position for f in frames[:400]] == [n * FRAME for n in range(400)]
    assert all(f.loud and abs(f.gain_db or 0) < 0.1 for f in frames[:400])


def test_a_prompt_through_g711_is_found_in_its_middle(prompt: Pcm16) -> None:
    part = coded(prompt[20_077 : 20_077 + 8000], a_law=False)
    assert find(part[:800].astype(float), prompt.astype(float)) == 20_077
    assert follow(part, prompt)[10].position == 20_077 + 10 * FRAME
    assert find(np.random.default_rng(0).normal(0, 3000, 800), prompt.astype(float)) is None


def test_a_duck_a_stop_and_where_it_goes_on(prompt: Pcm16) -> None:
    """1 s as it is, 200 ms ducked, 600 ms of silence, then from 400 ms before the cut."""
    cut = 60 * FRAME
    heard = np.concatenate(
        (prompt[: 50 * FRAME], scaled(prompt[50 * FRAME : cut], -12), silence(30), prompt[cut - 3200 :])
    )
    verdict = judge.of_frames(follow(heard, prompt), onset=46 * FRAME + 40)
    assert verdict == judge.Verdict(
        duck_ms=75.0, stop_ms=275.0, back_ms=600.0, back_at=cut - 3200, lost=False
    )


def test_a_prompt_that_stays_away_is_lost(prompt: Pcm16) -> None:
    for frames, lost in ((75, False), (76, True)):
        heard = np.concatenate((prompt[: 50 * FRAME], silence(frames), prompt[50 * FRAME : 90 * FRAME]))
        assert judge.of_frames(follow(heard, prompt), 48 * FRAME).lost is lost
    stopped = judge.of_frames(
        follow(np.concatenate((prompt[: 50 * FRAME], silence(100))), prompt), 48 * FRAME
    )
    assert stopped.lost and stopped.back_ms is None and stopped.stop_ms == 40


def test_a_prompt_that_goes_on_has_no_verdict(prompt: Pcm16) -> None:
    verdict = judge.of_frames(follow(prompt, prompt), 48 * FRAME)
    assert verdict == judge.Verdict(None, None, None, None, False)


def test_a_stop_before_the_onset_is_not_the_callers(prompt: Pcm16) -> None:
    heard = np.concatenate((prompt[: 20 * FRAME], silence(10), prompt[20 * FRAME : 80 * FRAME]))
    assert judge.of_frames(follow(heard, prompt), 40 * FRAME).stop_ms is None


def test_the_ramp_of_a_duck_counts_from_its_first_frame(prompt: Pcm16) -> None:
    ramp = (prompt[50 * FRAME : 51 * FRAME] * np.linspace(1, 0.25, FRAME)).astype(np.int16)
    heard = np.concatenate((prompt[: 50 * FRAME], ramp, scaled(prompt[51 * FRAME : 70 * FRAME], -12)))
    assert judge.of_frames(follow(heard, prompt), 50 * FRAME).duck_ms == 0


def test_prompts_without_pauses_have_no_stop_in_them() -> None:
    x = levelled(without_pauses(np.frombuffer(sounds.recording("vm-options"), np.int16)))
    frames = follow(x, x)
    assert len(x) > 5 * RATE and judge.of_frames(frames, 0).stop_ms is None


def test_word_prompts_know_where_their_words_begin() -> None:
    x, starts = word_prompt(0)
    again, _ = word_prompt(0)
    assert (x == again).all() and len(starts) > 15
    assert not judge.of_frames(follow(x, x), 0).lost
    for start in starts:
        assert not x[max(0, start - 480) : start].any() and x[start : start + 160].any()
