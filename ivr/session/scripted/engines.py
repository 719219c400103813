"""Engines and a player for conversations without sound: what is said lasts by a rule, what was said is text.

For tests of dialogues: everything else of a session is the real one, so that what is interrupted, kept, asked
again or skipped is what a caller on a line would meet.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import lru_cache

from ivr.audio.frames import BYTES_PER_SAMPLE, LINE_FRAME, LINE_RATE, ms_to_samples
from ivr.audio.playback import LOW_WATER_S, Playback
from ivr.session.scripted.vad import decode_script
from ivr.speech.base import SpeechError, Transcript
from ivr.speech.prompts.store import Prompt
from ivr.speech.timed_words import Word

WORD_MS = 350.0
"""How long a word lasts: some 170 in a minute, as people read aloud."""
_MAX_KEPT = 500
"""Prompts of which the sound is kept."""


def speech_ms(text: str) -> float:
    """Milliseconds that it takes to say ``text``."""
    return WORD_MS * max(1, len(text.split()))


class ScriptedStt:
    """Transcribes the sound of a ``ScriptedVad``."""

    name = "script"

    async def start(self) -> None:
        """Nothing to load."""

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        text, confidence = decode_script(pcm16)
        return Transcript(text, confidence, self.name)

    async def aclose(self) -> None:
        """Nothing to free."""


class ScriptedTts:
    """Synthesises silence as long as the words take, with the place of each word."""

    name = "script"
    sample_rate = LINE_RATE

    def __init__(self, broken: Callable[[str], bool] = lambda text: False) -> None:
        """``broken(text)``: a text that it fails to synthesise."""
        self._broken = broken

    async def start(self) -> None:
        """Nothing to load."""

    def lookup(self, text: str) -> Prompt | None:
        return None if self._broken(text) else _spoken(text)

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        prompt = self.lookup(text)
        if prompt is None:
            raise SpeechError(self.name, "it is broken")
        yield prompt.pcm

    def fingerprint(self) -> str:
        return self.name

    async def aclose(self) -> None:
        """Nothing to free."""


@lru_cache(_MAX_KEPT)
def _spoken(text: str) -> Prompt:
    length = ms_to_samples(WORD_MS, LINE_RATE)
    texts = text.split()
    words = tuple(Word(word, at * length, (at + 1) * length) for at, word in enumerate(texts))
    return Prompt(bytes(len(texts) * length * BYTES_PER_SAMPLE), 1.0, words)


class TimedPlayback:
    """A ``Playback`` as long as what was written to it, played by the loop's clock."""

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.low_water = int(LOW_WATER_S * sample_rate)
        self.on_end: Callable[[], None] | None = None
        self.on_low: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._written = 0
        self._heard = 0
        """Samples heard before ``_since``."""
        self._since: float | None = None
        """When the sound that is playing began; None while there is none."""
        self._finished = self._stopped = self._ended = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """It is played from now on."""
        self._since = self._loop.time()
        self._set_timer()

    def write(self, pcm: bytes) -> None:
        if not self._stopped:
            if self._since is not None and self.buffered == 0:
                self._heard, self._since = self._written, self._loop.time()
            self._written += len(pcm) // BYTES_PER_SAMPLE
            self._set_timer()

    def finish(self) -> None:
        self._finished = True
        self._set_timer()

    def stop(self) -> None:
        self._heard, self._since = self.played, None
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def set_gain(self, gain: float) -> None:
        """No sound, no volume."""

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def finished(self) -> bool:
        return self._finished

    @property
    def ended(self) -> bool:
        return self._ended or self._stopped

    @property
    def written(self) -> int:
        return self._written

    @property
    def played(self) -> int:
        """Advance in whole frames of 20 ms, as on a line."""
        if self._since is None:
            return self._heard
        gone = round((self._loop.time() - self._since) * self.sample_rate)
        return min(self._written, self._heard + gone // LINE_FRAME * LINE_FRAME)

    @property
    def buffered(self) -> int:
        return self._written - self.played

    @property
    def starving(self) -> bool:
        return not (self._stopped or self._finished) and self.buffered == 0

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._since is None or self._stopped or self._ended:
            return
        left = self._written - self._heard
        if self._finished:
            frames = -(-left // LINE_FRAME) * LINE_FRAME
            self._timer = self._loop.call_at(self._since + frames / self.sample_rate, self._end)
        else:
            low = max(0, left - self.low_water)
            self._timer = self._loop.call_at(self._since + low / self.sample_rate, self._low)

    def _end(self) -> None:
        self._heard, self._since, self._ended = self._written, None, True
        if self.on_end is not None:
            self.on_end()

    def _low(self) -> None:
        self._timer = None
        if self.on_low is not None:
            self.on_low()


class ScriptedPlayer:
    """A ``Player`` on the loop's clock."""

    sample_rate = LINE_RATE

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        """``on_change`` is called when a prompt begins to play or no longer plays."""
        self._on_change = on_change
        self._buffer: TimedPlayback | None = None

    @property
    def playing(self) -> bool:
        return self._buffer is not None

    def playback(self) -> Playback:
        return TimedPlayback(self.sample_rate)

    def play(self, buffer: Playback) -> None:
        assert isinstance(buffer, TimedPlayback)
        self._buffer = buffer
        buffer.begin()
        self._on_change()

    def release(self, buffer: Playback) -> None:
        if self._buffer is buffer:
            self._buffer = None
            self._on_change()

    def advance(self, samples: int) -> bytes | None:
        return None
