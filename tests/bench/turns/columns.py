"""The policies that are compared: the session as it is, and two others' numbers in our own endpointing.

LiveKit Agents 1.7.0 (livekit-plugins-silero ``VAD.load``; ``voice/turn.py``): activation 0.5, deactivation
0.35, an interruption after 0.5 s of speech (``interruption.min_duration``), the end of a turn after 0.55 s of
silence for the detector and no sooner than 0.5 s (``endpointing.min_delay``). The network's memory is kept.
Twice: with 0.5 s of speech in a row, as a reader takes the number; and as its code counts them, from the
first 50 ms on and pauses included (``SinceOnset``). Its resuming after 2 s comes too late to count here.

Pipecat 1.7.0 (``audio/vad/vad_analyzer.py``): confidence 0.7 both ways, ``start_secs`` 0.2, ``stop_secs``
0.2, its memory set to zero every 5 s (ours fades: no harder on speech, see ivr/vad/README.md). Its
``min_volume`` is left out. It asks smart-turn at each such pause; by the numbers alone the pause is the end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.session import MemoryPlayer, SessionConfig, VoiceSession
from ivr.speech.base import SpeechToText, TextToSpeech
from ivr.vad.base import (
    DetectorOptions,
    EndpointingOptions,
    SpeechEnded,
    SpeechStarted,
    VadEvent,
    VadListener,
    VadStream,
    VoiceActivityDetector,
)
from ivr.vad.inline import InlineVad
from ivr.vad.silero import SileroModel
from tests.bench.turns.scene import Scene

LIVEKIT = "LiveKit's 0.5, 500 ms"
LIVEKIT_COUNTED = "as LiveKit counts them"
PIPECAT = "Pipecat's 0.7, 200 ms"


@dataclass(frozen=True)
class Column:
    """``session`` makes one for a scene."""

    name: str
    session: Callable[[Scene, SpeechToText, TextToSpeech, MemoryPlayer, Any], VoiceSession]


def columns(model: SileroModel) -> list[Column]:
    ours = Column("ours", _maker(InlineVad(model), SessionConfig()))
    half = InlineVad(model, DetectorOptions(threshold=0.5, release=0.35, attack=0.5, fade_ms=0))
    livekit = _maker(
        half,
        SessionConfig(endpointing=EndpointingOptions(min_speech_ms=500, min_silence_ms=550, pre_roll_ms=500)),
    )
    counted = _maker(
        SinceOnset(half, 500),
        SessionConfig(endpointing=EndpointingOptions(min_speech_ms=50, min_silence_ms=550, pre_roll_ms=500)),
    )
    pipecat = _maker(
        InlineVad(model, DetectorOptions(threshold=0.7, release=0.7, attack=0.7)),
        # Six windows of 32 ms each way, as round(0.2 / 0.032) is.
        SessionConfig(endpointing=EndpointingOptions(min_speech_ms=192, min_silence_ms=192, pre_roll_ms=200)),
    )
    return [ours, Column(LIVEKIT, livekit), Column(LIVEKIT_COUNTED, counted), Column(PIPECAT, pipecat)]


class SinceOnset:
    """A detector that tells of speech only ``ms`` after its onset, whatever was heard meanwhile."""

    def __init__(self, vad: VoiceActivityDetector, ms: float) -> None:
        self._vad, self._samples = vad, ms_to_samples(ms, VAD_RATE)

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> VadStream:
        return _Held(self._vad, endpointing, listener, self._samples)

    def close(self) -> None:
        pass


class _Held:
    """A stream of it."""

    def __init__(
        self, vad: VoiceActivityDetector, endpointing: EndpointingOptions, listener: VadListener, samples: int
    ) -> None:
        self._listener, self._samples = listener, samples
        self._held: SpeechStarted | None = None
        self._inner = vad.open_stream(endpointing, self._hear)

    def _hear(self, event: VadEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._held = event
            return
        if isinstance(event, SpeechEnded):
            self._tell()
        self._listener(event)

    def _tell(self) -> None:
        if self._held is not None:
            began, self._held = self._held, None
            self._listener(SpeechStarted(began.onset, self._inner.clock, began.probability))

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        self._inner.push(pcm16, sample_rate)
        if self._held is not None and self._inner.clock >= self._held.onset + self._samples:
            self._tell()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _maker(
    vad: VoiceActivityDetector, config: SessionConfig
) -> Callable[[Scene, SpeechToText, TextToSpeech, MemoryPlayer, Any], VoiceSession]:
    def make(
        scene: Scene, stt: SpeechToText, tts: TextToSpeech, player: MemoryPlayer, log: Any
    ) -> VoiceSession:
        return VoiceSession(stt=stt, tts=tts, vad=vad, player=player, config=config, log=log)

    return make
