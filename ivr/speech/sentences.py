"""Split text into sentences, the unit in which speech is synthesised; also text that is still arriving."""

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
    """Return the sentences of ``text``, stripped; none is empty or only punctuation."""
    sentences, rest = complete_sentences(text)
    return [piece for piece in (*sentences, rest.strip()) if piece.strip(_MARKS)]


def complete_sentences(text: str) -> tuple[list[str], str]:
    """Return the complete sentences of ``text``, and the remainder, which may still grow."""
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if piece and piece.rsplit(None, 1)[-1].lower() not in _NOT_AN_END:
            sentences.append(piece)
            start = match.end()
    return sentences, text[start:]


async def sentences_of(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield each sentence of a text that arrives in pieces as soon as it is complete, then the remainder."""
    rest = ""
    async for piece in pieces:
        done, rest = complete_sentences(rest + piece)
        for sentence in done:
            if sentence.strip(_MARKS):
                yield sentence
    if rest.strip(_MARKS):
        yield rest.strip()
