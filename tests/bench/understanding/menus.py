"""Puts items on menus and asks the recogniser, as a call does."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ivr.audio.resample import resample
from ivr.dialplan.verbs.gather.question import Question
from ivr.grammar.answers import NO, YES, expected_answers
from ivr.grammar.expectation import Expectation
from ivr.grammar.fusion import Recognition
from ivr.grammar.inputs import InputSpec, make_input
from ivr.speech.base import SpeechToText, Transcript, recognise
from tests.bench.understanding.corpus import Item
from tests.bench.understanding.values import Said

RATE = 16_000


@dataclass
class Outcome:
    """One question and its answer. ``meaning`` is None for a stranger: what was said is no choice."""

    item: Item
    meaning: str | None
    understood: Recognition
    taken: str | None
    """The choice that was taken at once."""
    offered: tuple[str, ...]
    """Choices that would be confirmed, in order."""
    seconds: float

    @property
    def right(self) -> bool:
        return self.taken == self.meaning

    @property
    def confirmed(self) -> bool:
        """Right, at once or after one confirmation."""
        return self.meaning is not None and self.meaning in (self.taken, *self.offered[:1])


async def ask(stt: SpeechToText, item: Item, expected: Expectation, meaning: str | None) -> Outcome:
    """Return how ``item`` is understood as the answer to a question."""
    sound = resample(item.pcm, 8000, RATE).tobytes()
    began = time.perf_counter()
    heard = await recognise(stt, sound, RATE, expected.context)
    seconds = time.perf_counter() - began
    understood = expected.understand(heard.text, heard.confidence, heard.hypotheses)
    named = expected.meaning(understood.text) if expected.meaning is not None else None
    if expected.asks:
        value = make_input(InputSpec.from_plain(expected.asks)).parse(understood.text)
        named = {True: YES, False: NO}[value.value] if value is not None else None
    taken = named if understood.rule != "unsure" or named is not None else None
    possible = [
        each.meaning for each in understood.hypotheses if each.confidence >= expected.thresholds.confirm
    ]
    offered = tuple(possible) if taken is None else ()
    return Outcome(item, meaning, understood, taken, offered, seconds)


@dataclass
class ValueOutcome:
    """A typed value that was said: what was taken at once, or what would be confirmed."""

    said: Said
    taken: Any
    offered: Any
    seconds: float


async def ask_value(stt: SpeechToText, said: Said) -> ValueOutcome:
    """Return how ``said`` is understood as the answer to a question for such a value, as ``gather`` does with
    ``confirm: auto``."""
    question = Question({}, {}, said.spec, "#", said.spec.language)
    sound = resample(said.pcm, 8000, RATE).tobytes()
    began = time.perf_counter()
    heard = await recognise(stt, sound, RATE, question.expected.context)
    seconds = time.perf_counter() - began
    found = question.expected.understand(heard.text, heard.confidence, heard.hypotheses)
    typed = question.typed(found.text, found.confidence)
    if typed is not None and not question.doubts(typed, found.hypotheses):
        return ValueOutcome(said, typed.value, None, seconds)
    unsure = question.unsure_value(found.hypotheses)
    offered = typed or (unsure[0] if unsure is not None else None)
    return ValueOutcome(said, None, offered.value if offered is not None else None, seconds)


def menu(item: Item, others: Sequence[str], size: int, *, stranger: bool, dice: random.Random) -> Expectation:
    """Return a menu of ``size`` choices; ``item`` is one of them unless it is a ``stranger``."""
    words = dice.sample([each for each in others if each != item.meaning], size)
    if not stranger:
        words[dice.randrange(size)] = item.meaning
    return expected_answers({each: ((each,), ()) for each in words})


class TextOnly:
    """A recogniser that does not know the question: what its text means is found by matching alone."""

    def __init__(self, engine: SpeechToText) -> None:
        self._engine = engine
        self.name = f"{engine.name}, text alone"

    async def start(self) -> None:
        """Do nothing: the engine is started by whoever made it."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        return await self._engine.transcribe(pcm16, sample_rate)

    async def aclose(self) -> None:
        """Do nothing."""
