"""How long the words of a text take to say, and with what sounds they begin and end. Pure, from spelling.

Written for the European languages in Latin letters: a group of vowel letters is a syllable. Any other script
is counted letter by letter. Times are those of an unhurried telephone voice; only their ratios matter where
the whole of the sound is known.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, NamedTuple

Sound = Literal["vowel", "voiced", "hiss", "stop"]
"""A vowel; a consonant with voice all through (m, l, r); a fricative (s, f); a plosive (p, t, k)."""
SOUNDS: tuple[Sound, ...] = ("vowel", "voiced", "hiss", "stop")

WORD_MS, VOWEL_MS, CONSONANT_MS = 87.0, 86.0, 35.0
"""Milliseconds of each word, and of each syllable and each consonant in it."""

_VOWELS = "aeiouy"
_SPOKEN = {
    sign: f" {name} "
    for sign, name in zip(
        "0123456789#*&%@$€",
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "pound",
            "star",
            "and",
            "percent",
            "at",
            "dollars",
            "euros",
        ],
        strict=True,
    )
}
"""What is written with a sign and said with a word (the digits in English; other languages are as long)."""
_DOT_INSIDE = re.compile(r"(?<=\w)\.(?=\w)")
_PAUSE = re.compile(r"[,.;:!?…—–][\"'”’»)\]]*$")
_ALPHABET = re.compile(r"[a-z]+|[^\W\d_]")
_ONE_SOUND = re.compile(r"th|sh|ch|ph|ck|gh|wh|qu|(.)\1")


class Length(NamedTuple):
    """What is known of a word before it is heard."""

    ms: float
    """0 for what is not said, such as a dash."""
    first: Sound | None
    last: Sound | None
    """None when the spelling does not tell."""
    pause: bool
    """Punctuation that asks for a pause follows."""


def is_said(word: str) -> bool:
    """Whether anything is heard of it: not of a dash, nor of an emoji."""
    return _length(word, spell_capitals=False).ms > 0


def asks_for_pause(word: str) -> bool:
    """It ends with punctuation that divides clauses."""
    return _PAUSE.search(word) is not None


def word_lengths(words: Sequence[str]) -> list[Length]:
    """The length of each word as it is written in a text (punctuation included)."""
    shouted = all(word.upper() == word for word in words)
    return [_length(word, spell_capitals=not shouted) for word in words]


def _length(word: str, *, spell_capitals: bool) -> Length:
    pause = asks_for_pause(word)
    text = unicodedata.normalize("NFD", word.replace("'", "").replace("’", ""))
    text = "".join(c for c in text if not unicodedata.combining(c))
    capitals = re.sub(r"\W", "", text)
    if spell_capitals and 2 <= len(capitals) <= 4 and capitals.isalpha() and capitals.isupper():
        return Length(WORD_MS + sum(map(_letter_name_ms, capitals.lower())), None, None, pause)
    text = _DOT_INSIDE.sub(" dot ", text.lower())
    text = "".join(_SPOKEN.get(c, c) for c in text)
    runs: list[str] = _ALPHABET.findall(text)
    if not runs:
        return Length(0.0, None, None, pause)
    ms = WORD_MS + sum(map(_run_ms, runs))
    return Length(ms, _first(runs[0]), _last(runs[-1]), pause)


def _run_ms(run: str) -> float:
    """Milliseconds of letters without a break: a-z, or one letter of another script."""
    if not run.isascii():
        # A letter that has no capital is, in most scripts that have such, a syllable.
        return VOWEL_MS + CONSONANT_MS if run.lower() == run.upper() else (VOWEL_MS + CONSONANT_MS) / 2
    syllables = len(re.findall(f"[{_VOWELS}]+", run))
    if not syllables and len(run) > 1:
        return sum(map(_letter_name_ms, run))
    if syllables > 1 and (_mute_e(run) or re.search(r"[^aeioutd]ed$", run)):
        syllables -= 1
    consonants = re.sub(f"[{_VOWELS}]+", " ", _ONE_SOUND.sub("t", run)).replace(" ", "")
    return VOWEL_MS * max(1, syllables) + CONSONANT_MS * len(consonants)


def _letter_name_ms(letter: str) -> float:
    return (VOWEL_MS + CONSONANT_MS) * (3 if letter == "w" else 1)


def _mute_e(run: str) -> bool:
    return run.endswith("e") and len(run) > 2 and run[-2] not in f"{_VOWELS}l"


def _first(run: str) -> Sound | None:
    if not run.isascii():
        return None
    if run[:2] in ("ch", "ph", "sh", "ce", "ci", "cy") or run[0] in "szfvj":
        return "hiss"
    if run[:2] in ("th", "kn", "wr") or run[0] in "mnlrwhy":
        return "voiced"
    return "stop" if run[0] in "pbtdkgcqx" else "vowel"


def _last(run: str) -> Sound | None:
    if not run.isascii():
        return None
    mute = _mute_e(run)
    run = run.removesuffix("e") if mute else run
    if run[-2:] in ("sh", "ch", "ph", "th") or run[-1] in "szxfvj" or (mute and run[-1] in "cg"):
        return "hiss"
    if run.endswith("ng") or run[-1] in "mnlr":
        return "voiced"
    return "stop" if run[-1] in "pbtdkgcq" else "vowel"
