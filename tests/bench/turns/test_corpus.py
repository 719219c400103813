"""The corpus: the same every time, split, and with its speech where it says."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.bench.turns import noises, phrases, rules
from tests.bench.turns.clip import Clip, Part, seeded, split_of
from tests.bench.turns.corpus import (
    SHORTEST_INTERRUPTION_MS,
    Corpus,
    digit_groups,
    hesitant,
    longest_gap,
    recorded,
)
from tests.bench.turns.line import RATE, Condition, Pcm16
from tests.bench.turns.scene import Scene
from tests.bench.turns.voices import VOICES, Speaker

MADE = (rules.white, rules.pink, rules.street, rules.keyboard)


def digest(x: Pcm16) -> str:
    return hashlib.sha256(x.tobytes()).hexdigest()


def test_sounds_made_by_rule_depend_on_their_seed_alone() -> None:
    for maker in MADE:
        assert digest(maker(1.0, 3)) == digest(maker(1.0, 3)) != digest(maker(1.0, 4))
        assert len(maker(1.0, 3)) == RATE
    for body in (rules.cough, rules.breath, rules.laugh, rules.click):
        assert digest(body(3)) == digest(body(3)) != digest(body(4))
        assert 0.1 * RATE < len(body(3)) < 2.5 * RATE and np.abs(body(3)).max() == 12_000


def test_keys_are_two_tones() -> None:
    spectrum = np.abs(np.fft.rfft(rules.dtmf("5", 1000, 0)))
    peaks = sorted(np.argsort(spectrum)[-2:])
    assert peaks == [770, 1336]


def test_tones_of_the_exchange_rest() -> None:
    x = rules.cadence((440,), 0.5, 0.5, 2.0)
    assert np.abs(x[: RATE // 2]).max() > 10_000 and not x[RATE // 2 + 1 : RATE - 1].any()


def test_a_third_of_the_names_is_to_choose_by_and_a_recording_is_in_one_split() -> None:
    names = [f"clip {n}" for n in range(3000)]
    assert sum(split_of(n) == "choose" for n in names) == pytest.approx(1000, abs=100)
    assert all(split_of(n) == split_of(f"turn/{n}") for n in names)


def test_every_kind_has_clips_in_both_splits_and_none_twice(tmp_path: Path) -> None:
    made = Corpus(tmp_path)
    for kind in ("music", "tone", "silence"):
        chosen, reported = made.clips(kind, "choose"), made.clips(kind)
        assert chosen and len(reported) >= len(chosen)
        names = {c.name for c in chosen} & {c.name for c in reported}
        assert not names
        assert all(0 <= c.onset < c.offset < len(c.pcm) and not c.parts for c in reported)


def test_clips_are_the_same_every_time() -> None:
    for make in (noises.bodies, noises.tones):
        a, b = list(make()), list(make())
        assert [(c.name, digest(c.pcm)) for c in a] == [(c.name, digest(c.pcm)) for c in b]
        assert {c.split for c in a} == {"choose", "report"}


def test_recordings_that_interrupt_are_long_enough_and_say_where_they_begin() -> None:
    clips = [c for c in recorded("interruption", "en") if c.ms >= SHORTEST_INTERRUPTION_MS]
    assert len(clips) > 250
    for clip in clips:
        before = clip.pcm[: clip.onset].astype(float)
        assert clip.onset < 0.6 * len(clip.pcm), clip.name
        assert np.abs(before).max(initial=0) < 0.3 * np.abs(clip.pcm.astype(float)).max(), clip.name


def test_a_hesitation_is_a_pause_between_two_parts() -> None:
    words = np.frombuffer(
        np.random.default_rng(1).normal(0, 3000, 8000).astype(np.int16).tobytes(), np.int16
    ).copy()
    words[4000:4400] = 0
    clip = Clip("h", "turn", "hesitation", "en", words, 0, 7999, (Part(0, 8000, "I want,| the other one"),))
    assert longest_gap(words, 0, 7999) == (4000, 4400)
    slow = hesitant(clip, seeded("h"))
    (first, second) = slow.parts
    assert (first.text, second.text) == ("I want", "the other one")
    assert 0.4 * RATE <= second.start - first.end <= RATE
    assert not slow.pcm[first.end : second.start].any()
    assert slow.offset - clip.offset == len(slow.pcm) - len(words)
    assert slow.pcm[second.start :].tolist() == words[4400:].tolist()


def test_digits_come_in_groups_with_pauses() -> None:
    clips = list(digit_groups("en"))
    assert len(clips) == 60
    for clip in clips[::10]:
        assert 2 <= len(clip.parts) <= 3
        for before, after in zip(clip.parts, clip.parts[1:], strict=False):
            assert 0.35 * RATE <= after.start - before.end <= 0.8 * RATE


def test_a_recogniser_knows_what_it_has_heard() -> None:
    clip = Clip("x", "turn", "s", "en", np.zeros(9000, np.int16), 0, 8999,
                (Part(0, 3000, "four seven"), Part(6000, 9000, "one nine")))  # fmt: skip
    scene = Scene("s", Condition(), clip, at=1000, length=12_000)
    assert scene.words(0, 12_000) == "four seven one nine"
    assert scene.words(0, 6000) == "four seven"
    assert scene.words(6000, 12_000) == "one nine"


def test_espeak_says_a_phrase_the_same_way_again(tmp_path: Path) -> None:
    voice = next(v for v in VOICES if v.language == "fr")
    said = []
    for folder in ("a", "b"):
        speaker = Speaker(tmp_path / folder)
        speaker.prepare([(voice, "d'accord")])
        said.append(speaker.say(voice, "d'accord"))
    assert digest(said[0]) == digest(said[1]) and 0.2 * RATE < len(said[0]) < 2 * RATE


def test_every_hesitation_says_where_once() -> None:
    for texts in phrases.HESITATIONS.values():
        assert all(text.count("|") == 1 for text in texts)
