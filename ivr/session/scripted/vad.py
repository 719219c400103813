"""A detector that follows a script instead of sound: what a caller says is a text of a given length.

The decisions are the real ones (``Endpointer``), window by window of 32 ms; only the probability of speech in
a window comes from the script. Time is the event loop's: on a loop whose clock jumps, a minute costs nothing.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ivr.audio.frames import VAD_RATE, ms_to_samples
from ivr.vad.endpointing import Endpointer
from ivr.vad.events import (
    FlushReason,
    Pcm16,
    SpeechEnded,
    SpeechEvent,
    SpeechPaused,
    SpeechResumed,
    VadListener,
)
from ivr.vad.options import EndpointingOptions
from ivr.vad.stream import Delivery, next_turn_from

WINDOW = 512
"""Samples of 16 kHz, as the network looks at them."""
TRAIL_MS = 112
"""Delay with which a network detects the end of speech (``EndpointingOptions.pause_ms``)."""
_SPEECH, _SILENT, _SURE = 1.0, 0.0, 0.5
_VOICELESS = np.zeros(0, np.int16)


@dataclass(slots=True)
class Utterance:
    """A stretch of speech, from sample ``start`` to ``end``."""

    text: str
    start: int
    end: int
    confidence: float

    def words(self, since: int, until: int) -> list[str]:
        """Those of which the middle lies between the two samples; they are all equally long."""
        every = self.text.split()
        length = (self.end - self.start) / max(1, len(every))
        return [word for at, word in enumerate(every) if since <= self.start + (at + 0.5) * length < until]


def encode_script(text: str, confidence: float) -> Pcm16:
    """The "sound" of a script: it holds its text, for ``ScriptedStt`` to decode."""
    return np.frombuffer(json.dumps([text, confidence]).encode("utf-16-le"), np.int16)


def decode_script(pcm16: bytes) -> tuple[str, float]:
    """What ``encode_script`` was given; no text for other sound."""
    try:
        text, confidence = json.loads(pcm16.decode("utf-16-le"))
    except ValueError:
        return "", 0.0
    return str(text), float(confidence)


class ScriptedVad:
    """A ``VoiceActivityDetector`` of one stream, on the running loop."""

    def __init__(self, every_window: Callable[[], bool] = lambda: True) -> None:
        """``every_window``: a prompt plays, so that every window matters, not only those that begin or end
        something.
        """
        self._every_window = every_window
        self.stream: ScriptedStream

    def open_stream(self, endpointing: EndpointingOptions, listener: VadListener) -> "ScriptedStream":
        self.stream = ScriptedStream(endpointing, listener, self._every_window)
        return self.stream

    def close(self) -> None:
        """Nothing is held."""


class ScriptedStream:
    """A ``VadStream``. Everything belongs to the loop."""

    dropped = 0

    def __init__(
        self, endpointing: EndpointingOptions, listener: VadListener, every_window: Callable[[], bool]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._options = endpointing
        self._every_window = every_window
        self._endpointer = Endpointer(endpointing, _SURE, _SURE, audio=self._sound)
        self._delivery = Delivery(listener)
        self._script: list[Utterance] = []
        self._turn_from = 0
        self._paused = self._at_work = False
        self._alarm: int | None = None
        self._timer: asyncio.TimerHandle | None = None

    # -- the script

    def say(self, text: str, length_ms: float, confidence: float = 1.0, after_ms: float = 0.0) -> None:
        """The caller says ``text`` from ``after_ms`` on, or after what they are saying already."""
        start = max(self._now() + ms_to_samples(after_ms, VAD_RATE), self._busy_until)
        self._script.append(Utterance(text, start, start + ms_to_samples(length_ms, VAD_RATE), confidence))
        self.on_prompt_change()

    @property
    def busy(self) -> bool:
        """The caller speaks, is about to, or has just spoken."""
        return bool(self._script) or self._endpointer.speaking

    @property
    def _busy_until(self) -> int:
        return self._script[-1].end if self._script else 0

    def on_prompt_change(self) -> None:
        """What ``every_window`` says may have changed."""
        if not self._at_work:
            self._set_timer()

    # -- ``VadStream``

    @property
    def clock(self) -> int:
        if self._at_work:
            return self._endpointer.clock
        # What was not looked at yet holds nothing, or it would have been.
        return max(self._endpointer.clock, self._now() // WINDOW * WINDOW)

    @property
    def speaking(self) -> bool:
        return self._endpointer.speaking

    def push(self, pcm16: bytes, sample_rate: int) -> None:
        """Sound is not listened to."""

    def set_alarm(self, at: int | None) -> None:
        self._alarm = at
        self._delivery.set_alarm(at)
        self.on_prompt_change()

    def flush(self, reason: FlushReason = "flushed") -> None:
        self._deliver(self._endpointer.flush(reason))
        if not self._at_work:
            self._trim_script()
        self.on_prompt_change()

    def request_audio(self) -> None:
        self._endpointer.audio_requested = True
        self.on_prompt_change()

    def set_endpointing(self, endpointing: EndpointingOptions) -> None:
        self._options = endpointing
        self._endpointer.set_options(endpointing)
        self.on_prompt_change()

    def close(self) -> None:
        self._delivery.closed = True
        if self._timer is not None:
            self._timer.cancel()

    # -- time

    def _now(self) -> int:
        return round((self._loop.time() - self._began) * VAD_RATE)

    def _set_timer(self) -> None:
        """Look again when there may be something to report."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._delivery.closed:
            return
        due = [at for at in (self._alarm, self._next()) if at is not None]
        if due:
            windows = max(-(-min(due) // WINDOW), self._endpointer.clock // WINDOW + 1)
            self._timer = self._loop.call_at(self._began + windows * WINDOW / VAD_RATE, self._look)

    def _next(self) -> int | None:
        """The next sample at which the script changes something."""
        endpointer, clock = self._endpointer, self._endpointer.clock
        now = next((said for said in self._script if said.end + _TRAIL > clock), None)
        close = self._endpointer.audio_requested or self._every_window()
        if now is not None and now.start <= clock:
            sure = endpointer.speaking and not self._paused and not close
            return min(now.end + _TRAIL, clock + _LONGEST) if sure else clock + WINDOW
        later = None if now is None else now.start
        if not endpointer.speaking:
            return later
        if not self._paused:
            return clock + WINDOW
        silent = self._script_end + ms_to_samples(self._options.min_silence_ms, VAD_RATE)
        return silent if later is None else min(later, silent)

    @property
    def _script_end(self) -> int:
        past = [said.end + _TRAIL for said in self._script if said.end + _TRAIL <= self._endpointer.clock]
        return max(past, default=self._endpointer.clock)

    def _look(self) -> None:
        self._timer = None
        until = (self._now() + 1) // WINDOW * WINDOW
        self._at_work = True
        while self._endpointer.clock < until and not self._delivery.closed:
            voiced = self._voiced(self._endpointer.clock)
            if not voiced and not self._endpointer.speaking and not self._endpointer.run:
                first = min((said.start for said in self._script if said.end > self._endpointer.clock),
                            default=until)  # fmt: skip
                quiet = max(min(until, first // WINDOW * WINDOW), self._endpointer.clock + WINDOW)
                self._deliver(self._endpointer.skip_silence(quiet))
                continue
            self._deliver(self._endpointer.step(_SPEECH if voiced else _SILENT, WINDOW))
        self._at_work = False
        self._trim_script()
        self._set_timer()

    def _trim_script(self) -> None:
        """Drop what was said and delivered."""
        if not self._endpointer.speaking:
            clock = self._endpointer.clock
            self._script = [said for said in self._script if said.end + _TRAIL > clock]

    def _voiced(self, start: int) -> bool:
        middle = start + WINDOW // 2
        return any(said.start <= middle < said.end + _TRAIL for said in self._script)

    def _deliver(self, event: SpeechEvent | None) -> None:
        clock = self._endpointer.clock
        match event:
            case SpeechEnded():
                self._turn_from = next_turn_from(event)
                self._paused = False
            case SpeechPaused():
                self._paused = True
            case SpeechResumed():
                self._paused = False
        if self._alarm is not None and self._alarm <= clock:
            self._alarm = None  # it rings below, and may be set again meanwhile
        self._delivery.deliver(event, clock)

    def _sound(self, onset: int) -> Pcm16:
        clock = self._endpointer.clock
        since = max(self._turn_from, onset - WINDOW)
        heard = [said for said in self._script if said.end > since and said.start < clock]
        words = [word for said in heard for word in said.words(since, clock)]
        if not heard:
            return _VOICELESS
        return encode_script(" ".join(words), min(said.confidence for said in heard))


_TRAIL = ms_to_samples(TRAIL_MS, VAD_RATE)
_LONGEST = VAD_RATE
"""Samples that are looked at in one go at most: a turn may be cut by its greatest length."""
