"""What a caller hears while a speech engine is slow, stuck or restarted: "One moment, please", then tones.
Everything here belongs to the loop; times are samples of the caller's sound.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ivr.audio.frames import LINE_RATE, VAD_RATE, ms_to_samples, samples_to_ms
from ivr.audio.resample import resample
from ivr.audio.tones import still_there
from ivr.grammar.languages import registry
from ivr.session.alarms import Alarms
from ivr.session.prompt.playlist import Playlist
from ivr.session.prompt.synthesis import PreparedPrompts
from ivr.session.turn.turn_queue import SpeechGate, TurnQueue
from ivr.speech.base import TextToSpeech

_ALARM = "waiting"
_SAME_WAIT_MS = 300
"""Milliseconds between the end of one engine's work and the begin of another's that make one wait of both: a
plan goes from the caller's answer to the next prompt at once, unless it is busy itself."""
_LOOK_MS = 100
"""Milliseconds between two looks at a prompt of which more is being made: it may run out of sound."""


class WaitingSound:
    """Ends every silence in which the caller waits for an engine after ``after_s`` seconds."""

    def __init__(
        self,
        after_s: float,
        playlist: Playlist,
        turns: TurnQueue,
        gate: SpeechGate,
        alarms: Alarms,
        tts: TextToSpeech,
        rate: int,
        *,
        clock: Callable[[], int],
        language: str,
        log: Any,
    ) -> None:
        """``rate``: the player's, in Hz. ``clock``: samples (16 kHz) of the caller's sound."""
        self._after = ms_to_samples(after_s * 1000, VAD_RATE)
        self._playlist, self._turns, self._gate, self._alarms = playlist, turns, gate, alarms
        self._tts, self._rate, self._clock, self._log = tts, rate, clock, log
        self.language = language
        """The caller's language."""
        self._since: int | None = None
        """When the silence began; None while nobody waits."""
        self._idle_from: int | None = 0
        """Since when no engine works; None while one does."""
        self._played = 0
        """Sounds of the present wait."""

    def turn_ended(self, offset: int) -> None:
        """The caller has finished, and was last heard at ``offset``."""
        self._since, self._idle_from, self._played = offset, None, 0
        self.update()

    def update(self) -> None:
        """Something has changed: prompts, turns, or who speaks."""
        if not self._after:
            return
        now = self._clock()
        if self._awaited() is None:
            self._pause(now)
            return
        stale = self._idle_from is not None and now - self._idle_from > ms_to_samples(_SAME_WAIT_MS, VAD_RATE)
        if stale:
            self._since, self._played = now, 0
        elif self._since is None:
            self._since = now
        self._idle_from = None
        if not self._playlist.playing_between and not self._alarms.is_set(_ALARM):
            self._alarms.set(_ALARM, self._since + self._after, self._ring)

    def _awaited(self) -> str | None:
        """The engine that the caller waits for in silence."""
        if self._gate.speaking:
            return None
        if self._playlist.waiting:
            return "voice"
        return "recogniser" if self._turns.transcribing and not self._playlist.playing else None

    def _pause(self, now: int) -> None:
        """Nobody waits for an engine."""
        head = self._playlist.head
        if head is not None and not head.complete:
            self._since = self._idle_from = None
            self._alarms.set(_ALARM, now + ms_to_samples(_LOOK_MS, VAD_RATE), self.update)
            return
        self._alarms.clear(_ALARM)
        if self._gate.speaking or head is not None:
            self._since = self._idle_from = None
            self._played = 0
            if self._gate.speaking:
                self._playlist.stop_between()
        elif self._idle_from is None:
            self._idle_from = now

    def _ring(self) -> None:
        awaited = self._awaited()
        if awaited is None or self._since is None:
            self.update()
            return
        now = self._clock()
        if not self._played:
            silent_ms = round(samples_to_ms(now - self._since, VAD_RATE))
            self._log.warning("caller_kept_waiting", waits_for=awaited, silent_ms=silent_ms)
        sound = self._words() if not self._played else None
        self._played += 1
        self._since = None  # counted from its end
        self._playlist.play_between(sound if sound is not None else self._tone())

    def _words(self) -> bytes | None:
        """The words, where their sound is at hand."""
        if isinstance(self._tts, PreparedPrompts) and self._tts.sample_rate == self._rate:
            prompt = self._tts.lookup(registry.text("one_moment", self.language))
            return prompt.pcm if prompt is not None else None
        return None

    def _tone(self) -> bytes:
        tone = still_there()
        if self._rate == LINE_RATE:
            return tone
        return resample(np.frombuffer(tone, np.int16), LINE_RATE, self._rate).tobytes()
