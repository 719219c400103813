"""The detector for one user at a time: everything happens inside ``push``, on the pushing thread.

For recordings (faster than real time), tests and users without a phone. Calls share a
``SharedVad``, which asks the network about all of them at once.
"""

import numpy as np

from ivr.vad.events import FlushReason, VadListener
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import SileroModel
from ivr.vad.stream import Delivery, StreamDetector, check_pcm


class InlineVad:
    """A ``VoiceActivityDetector`` without a thread."""

    def __init__(self, model: SileroModel, options: DetectorOptions | None = None) -> None:
        self._model = model
        self._options = options or DetectorOptions()

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> "InlineStream":
        return InlineStream(self._model, endpointing, self._options, listener)

    def close(self) -> None:
        """Nothing is held."""


class InlineStream:
    """A ``VadStream``; ``push`` and ``flush`` belong to one thread, which also calls the listener."""

    dropped = 0

    def __init__(
        self,
        model: SileroModel,
        endpointing: EndpointingOptions,
        options: DetectorOptions,
        listener: VadListener,
    ) -> None:
        self._model = model
        self._detector = StreamDetector(endpointing, options, model.narrow)
        self._delivery = Delivery(listener)

    @property
    def clock(self) -> int:
        return self._detector.clock

    @property
    def speaking(self) -> bool:
        return self._detector.speaking

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        check_pcm(pcm16, sample_rate)
        if self._delivery.closed:
            return
        self._detector.feed(pcm16, sample_rate)
        while not self._delivery.closed and (window := self._detector.next_window()) is not None:
            probabilities, states = self._model.run(window[np.newaxis], self._detector.state[:, np.newaxis])
            event = self._detector.accept(float(probabilities[0]), states[:, 0])
            self._delivery.deliver(event, self._detector.clock)

    def set_alarm(self, at: int | None) -> None:
        self._delivery.set_alarm(at)

    def flush(self, reason: FlushReason = "flushed") -> None:
        self._delivery.deliver(self._detector.flush(reason), self._detector.clock)

    def request_audio(self) -> None:
        self._detector.request_audio()

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        self._detector.set_endpointing(endpointing)

    def close(self) -> None:
        self._delivery.closed = True
