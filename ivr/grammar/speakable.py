"""Text for the voice: what is written for the eye becomes the words that are said.

"Call 911 by 5:30 pm, Dr. Ng" is "Call nine one one by five thirty p m, Doctor Ng". The rules are those of the
language (``languages/*/speakable.py``) between two lists that all languages share: markup and addresses.
A rule that comes first takes its part of the text; later ones leave that alone. Each stretch keeps the words
as written, so that the times of spoken words become those of written ones.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ivr.grammar.languages import registry
from ivr.grammar.languages.speakable_rules import SpeakableRule, rule

VERSION = 1
"""Changes with the rules, so that prompts made by older ones are made again."""
MAX_TEXT = 5_000
"""Characters of a text that are rewritten; a longer one is said as it is."""

_MARKUP: tuple[SpeakableRule, ...] = (
    rule(r"</?[A-Za-z][^<>\n]{0,200}>", ""),
    rule(r"(?m)^ {0,3}#{1,6} +", ""),
    rule(r"(?m)^ {0,3}(?:[-*•] +|> ?)(?=\S)", ""),
    rule(r"(?m)^ {0,3}(?:`{3,}\w*|-{3,}|\*{3,}|={3,}) *$", ""),
    rule(r"!?\[(?=[^\[\]\n]{1,200}\]\([^()\s]{1,500}\))", ""),
    rule(r"(?<=[^\s\[])\]\([^()\s]{1,500}\)", ""),
    rule(r"\*{1,3}(?=[^\s*][^*\n]{0,300}\*)|(?<=[^\s*])\*{1,3}(?=\W|$)", ""),
    rule(r"(?<!\w)_{1,2}(?=[^\s_])|(?<=[^\s_])_{1,2}(?!\w)", ""),
    rule(r"`|~~", ""),
    rule("[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u200d]", ""),
)


_TEXT_END = re.compile(r"\s*(?:\n|\Z)")
_LINE_END = re.compile(r"[^\S\n]*\n")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some words of a text, and what is said for them."""

    written: tuple[str, ...]
    spoken: tuple[str, ...]
    line_end: bool = False
    """It is the last of a line, where a voice pauses."""


def spoken_text(parts: Sequence[Stretch]) -> str:
    """Return what is said, with the line ends of the text."""
    said: list[str] = []
    for part in parts:
        said += part.spoken
        if part.line_end:
            said.append("\n")
    return " ".join(said).replace(" \n ", "\n").strip()


def stretches(text: str, tag: str) -> list[Stretch]:
    """Return the words of ``text`` (``str.split``) in order, in stretches that are said together, in a
    language. One that no rule changes is a stretch of one word.
    """
    language = registry.find_language(tag)
    if language is None or not language.speakable or len(text) > MAX_TEXT:
        return [
            Stretch((word,), (word,), line_end=at == len(line) - 1)
            for line in map(str.split, text.splitlines())
            for at, word in enumerate(line)
        ]
    changes = _changes(text, (*_MARKUP, *language.speakable), tag)
    found: list[Stretch] = []
    at = 0
    for start, end in _groups(text, changes):
        spoken, place = "", start
        while at < len(changes) and changes[at][0] < end:
            first, last, said = changes[at]
            spoken, place, at = spoken + text[place:first] + said, last, at + 1
        spoken += text[place:end]
        line_end = _LINE_END.match(text, end) is not None
        found.append(Stretch(tuple(text[start:end].split()), tuple(spoken.split()), line_end))
    return found


def speakable(text: str, tag: str) -> str:
    """Return ``text`` as it is said in the language ``tag``."""
    return spoken_text(stretches(text, tag))


def _changes(text: str, rules: Sequence[SpeakableRule], tag: str) -> list[tuple[int, int, str]]:
    """Return what is said instead of which characters, in order and apart from each other."""
    taken = bytearray(len(text))
    changes: list[tuple[int, int, str]] = []
    for each in rules:
        for found in each.pattern.finditer(text):
            start, end = found.span(each.group)
            if start < 0 or start == end or any(taken[start:end]):
                continue
            said = each.say(found, tag)
            if said is None:
                continue
            if text[start:end].endswith(".") and not said.endswith(".") and _TEXT_END.match(text, end):
                said += "."  # it is the sentence's as well
            taken[start:end] = b"\1" * (end - start)
            changes.append((start, end, said))
    return sorted(changes)


def _groups(text: str, changes: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
    """Return the spans of words; words that one change joins are one span."""
    at = 0
    start = end = -1
    for word in re.finditer(r"\S+", text):
        while at < len(changes) and changes[at][1] <= word.start():
            at += 1
        joined = start >= 0 and at < len(changes) and changes[at][0] < end and changes[at][1] > word.start()
        if start >= 0 and not joined:
            yield start, end
        start, end = start if joined else word.start(), word.end()
    if start >= 0:
        yield start, end
