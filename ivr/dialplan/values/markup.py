"""A small part of SSML 1.1 in texts: ``break``, ``say-as``, ``emphasis``, ``p``, ``s``.

No speech engine here reads markup, so it is carried out before one sees the text: a break and the end of a
paragraph become silence, what is in ``say-as`` is read as ``reading`` does it, of the rest the words are
kept. None of it is ever read aloud, nor what a value brings along that looks like it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ivr.grammar.reading import AS, CannotRead

MAX_BREAK_MS = 10_000
"""The longest break, in ms."""
MAX_BREAKS = 50
"""Breaks in one text."""
PARAGRAPH_MS = 600
STRENGTHS = {"none": 0, "x-weak": 100, "weak": 200, "medium": 400, "strong": 700, "x-strong": 1000}
"""Milliseconds of a break that names no time."""
LEVELS = ("strong", "moderate", "none", "reduced")
_ATTRIBUTES = {
    "break": ("time", "strength"),
    "say-as": ("interpret-as", "format", "detail"),
    "emphasis": ("level",),
    "p": (),
    "s": (),
}
"""The elements, and what each may have."""

_TAG = re.compile(r"<(/?)([A-Za-z][\w:-]{0,40})((?:\s[^<>]{0,200}?)?)(/?)>")
_ATTRIBUTE = re.compile(r"""\s*([\w:-]+)\s*=\s*("[^"<>]*"|'[^'<>]*')""")
_TIME = re.compile(r"\+?(\d{1,6}(?:\.\d{1,3})?)(ms|s)")


class MarkupError(ValueError):
    """A mistake in the markup, explained to a plan's author."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Silence of some milliseconds."""

    ms: int


@dataclass(frozen=True, slots=True)
class _Tag:
    name: str
    closes: bool
    empty: bool
    attributes: dict[str, str]


def has_markup(text: str) -> bool:
    return _TAG.search(text) is not None


def without_markup(value: Any) -> str:
    """Return a value as the text that is said for it: what looks like markup in it is left out."""
    text = str(value)
    if "<" not in text:
        return text
    return re.sub(r"<(?=[/A-Za-z])", " ", _TAG.sub(" ", text)).strip()


def check_markup(text: str) -> None:
    """Raises MarkupError for what is no SSML of ours, or is not closed as it was opened."""
    for _ in _parsed(text, strict=True):
        pass


def pieces(text: str, language: str) -> list[str | Silence]:
    """What is to be said one after the other. Never raises: what a value has broken is left out."""
    found: list[str | Silence] = []
    words = ""
    reading: str | None = None
    inside = ""
    for part in _parsed(text, strict=False):
        if isinstance(part, str):
            if reading is None:
                words += part
            else:
                inside += part
            continue
        if part.name == "say-as":
            if reading is not None:
                words += _read(reading, inside, language)
            reading, inside = (part.attributes.get("interpret-as", ""), "") if not part.closes else (None, "")
            continue
        ms = _silence_ms(part)
        if ms and sum(isinstance(each, Silence) for each in found) < MAX_BREAKS:
            found += [*_said(words), Silence(ms)]
            words = ""
        elif part.name in ("p", "s"):
            words += " "
    if reading is not None:
        words += inside
    found += _said(words)
    return found


def _said(words: str) -> Iterator[str]:
    if _TAG.search(words):  # "<<p>p>": what was left looks like markup again
        words = re.sub("[<>]", " ", _TAG.sub("", words))
    said = re.sub(r"\s+([,.;:!?])", r"\1", " ".join(words.split()))
    if re.search(r"\w", said):
        yield said


def _read(interpret_as: str, inside: str, language: str) -> str:
    try:
        return AS[interpret_as](inside.strip(), language)
    except (KeyError, CannotRead):
        return inside


def _silence_ms(tag: _Tag) -> int:
    if tag.name == "p" and tag.closes:
        return PARAGRAPH_MS
    if tag.name != "break" or tag.closes:
        return 0
    time = _TIME.fullmatch(tag.attributes.get("time", ""))
    if time is None:
        return STRENGTHS.get(tag.attributes.get("strength", "medium"), 0)
    return min(round(float(time[1]) * (1000 if time[2] == "s" else 1)), MAX_BREAK_MS)


def _parsed(text: str, *, strict: bool) -> Iterator[str | _Tag]:
    """Words and tags. Where it is not ``strict`` a tag that is none of ours vanishes."""
    at = 0
    open_: list[str] = []
    for found in _TAG.finditer(text):
        if strict:
            _no_stray(text[at : found.start()])
        yield text[at : found.start()]
        at = found.end()
        tag = _Tag(found[2], bool(found[1]), bool(found[4]), _attributes(found[3], strict))
        if strict:
            _check(tag, open_)
        if tag.name in _ATTRIBUTES:
            yield tag
    if strict:
        _no_stray(text[at:])
        if open_:
            raise MarkupError(f"<{open_[-1]}> is not closed; write </{open_[-1]}> after what it is for")
    yield text[at:]


def _no_stray(words: str) -> None:
    stray = re.search(r"</?[A-Za-z][^\s<>]{0,20}", words)
    if stray is not None:
        raise MarkupError(f"{stray[0]!r} begins markup that does not end with >")


def _attributes(text: str, strict: bool) -> dict[str, str]:
    found = {match[1]: match[2][1:-1] for match in _ATTRIBUTE.finditer(text)}
    if strict and _ATTRIBUTE.sub("", text).strip():
        raise MarkupError(f'{text.strip()[:40]!r} is not written as name="value"')
    return found


def _check(tag: _Tag, open_: list[str]) -> None:
    """One tag, given those that are open; they follow along."""
    if tag.name not in _ATTRIBUTES:
        raise MarkupError(f"<{tag.name}> is not one of {', '.join(f'<{name}>' for name in _ATTRIBUTES)}")
    for name in tag.attributes:
        if name not in _ATTRIBUTES[tag.name]:
            known = ", ".join(_ATTRIBUTES[tag.name]) or "none"
            raise MarkupError(f"<{tag.name}> has no attribute {name!r} (it has {known})")
    if tag.closes:
        if not open_ or open_.pop() != tag.name:
            raise MarkupError(f"</{tag.name}> closes what is not open there")
        return
    if tag.name == "break":
        if not tag.empty:
            raise MarkupError('a break has nothing in it: write <break time="500ms"/>')
        _check_break(tag)
    elif tag.name == "say-as":
        kind = tag.attributes.get("interpret-as")
        if kind not in AS:
            raise MarkupError(f"<say-as> needs an interpret-as, one of {', '.join(sorted(AS))}")
        if "say-as" in open_:
            raise MarkupError("a <say-as> cannot be inside another")
    elif tag.attributes.get("level", "moderate") not in LEVELS:
        raise MarkupError(f"the level of <emphasis> is one of {', '.join(LEVELS)}")
    if not tag.empty:
        open_.append(tag.name)


def _check_break(tag: _Tag) -> None:
    time, strength = tag.attributes.get("time"), tag.attributes.get("strength", "medium")
    if strength not in STRENGTHS:
        raise MarkupError(f"the strength of <break> is one of {', '.join(STRENGTHS)}")
    if time is None:
        return
    found = _TIME.fullmatch(time)
    if found is None or float(found[1]) * (1000 if found[2] == "s" else 1) > MAX_BREAK_MS:
        raise MarkupError(f"the time of <break> is such as 500ms or 2s, at most 10s, not {time[:40]!r}")
