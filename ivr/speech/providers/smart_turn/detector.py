"""Judge whether the caller has finished: smart-turn (Pipecat's open model, v3.2), in its own process."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.modelstore import model_path
from ivr.process.requests import ProcessOptions
from ivr.speech.base import SpeechError, options_of
from ivr.speech.local_engine import LocalEngine

MODEL = "smart-turn"
TARGET = "ivr.speech.providers.smart_turn.child:SmartTurnEngine"
MODEL_S = 8
"""Seconds of a turn that the model takes: the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartTurnOptions(ProcessOptions):
    """Options of smart-turn. One judgement takes some 40 ms of one core; the room's README has
    measurements."""

    model: Path | None = None
    """An .onnx file of smart-turn v3; when not set, v3.2 from the model cache."""
    answer_timeout_s: float = 0.3
    """Seconds after which an answer comes too late and SpeechTimeout is raised instead. The process is
    not restarted: on a busy machine it is slow, and only after ``timeout_s`` taken for stuck."""
    queue_size: int = 8
    """More could not be answered in time."""
    threads: int = 1
    """Two gain a fifth, and keep both cores of a small machine from the media threads."""

    def __post_init__(self) -> None:
        if self.answer_timeout_s <= 0:
            raise ValueError(f"answer_timeout_s must be above 0, got {self.answer_timeout_s:g}")


class SmartTurn:
    """A TurnDetector. Only the last 8 s of a turn are judged, so no more is sent."""

    name = "smart-turn"
    options_type = SmartTurnOptions

    def __init__(self, **options: Any) -> None:
        """Options are the fields of SmartTurnOptions. Raises ValueError, ModelMissing."""
        self.options = options_of(SmartTurnOptions, self.name, options)
        model = self.options.model if self.options.model is not None else model_path(MODEL)
        arguments = {"model": str(model), "threads": self.options.threads}
        self.engine = LocalEngine(self.name, TARGET, arguments, self.options)

    async def start(self) -> None:
        await self.engine.start()

    async def probability(self, pcm16: bytes, sample_rate: int) -> float:
        """See TurnDetector. Any rate is accepted; 16 kHz needs no conversion."""
        if len(pcm16) % 2 or sample_rate <= 0:
            raise SpeechError(self.name, f"not PCM16: {len(pcm16)} bytes at {sample_rate} Hz")
        last = pcm16[-2 * MODEL_S * sample_rate :]
        result = await self.engine.call(
            {"sample_rate": sample_rate}, last, within_s=self.options.answer_timeout_s
        )
        return float(result["probability"])

    async def check(self) -> str:
        """Return how long one judgement takes here, round trip included (``ivr doctor``)."""
        began = time.monotonic()
        # Without the limit: a machine that is too slow, perhaps for a moment, is no fault.
        await self.engine.call({"sample_rate": 16_000}, bytes(2 * MODEL_S * 16_000))
        took_ms, limit_ms = 1000 * (time.monotonic() - began), 1000 * self.options.answer_timeout_s
        late = "; silence decides when it takes longer" if took_ms > limit_ms else ""
        return f"a turn is judged in {took_ms:.0f} ms, of {limit_ms:.0f} ms it may take{late}"

    async def aclose(self) -> None:
        await self.engine.aclose()
