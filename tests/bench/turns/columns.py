"""The policies that are compared: the session as it is, and two others' numbers in our own endpointing.

LiveKit Agents 1.7.0 (livekit-plugins-silero ``VAD.load``; ``voice/turn.py``): activation 0.5, deactivation
0.35, an interruption after 0.5 s of speech (``interruption.min_duration``), the end of a turn after 0.55 s of
silence for the detector and no sooner than 0.5 s (``endpointing.min_delay``). The network is that for 16 kHz
(its ``sample_rate``), and its memory is kept.
Twice: with 0.5 s of speech in a row, as a reader takes the number; and as its code counts them, from the
first 50 ms on and pauses included (``SinceOnset``). It resumes after 2 s without words,
which is later than what counts as lost.

Pipecat 1.7.0 (``audio/vad/vad_analyzer.py``): confidence 0.7 both ways, ``start_secs`` 0.2, ``stop_secs``
0.2, its memory set to zero every 5 s (ours fades: no harder on speech, see ivr/vad/README.md), the network
that for 8 kHz, as its telephone transports set the rate. Its
``min_volume`` is left out. It asks smart-turn at each such pause: the turn is over from 0.5 on, otherwise
after 3 s of silence (``SmartTurnParams``); by the numbers alone the pause is the end.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.audio.line import LineBank
from ivr.session import BargeInOptions, MemoryPlayer, SessionConfig, TurnOptions, VoiceSession
from ivr.speech.base import SpeechToText, TextToSpeech, TurnDetector
from ivr.vad.base import VadStream, VoiceActivityDetector
from ivr.vad.events import AlarmRang, SpeechEnded, SpeechStarted, VadEvent, VadListener
from ivr.vad.inline import InlineVad
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.recorded_line import RecordedLineVad
from ivr.vad.silero import SileroModel

LIVEKIT = "LiveKit's 0.5, 500 ms"
LIVEKIT_COUNTED = "as LiveKit counts them"
PIPECAT = "Pipecat's 0.7, 200 ms"
SMART = "Pipecat's with smart-turn"


@dataclass(frozen=True)
class Engines:
    """What a scene gives its session."""

    stt: SpeechToText
    tts: TextToSpeech
    judge: TurnDetector
    player: MemoryPlayer
    language: str
    """The caller's."""


@dataclass(frozen=True)
class Column:
    """``session`` makes one for a scene, and what makes its detector look at what it has at once."""

    name: str
    session: Callable[[Engines], tuple[VoiceSession, Callable[[], object]]]
    turns_only: bool = False
    """It differs from another in how turns end."""
    reported: bool = False
    """Its session knows what the caller is expected to say."""


def columns(model: SileroModel) -> list[Column]:
    wide = SileroModel(model.path, narrow=False)
    half = InlineVad(wide, DetectorOptions(threshold=0.5, release=0.35, attack=0.5, fade_ms=0, gain_db=0))
    livekit = _theirs(half, EndpointingOptions(min_speech_ms=500, min_silence_ms=550, pre_roll_ms=500), 2000)
    counted = _theirs(
        SinceOnset(half, 500),
        EndpointingOptions(min_speech_ms=50, min_silence_ms=550, pre_roll_ms=500),
        2000,
    )
    seven = InlineVad(model, DetectorOptions(threshold=0.7, release=0.7, attack=0.7, gain_db=0))
    # Six windows of 32 ms each way, as round(0.2 / 0.032) is.
    times = EndpointingOptions(min_speech_ms=192, min_silence_ms=192, pre_roll_ms=200, pause_ms=192)
    asked = TurnOptions(end_above=0.5, continue_below=0.5, incomplete_ms=3000)
    return [
        ours(model),
        Column(LIVEKIT, livekit),
        Column(LIVEKIT_COUNTED, counted),
        Column(PIPECAT, _theirs(seven, times)),
        Column(SMART, _theirs(seven, dataclasses.replace(times, min_silence_ms=3000), 0, asked), True),
    ]


def ours(
    model: SileroModel,
    config: SessionConfig | None = None,
    detector: DetectorOptions | None = None,
    name: str = "ours",
) -> Column:
    """The session as it is, on a line of its own, with smart-turn."""
    heard = detector or DetectorOptions()
    chosen = config or SessionConfig()

    def make(engines: Engines) -> tuple[VoiceSession, Callable[[], object]]:
        bank = LineBank(1)
        vad = RecordedLineVad(model, heard, bank)
        session = VoiceSession(
            stt=engines.stt, tts=engines.tts, vad=vad, player=engines.player,
            config=dataclasses.replace(chosen, language=engines.language), log=Quiet(), line=bank.open(),
            turn_detector=engines.judge,
        )  # fmt: skip
        return session, vad.look

    return Column(name, make, reported=True)


class Quiet:
    """A log that nobody reads."""

    def info(self, event: str, **details: object) -> None: ...

    debug = warning = error = exception = info

    def bind(self, **_: object) -> "Quiet":
        return self


class SinceOnset:
    """A detector that reports speech only ``ms`` after its onset, whatever was heard meanwhile."""

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
            self._report()
        elif self._held is not None and not isinstance(event, AlarmRang):
            return
        self._listener(event)

    def _report(self) -> None:
        if self._held is not None:
            began, self._held = self._held, None
            self._listener(SpeechStarted(began.onset, self._inner.clock, began.probability))

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        self._inner.push(pcm16, sample_rate)
        if self._held is not None and self._inner.clock >= self._held.onset + self._samples:
            self._report()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _theirs(
    vad: VoiceActivityDetector,
    endpointing: EndpointingOptions,
    resumes_ms: float = 0,
    asked: TurnOptions | None = None,
) -> Callable[[Engines], tuple[VoiceSession, Callable[[], object]]]:
    """Numbers of others without our rules: no ducking, no words that count for nothing. ``resumes_ms``: after
    so long without words the prompt goes on. ``asked``: when smart-turn's answers end a turn.
    """
    rules = BargeInOptions(
        duck_db=0,
        backchannels=False,
        false_interruption_timeout_ms=resumes_ms,
        min_speech_ms=endpointing.min_speech_ms,
    )
    silence = endpointing.min_silence_ms
    # One silence for whatever is expected, and none of our looking at words.
    turn = dataclasses.replace(
        asked or TurnOptions(), wait_for_words=False, yes_no_silence_ms=silence, digits_silence_ms=silence
    )
    config = SessionConfig(endpointing=endpointing, barge_in=rules, turn=turn)

    def make(engines: Engines) -> tuple[VoiceSession, Callable[[], object]]:
        session = VoiceSession(
            stt=engines.stt, tts=engines.tts, vad=vad, player=engines.player, config=config, log=Quiet(),
            turn_detector=engines.judge if asked else None,
        )  # fmt: skip
        return session, lambda: None

    return make
