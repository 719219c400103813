"""The bench of what was heard: how a transcript is laid beside a text, and a few cuts of each kind."""

import pytest

from ivr.modelstore import ModelStore
from tests.bench.heard import beginning, cuts, ending, figures
from tests.speech.recordings import PHRASES

TEXT = [
    "Press",
    "1",
    "to",
    "record",
    "your",
    "unavailable",
    "message,",
    "press",
    "2",
    "to",
    "be",
    "blacklisted.",
]


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        ("", 0),
        ("Press one to record.", 4),
        ("Press 1 to record your unavailable message", 7),
        ("Press 1 to record your un", 5),  # half a word is none
        ("press one to recall your unavailable message press two", 9),
        (
            "Press 1 to record your unavailable message. Press 2 to be blocked.",
            11,
        ),  # nor is what it was taken for
        ("press 1 to record your unavailable message, press 2 to be blacklisted", 12),
    ],
)
def test_words_of_a_beginning(heard: str, words: int) -> None:
    count, far = beginning(TEXT, heard)
    assert count == words
    assert far < 0.3


def test_words_left_out_at_the_start_of_an_end() -> None:
    assert ending(TEXT, "Press two to be blacklisted.")[0] == 7
    assert ending(TEXT, " ".join(TEXT))[0] == 0
    assert beginning(TEXT, "something else entirely, nothing of it")[1] > 0.5


@pytest.mark.campaign
@pytest.mark.parametrize("spoken", ["piper", "recording"])
async def test_some_cuts(models: ModelStore, spoken: str) -> None:
    phrases = [(name, text) for name, text in PHRASES.items() if len(text.split()) >= 5]
    done, _ = await cuts(phrases, spoken, 4, seed=2)
    assert len(done) == 4
    heard, late, level, lost, again = figures(spoken, done, {})
    assert max(heard.values) <= 1, done
    assert max(lost.values) <= 1, done
    assert max(again.values) < 2000
    assert max(level.values, default=-10) < 0
    assert max(late.values, default=0) < 400
