"""The detector of a recorded call: the same as on calls (``BatchedVad``), without a thread."""

from ivr.audio.line import Line, LineBank
from ivr.vad.batched import BatchedVad, LineStream
from ivr.vad.events import VadListener
from ivr.vad.inline import InlineStream, InlineVad
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import F32, SileroModel


class RecordedLineVad:
    """A ``SteppedLineVad`` for the one line of ``bank``."""

    def __init__(self, model: SileroModel, options: DetectorOptions, bank: LineBank) -> None:
        self._pushed = InlineVad(model, options)
        self._lines = BatchedVad(model, options, bank, self._on_result)
        self.probability: float | None = 0.0

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> InlineStream:
        return self._pushed.open_stream(endpointing, listener)

    def open_line(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> LineStream:
        return self._lines.open(line, endpointing, listener)

    def step(self) -> bool:
        self.probability = 0.0  # a window that is certainly silence is not shown to the network
        return self._lines.round()

    def close(self) -> None:
        self._lines.close()

    def _on_result(self, probabilities: F32) -> None:
        self.probability = float(probabilities[0])
