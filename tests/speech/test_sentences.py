from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.speech.sentences import complete_sentences, sentences_of, split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("  \n ", []),
        ("Hello", ["Hello"]),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith is in at 9 a.m. today. Call then.", ["Dr. Smith is in at 9 a.m. today.", "Call then."]),
        ("It costs 3.50 now. Good.", ["It costs 3.50 now.", "Good."]),
        ('He said "go." Then he went.', ['He said "go."', "Then he went."]),
        ("A line\nanother line", ["A line", "another line"]),
        ("Yes. ... !", ["Yes."]),
        ("100 % & more", ["100 % & more"]),
        ("%", ["%"]),
        ("Wait... what?", ["Wait...", "what?"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(alphabet="ab.!? \n\"'…", max_size=80))
def test_no_word_is_lost_or_made_up(text: str) -> None:
    marks = "!?.\"'…"
    spoken = [word for word in text.split() if word.strip(marks)]
    assert [word for word in " ".join(split_sentences(text)).split() if word.strip(marks)] == spoken
    assert all(sentence == sentence.strip() != "" for sentence in split_sentences(text))


@pytest.mark.parametrize("size", [1, 2, 7, 100])
async def test_text_that_arrives_in_pieces_gives_the_same_sentences(size: int) -> None:
    text = "Dr. Smith is in. Call him at 3.50 p.m. today! ... Or not? Well"

    async def pieces() -> AsyncIterator[str]:
        for at in range(0, len(text), size):
            yield text[at : at + size]

    assert [sentence async for sentence in sentences_of(pieces())] == split_sentences(text)


async def test_a_sentence_is_given_before_the_next_has_come() -> None:
    asked = []

    async def pieces() -> AsyncIterator[str]:
        for piece in ("One. ", "Two. ", "Three."):
            asked.append(piece)
            yield piece

    sentences = sentences_of(pieces())
    assert await anext(sentences) == "One."
    assert asked == ["One. "]


async def pieces(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def test_a_sentence_is_given_as_soon_as_it_is_complete() -> None:
    arrived: list[str] = []

    async def source() -> AsyncIterator[str]:
        for piece in ("Hel", "lo. How ", "are you? I", " am fine"):
            arrived.append(piece)
            yield piece

    got = []
    async for sentence in sentences_of(source()):
        got.append((sentence, len(arrived)))
    assert got == [("Hello.", 2), ("How are you?", 3), ("I am fine", 4)]


async def test_nothing_and_blanks() -> None:
    assert [s async for s in sentences_of(pieces())] == []
    assert [s async for s in sentences_of(pieces(" ", "\n"))] == []


def test_abbreviations_and_decimals_do_not_end_a_sentence() -> None:
    assert complete_sentences("Dr. Smith pays 3.50 today. Yes. ")[0] == ["Dr. Smith pays 3.50 today.", "Yes."]


@given(st.lists(st.text(alphabet="ab .!?\n", max_size=8), max_size=8))
def test_no_letter_is_lost_however_it_is_cut(parts: list[str]) -> None:
    rest, out = "", []
    for part in parts:
        done, rest = complete_sentences(rest + part)
        out += done
    joined = "".join(out) + rest
    assert joined.replace(" ", "").replace("\n", "") == "".join(parts).replace(" ", "").replace("\n", "")
