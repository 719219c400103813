"""Typed values and what is said of them: digits, numbers, money, times, dates, letters with digits. Some
digits are put together of single ones that people recorded.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ivr.grammar.inputs import InputSpec, make_input
from tests.bench.turns.clip import Split, mixed, split_of
from tests.bench.turns.line import Pcm16
from tests.bench.turns.recordings import word
from tests.bench.turns.voices import VOICES, Speaker, Voice, trimmed
from tests.bench.understanding.corpus import Who, over_line

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LENGTHS = (4, 6, 8, 16)
PER_LENGTH = 16
REPORTED = (
    Voice("festival", "en", variant="festival"),
    Voice("espeak-gb-scotland-m5", "en", variant="en-gb-scotland+m5"),
    Voice("espeak-us-f5", "en", variant="en-us+f5", words_per_minute=155),
)
"""Voices by which nothing is chosen."""
TODAY = "2026-12-01"
SAID: dict[str, tuple[str, ...]] = {
    "money": (
        "twenty dollars", "a hundred and fifty dollars", "nine dollars ninety nine", "seventy five dollars",
        "twelve hundred dollars", "three dollars fifty", "forty two dollars and ten cents",
        "five thousand dollars", "sixteen dollars", "one hundred and one dollars", "eighty dollars",
        "two thousand five hundred dollars",
    ),
    "time": (
        "half past three", "quarter to nine", "ten thirty", "seven p.m.", "eight in the morning", "noon",
        "five forty five", "a quarter past eleven", "two o'clock in the afternoon", "nine a.m.",
        "six fifteen", "twenty past four",
    ),
    "date": (
        "the third of May", "next Tuesday", "tomorrow", "January twenty second", "the ninth of November",
        "Friday", "the first of March", "July fourth", "in two weeks", "December thirty first",
        "today", "August sixteenth",
    ),
    "number": (
        "seventeen", "forty two", "one hundred and five", "three", "two thousand and six", "ninety nine",
        "sixty", "eleven", "seventy three", "fifteen", "thirty", "eight hundred",
    ),
}  # fmt: skip
CODES = 24


@dataclass(frozen=True)
class Said:
    """One value that is said: ``pcm`` is PCM16 at 8 kHz, as the line delivers it."""

    name: str
    who: Who
    spec: InputSpec
    value: Any
    pcm: Pcm16

    @property
    def split(self) -> Split:
        return "report" if any(f"/{voice.name}/" in self.name for voice in REPORTED) else split_of(self.name)

    @property
    def row(self) -> str:
        """Kind of value; of digits also how many."""
        return f"{self.spec.kind} {self.spec.max_digits}" if self.spec.kind == "digits" else self.spec.kind


def said_values(folder: Path) -> Iterator[Said]:
    """Yield all; ``folder`` keeps the synthetic voices."""
    yield from _recorded_digits()
    speaker = Speaker(folder)
    english = [voice for voice in VOICES if voice.language == "en"]
    wanted: list[tuple[Voice, InputSpec, str]] = []
    for number, (spec, text) in enumerate(_texts()):
        wanted.append((english[number % len(english)], spec, text))
        wanted.append((english[(number + 2) % len(english)], spec, text))
        wanted.append((REPORTED[number % len(REPORTED)], spec, text))
    speaker.prepare([(voice, text) for voice, _, text in wanted])
    for voice, spec, text in wanted:
        name = f"value/{spec.kind}/{voice.name}/{text}"
        yield Said(name, "voices", spec, _value(spec, text), over_line(name, speaker.say(voice, text)))


def _texts() -> Iterator[tuple[InputSpec, str]]:
    for kind, texts in SAID.items():
        for text in texts:
            yield InputSpec(kind=kind, currency="USD", today=TODAY), text
    dice = random.Random(mixed("digits that voices say"))
    for length in LENGTHS:
        for _ in range(PER_LENGTH):
            said = [DIGITS[dice.randrange(10)] for _ in range(length)]
            groups = [" ".join(said[at : at + 4]) for at in range(0, length, 4)]
            yield _digits(length), ", ".join(groups)
    for _ in range(CODES):
        letters = " ".join(dice.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(2))
        figures = " ".join(DIGITS[dice.randrange(10)] for _ in range(4))
        yield InputSpec(kind="pattern", pattern="[A-Z]{2}[0-9]{4}"), f"{letters}, {figures}"


def _recorded_digits() -> Iterator[Said]:
    dice = random.Random(mixed("digits that people say"))
    for length in LENGTHS:
        for number in range(PER_LENGTH):
            digits = [dice.randrange(10) for _ in range(length)]
            parts = [(trimmed(word("en", f"digits/{each}")), _pause(dice)) for each in digits]
            name = f"value/digits/people/{length}/{number}"
            sound = np.concatenate([each for pair in parts for each in pair])
            value = "".join(map(str, digits))
            yield Said(name, "people", _digits(length), value, over_line(name, sound))


def _pause(dice: random.Random) -> Pcm16:
    return np.zeros(8 * dice.randint(40, 160), np.int16)


def _digits(length: int) -> InputSpec:
    return InputSpec(kind="digits", min_digits=length, max_digits=length)


def _value(spec: InputSpec, text: str) -> Any:
    found = make_input(spec).parse(text)
    if found is None:
        raise ValueError(f"{text!r} is no {spec.kind}")
    return found.value
