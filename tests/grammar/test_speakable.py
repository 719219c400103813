"""Text for the voice: what is said for what is written, and which words that was."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.grammar.speakable import MAX_TEXT, speakable, stretches

TABLE = [
    line.split("\t")
    for line in Path(__file__).with_name("speakable_texts.tsv").read_text(encoding="utf-8").splitlines()
]
PIECES = st.sampled_from(
    [
        "$",
        "12",
        ".50",
        ":30",
        " ",
        "pm",
        "Dr.",
        "St.",
        "-",
        "/",
        "*",
        "[a](b)",
        "\n",
        "IV",
        "é",
        "°C",
        "@a.com",
        "h",
    ]
)


def test_the_table_is_there() -> None:
    assert len(TABLE) > 150


@pytest.mark.parametrize("tag", ["en-US", "fr"])
def test_each_text_of_the_table_is_said_so(tag: str) -> None:
    rows = [(written, said) for language, written, said in TABLE if language == tag]
    assert len(rows) > 40
    assert {written: speakable(written, tag) for written, _ in rows} == dict(rows)


@pytest.mark.parametrize("tag", ["en-US", "fr"])
def test_what_is_said_is_said_so_again(tag: str) -> None:
    said = [said for language, _, said in TABLE if language == tag]
    assert [speakable(each, tag) for each in said] == said


@settings(max_examples=40, deadline=None)
@given(
    text=st.one_of(st.text(), st.lists(PIECES).map("".join)), tag=st.sampled_from(["en", "en-US", "fr", "xx"])
)
def test_stretches_keep_every_written_word_in_order(text: str, tag: str) -> None:
    found = stretches(text, tag)
    assert [word for each in found for word in each.written] == text.split()
    assert speakable(text, tag).split() == [word for each in found for word in each.spoken]


def test_a_language_without_rules_is_left_alone() -> None:
    assert speakable("$12.50 at 5:30 pm", "xx") == "$12.50 at 5:30 pm"


def test_line_ends_stay() -> None:
    assert speakable("- Sales\n- Billing", "en") == "Sales\nBilling"


@pytest.mark.parametrize("piece", ["1 ", "*a", "A. ", "a.", "(", "[a](", "-", "1,", "12:", "<b"])
def test_a_long_text_takes_time_in_proportion_to_its_length(piece: str) -> None:
    text = (piece * MAX_TEXT)[:MAX_TEXT]
    assert len(stretches(text, "en")) == len(stretches(text, "xx")) or speakable(text, "en")
