"""What the whole detector hears in real sound: people, music, noise, nothing."""

from itertools import pairwise

import numpy as np
import pytest

from ivr.vad.base import DetectorOptions, EndpointingOptions
from ivr.vad.inline import InlineVad
from ivr.vad.silero import SileroModel
from tests.vad.sounds import PROMPTS, Pcm16, ended, hear, loud_from, music, noise, prompt, silence, started

SOFT = 16 * 100
"""Samples before the first loud one in which speech may have begun softly."""


def latencies(vad: InlineVad, sounds: list[tuple[Pcm16, Pcm16]]) -> list[float]:
    """Milliseconds from the first loud sample of speech, after a lead-in, to the decision; inf if missed."""
    found = []
    for lead, speech in sounds:
        onset = (lead.size + loud_from(speech)) * 2
        heard = hear(vad, np.concatenate([lead, speech, silence(0.3)]), frame=1600)
        before = onset - SOFT
        if sum(e.at < before for e in started(heard)) > sum(e.at < before for e in ended(heard)):
            continue  # a false turn of the lead-in was still open
        # A breath before the first loud sample may begin it.
        after = [e.at for e in started(heard) if e.at >= onset - SOFT]
        found.append(max(after[0] - onset, 0) / 16 if after else np.inf)
    return found


def test_onset_of_recorded_people(inline: InlineVad) -> None:
    """Each prompt begins somewhere else within a window."""
    sounds = [(silence(0.6 + 0.0047 * i), prompt(name)[:12000]) for i, name in enumerate(PROMPTS)]
    found = latencies(inline, sounds)
    assert len(found) == len(PROMPTS) > 50
    assert np.percentile(found, 50) <= 85
    assert np.percentile(found, 95) <= 130
    assert max(found) <= 200


def test_every_sentence_is_found_where_it_is(inline: InlineVad) -> None:
    for name in PROMPTS[::6]:
        x = prompt(name)
        turns = ended(hear(inline, np.concatenate([silence(0.5), x, silence(0.8)])))
        assert turns[0].onset <= 8000 + loud_from(x) * 2 + 16 * 100
        assert turns[-1].offset <= 8000 + x.size * 2 + 16 * 200


@pytest.mark.parametrize("threshold", [0.5, 0.3])
def test_a_minute_without_speech_is_no_speech(model: SileroModel, threshold: float) -> None:
    vad = InlineVad(model, DetectorOptions(threshold=threshold))
    assert hear(vad, silence(60)) == []
    assert hear(vad, noise(60, -50)) == []


def test_a_loud_line_is_no_speech(inline: InlineVad) -> None:
    assert hear(inline, noise(20, -30)) == []
    hum = (3000 * np.sin(2 * np.pi * 50 * np.arange(8000 * 20) / 8000)).astype(np.int16)
    assert hear(inline, hum) == []


def test_speech_after_music_is_heard_in_time_because_the_state_fades(model: SileroModel) -> None:
    sounds = []
    for i, name in enumerate(PROMPTS[::4]):
        m = music(i)
        start = (i * 7919 * 13) % (m.size - 30 * 8000)
        lead = np.concatenate([m[start : start + (18 + i % 8) * 8000], silence(0.1 + 0.0047 * i)])
        sounds.append((lead, prompt(name)[:12000]))
    faded = latencies(InlineVad(model), sounds)
    kept = latencies(InlineVad(model, DetectorOptions(fade_ms=0)), sounds)
    assert len(faded) > 10 and len(kept) > 10
    assert np.percentile(faded, 90) <= 220
    assert np.percentile(kept, 90) > 1.5 * np.percentile(faded, 90)
    assert np.median(kept) > 1.3 * np.median(faded)


def test_an_endless_talker_is_cut_and_nothing_is_lost(inline: InlineVad) -> None:
    x = prompt("vm-options")
    options = EndpointingOptions(max_turn_ms=3000)
    heard = hear(inline, np.concatenate([silence(0.5), x, silence(1)]), options)
    turns = ended(heard)
    cut = [t for t in turns if t.reason == "max_turn"]
    assert len(cut) >= 3
    for turn in cut:
        assert 3000 * 16 <= turn.at - turn.onset < 3000 * 16 + 512
    for before, after in pairwise(turns):
        assert after.at - after.audio.size >= (before.at if before.reason == "max_turn" else before.offset)
