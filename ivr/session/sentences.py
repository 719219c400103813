"""Text that arrives in pieces, cut into sentences as soon as each is complete."""

import re
from collections.abc import AsyncIterator

_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n+")
_ABBREVIATIONS = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "no.", "vs.", "e.g.", "i.e.", "a.m.", "p.m."})


def split_sentences(text: str) -> tuple[list[str], str]:
    """The complete sentences of ``text``, and the rest that may still grow."""
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        candidate = text[start : match.end()].strip()
        if candidate and candidate.rsplit(None, 1)[-1].lower() not in _ABBREVIATIONS:
            sentences.append(candidate)
            start = match.end()
    return sentences, text[start:]


async def sentences_of(pieces: AsyncIterator[str]) -> AsyncIterator[str]:
    """Yield each sentence once its end has arrived, and what is left at the end."""
    rest = ""
    async for piece in pieces:
        done, rest = split_sentences(rest + piece)
        for sentence in done:
            yield sentence
    if rest.strip():
        yield rest.strip()
