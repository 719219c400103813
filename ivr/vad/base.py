"""The protocols of voice-activity detectors: audio in, events out (``events.py``)."""

from typing import Protocol, runtime_checkable

from ivr.audio.line import Line
from ivr.vad.events import FlushReason, VadListener
from ivr.vad.options import EndpointingOptions


class VadStream(Protocol):
    """The detection of speech on one call or recording."""

    @property
    def clock(self) -> int:
        """Samples (16 kHz) examined so far."""

    @property
    def speaking(self) -> bool:
        """Whether this is between SpeechStarted and SpeechEnded."""

    @property
    def dropped(self) -> int:
        """Frames that were never examined, because the detector was too far behind."""

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        """Examine sound: PCM16 mono, any whole number of samples. From one thread at a time."""

    def set_alarm(self, at: int | None) -> None:
        """Request one ``AlarmRang`` once ``clock`` reaches ``at``; None cancels it.

        It rings after the window that reaches ``at``, after that window's own events. A stream has
        one alarm; a moment already past rings with the next window.
        """

    def flush(self, reason: FlushReason = "flushed") -> None:
        """End the turn in progress, if any, with that reason."""

    def request_audio(self) -> None:
        """Add the turn so far to the next ``SpeechContinued``. Any thread; forgotten when the turn ends."""

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        """Use these times from the next window on (``pre_roll_ms`` and ``details`` stay). Any thread."""

    def close(self) -> None:
        """No event is delivered after this returns, except one already being delivered."""


class VoiceActivityDetector(Protocol):
    """Made once, shared by any number of streams."""

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> VadStream: ...

    def close(self) -> None: ...


@runtime_checkable
class LineVad(Protocol):
    """A detector that follows calls on their lines: it reads the sound from memory, nothing is pushed."""

    def open_line(self, line: Line, endpointing: EndpointingOptions, listener: VadListener) -> VadStream:
        """Open a stream of what the line receives from now on."""


@runtime_checkable
class LineVadStream(Protocol):
    """A stream that follows a line."""

    line_start: int
    """The line's sample that is the stream's first."""


@runtime_checkable
class SteppedLineVad(LineVad, VoiceActivityDetector, Protocol):
    """A detector without a thread that follows lines: for recordings."""

    probability: float | None
    """Probability of speech in the latest window; None when it is not known."""

    def step(self) -> bool:
        """Examine the next window, if a line has one; events are delivered on this thread. Returns False when
        no line had one.
        """
