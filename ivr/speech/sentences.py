"""Text cut into sentences, the unit in which sound is asked for; also text that is still being written."""

import re
from collections.abc import AsyncIterator

_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n\s*")
_NOT_AN_END = frozenset(
    [
        *("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.", "vs.", "etc.", "approx.", "e.g.", "i.e."),
        *("a.m.", "p.m.", "u.s.", "jan.", "feb.", "aug.", "sept.", "oct.", "nov.", "dec."),
    ]
)

_MARKS = " \n\t.,;:!?…-–—\"'“”‘’()[]"


def split_sentences(text: str) -> list[str]:
    """Every word of ``text`` in order, in pieces without blank ends; none is empty or mere punctuation."""
    sentences, rest = complete_sentences(text)
    return [piece for piece in (*sentences, rest.strip()) if piece.strip(_MARKS)]


def complete_sentences(text: str) -> tuple[list[str], str]:
    """The sentences of ``text`` that have ended, and the rest, which may still grow."""
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if piece and piece.rsplit(None, 1)[-1].lower() not in _NOT_AN_END:
            sentences.append(piece)
            start = match.end()
    return sentences, text[start:]


async def sentences_of(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Each sentence of a text that arrives in pieces, once its end is there; what is left at the end."""
    rest = ""
    async for piece in pieces:
        done, rest = complete_sentences(rest + piece)
        for sentence in done:
            if sentence.strip(_MARKS):
                yield sentence
    if rest.strip(_MARKS):
        yield rest.strip()
