"""A finished text cut into sentences: the unit in which sound is asked for."""

import re

_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n\s*")
_NOT_AN_END = frozenset(
    [
        *("mr.", "mrs.", "ms.", "dr.", "prof.", "st.", "no.", "vs.", "etc.", "approx.", "e.g.", "i.e."),
        *("a.m.", "p.m.", "u.s.", "jan.", "feb.", "aug.", "sept.", "oct.", "nov.", "dec."),
    ]
)


def split_sentences(text: str) -> list[str]:
    """Every word of ``text`` in order, in pieces without blank ends; none is empty."""
    sentences: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if piece and piece.rsplit(None, 1)[-1].lower() not in _NOT_AN_END:
            sentences.append(piece)
            start = match.end()
    rest = text[start:].strip()
    return [*sentences, rest] if rest else sentences
