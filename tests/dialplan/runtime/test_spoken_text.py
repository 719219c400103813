"""What a model writes reaches the voice without thinking, markup and emoji, in whatever pieces it came."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.dialplan.runtime.spoken_text import SpokenText


def spoken(*pieces: str) -> str:
    text = SpokenText()
    return "".join([*(text.feed(piece) for piece in pieces), text.end()])


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("**Hello** *there*, _you_ and __me__!", "Hello there, you and me!"),
        ("# Title\nText", "Title\nText"),
        ("- a\n- b\n* c\n1. one\n2) two\n• three", "a\nb\nc\n1, one\n2, two\nthree"),
        ("See [our site](https://x.y/z) or ![a map](m.png).", "See our site or a map."),
        ("```python\nprint(1)\n```\nDone.", "Done."),
        ("```\nHello\n```", "Hello\n"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b,\n1, 2,"),
        ("> quote\n---\nText\n***", "quote\nText\n"),
        ("`code`, ~~no~~ yes", "code, no yes"),
        ("<think>secret</think>Hi", "Hi"),
        ("<THINK>\nI must <b>not</b> say it\n</think>\n\nHi", "Hi"),
        ("Hi <think>never closed", "Hi"),
        ("<b>Bold</b> and <break time='1s'/>x<!-- note -->", "Bold and x"),
        ("<speak>Hello<script>alert(1)</script></speak>", "Hello"),
        ("&lt;b&gt;x&lt;/b&gt; Tom &amp; Ann", "x Tom & Ann"),
        ("<**b>x", "< b>x"),
        ("Great 😀 job 👨‍👩‍👧 1️⃣ done 🇩🇪 ✅ →", "Great job 1 done"),
        ("Hi \ud83d\ude00 you\ud83d", "Hi you"),
        ("a\x1b[31m\x00b\u202ec\ufffd", "a31mbc"),
    ],
)
def test_markup_and_emoji_are_left_out(written: str, heard: str) -> None:
    assert spoken(written) == heard
    assert spoken(*written) == heard, "character by character"


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 is 6, 2*3 too", "snake_case stays", "a < b and c > d", "AT&T rocks & more",
        "5 €, 20 °C, 1.5 litres",
        "-5 degrees", "It's 3:30 - or 4?", "Wow! Really?", "#1 choice", "50% off", "שלום, Žižek, 你好。",
        "a/b; c",
    ],
)  # fmt: skip
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert spoken(text) == text


PIECES = [
    "<think>", "</think>", "<", ">", "b", "/", "**", "*", "_", "`", "```", "```py", "\n", "\n\n", " ",
    "# ", "- ", "1. ", "|", "|---|", "[", "](", ")", "!", "&lt;", "&", ";", "\ud83d", "\ude00", "😀",
    "\u200d", "\ufe0f", "a", "Hello", ".", "\\", "~~", "<br/>", "http://x", "---", "> ", "\r", "\t",
    "\ufffd", "\x1b", "é", "5", "<script>", "</script>",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=60), st.data())
def test_any_pieces_give_the_same_speech_without_marks(written: str, data: st.DataObject) -> None:
    whole = spoken(written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=8)))
    pieces = [written[a:b] for a, b in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    assert spoken(*pieces) == whole == spoken(*written)
    assert whole.encode().decode() == whole
    assert not re.search(
        r"<[A-Za-z/!?]|[\x00-\x09\x0b-\x1f\x7f-\x9f]|[\U0001f000-\U0001faff\ufe0f\u200d\ufffd]", whole
    )
    if "\\" not in written:
        assert "**" not in whole and "```" not in whole


def test_a_long_reply_takes_time_in_proportion() -> None:
    for hostile in (
        "<" * 8000,
        "&" * 8000,
        "`" * 8000,
        "[](" * 2700,
        "- " * 4000,
        "1. " * 2700,
        "|" * 8000,
        "\\" * 8000,
    ):
        assert len(spoken(hostile)) <= 9000
