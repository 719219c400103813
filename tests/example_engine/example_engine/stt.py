"""The recogniser ``burst-counter``: counts the bursts of sound in an utterance."""

from dataclasses import dataclass
from typing import Any

from ivr.process.requests import ProcessOptions
from ivr.speech.base import Transcript, options_of
from ivr.speech.local_engine import LocalEngine

WORDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstCounterOptions(ProcessOptions):
    """Fields are the settings of ``[stt.burst-counter]``, those of the child process included."""

    level_dbfs: float = -40.0
    """Level above which sound belongs to a burst."""
    gap_ms: int = 150
    """Quiet that separates two bursts."""


class BurstCounter:
    """A SpeechToText."""

    name = "burst-counter"
    options_type = BurstCounterOptions

    def __init__(self, **options: Any) -> None:
        """Options are the fields of BurstCounterOptions. Raises ValueError."""
        self.options = options_of(BurstCounterOptions, self.name, options)
        arguments = {"level_dbfs": self.options.level_dbfs, "gap_ms": self.options.gap_ms}
        self.engine = LocalEngine(self.name, "example_engine.child:Counter", arguments, self.options)

    async def start(self) -> None:
        await self.engine.start()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        """Return the number of bursts as a word, empty when there is none or more than nine."""
        result = await self.engine.call({"sample_rate": sample_rate}, pcm16)
        count = int(result["bursts"])
        text = WORDS[count] if count < len(WORDS) else ""
        return Transcript(text, 1.0 if text else 0.0, self.name)

    async def aclose(self) -> None:
        await self.engine.aclose()
