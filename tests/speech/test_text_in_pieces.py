from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from ivr.speech.sentences import complete_sentences, sentences_of


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
