"""The words of a prompt that the caller heard, from how much of its audio was played.

A word's place is what the speech engine says (``SpokenPart.words``); without that it is found in the sound
(``word_times``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import BYTES_PER_SAMPLE
from ivr.session.prompt.word_lengths import is_said
from ivr.session.prompt.word_times import BLOCK_MS, levels, loud_blocks, word_times
from ivr.speech.timed_words import Word

_TAIL_MS = 200
"""More sound than this, in ms, after the words that the engine timed holds words that it did not time."""


@dataclass(slots=True)
class SpokenPart:
    """A stretch of a prompt: ``text``, spoken by ``audio`` (PCM16) from ``start`` samples on."""

    text: str
    start: int
    audio: list[bytes] = field(default_factory=list, repr=False)
    words: Sequence[Word] = ()
    """What the engine says of them, as in ``TimedAudio``; in samples of the player's rate from ``start``."""
    complete: bool = False
    """All of the audio is there; an incomplete part was cut while it was being made."""
    _found: list[Word] = field(default_factory=list, repr=False)
    _found_in: int = field(default=-1, repr=False)

    @property
    def samples(self) -> int:
        return sum(map(len, self.audio)) // BYTES_PER_SAMPLE

    @property
    def pcm(self) -> npt.NDArray[np.int16]:
        return np.frombuffer(b"".join(self.audio), np.int16)

    def timed_words(self, sample_rate: int) -> list[Word]:
        """The words of ``text`` (``str.split``) in the sound that is there, from ``start``; the last ones
        are missing from a part that was cut while it was made.
        """
        key = self.samples * 2 + self.complete
        if self._found_in != key:
            self._found, self._found_in = self._time_words(sample_rate), key
        return self._found

    def _time_words(self, sample_rate: int) -> list[Word]:
        timed: list[Word] = []
        places = iter(self.words)
        place = next(places, None)
        texts = self.text.split()
        for text in texts:
            if place is not None and place.text == text:
                timed.append(place)
                place = next(places, None)
            elif is_said(text):
                break
            else:  # a dash, which the engine leaves out
                at = timed[-1].end if timed else 0
                timed.append(Word(text, at, at))
        rest = texts[len(timed) :]
        begin = timed[-1].end if timed else 0
        sound = self.pcm[begin:]
        if not rest or (timed and not self.complete and _loud_ms(sound, sample_rate) < _TAIL_MS):
            return timed
        found = word_times(" ".join(rest), sound, sample_rate, complete=self.complete)
        return timed + [Word(word.text, word.start + begin, word.end + begin) for word in found]


def heard_text(parts: Sequence[SpokenPart], played: int, sample_rate: int) -> str:
    """The words of which more than half lies within the first ``played`` samples at ``sample_rate`` Hz,
    written as in the text.
    """
    heard: list[str] = []
    for part in parts:
        if played <= part.start:
            break
        if part.complete and played >= part.start + part.samples:
            heard.append(part.text.strip())
        else:
            words = part.timed_words(sample_rate)
            count = sum(word.start + word.end < 2 * (played - part.start) for word in words)
            heard.append(" ".join(word.text for word in words[:count]))
    return " ".join(filter(None, heard))


def _loud_ms(pcm: npt.NDArray[np.int16], rate: int) -> int:
    return int(loud_blocks(levels(pcm, rate)).sum()) * BLOCK_MS


def audio_from(parts: Sequence[SpokenPart], first: int) -> bytes:
    """The prompt's sound from sample ``first`` on."""
    return b"".join(b"".join(part.audio)[max(0, first - part.start) * BYTES_PER_SAMPLE :] for part in parts)
