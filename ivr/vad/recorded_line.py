"""The detector of a recorded call: the same ears as on a call (``BatchedVad``), without a thread."""

from ivr.audio.line import Line, LineBank
from ivr.vad.base import DetectorOptions, EndpointingOptions, VadListener
from ivr.vad.batched import BatchedVad, LineStream
from ivr.vad.inline import InlineStream, InlineVad
from ivr.vad.silero import F32, SileroModel


class RecordedLineVad:
    """A ``SteppedLineVad`` for the one line of ``bank``."""

    def __init__(self, model: SileroModel, options: DetectorOptions, bank: LineBank) -> None:
        self._pushed = InlineVad(model, options)
        self._model = model
        self._ears = BatchedVad(model, options, bank)
        self._ears.asks = self._run
        self.probability: float | None = 0.0

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> InlineStream:
        return self._pushed.open_stream(endpointing, listener)

    def open_line(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> LineStream:
        return self._ears.open(line, endpointing, listener)

    def look(self) -> bool:
        # A window that is certainly silence is not shown to the network.
        self.probability = 0.0
        return self._ears.round()

    def close(self) -> None:
        self._ears.close()

    def _run(self, windows: F32, states: F32) -> tuple[F32, F32]:
        found = self._model.run(windows, states)
        self.probability = float(found[0][0])
        return found
