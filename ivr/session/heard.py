"""Which words of a prompt were heard, from how much of its audio was played, and where to take it up again.

A word's place is what the speech engine says (``SpokenPart.words``); without that it is found in the sound
(``word_times``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import BYTES_PER_SAMPLE, ms_to_samples
from ivr.session.word_lengths import asks_for_pause, is_said
from ivr.session.word_times import BLOCK_MS, levels, loud_blocks, pauses_in, word_times
from ivr.speech.words import Word

CLAUSE_MS = 1200.0
"""A clause that began no longer before the cut than this is said again from its start."""
BACK_MS = 1000.0
"""How far ``resume_point`` goes back, at most, in sound of which the words are not known."""
_TAIL_MS = 200
"""More sound than this behind the words that the engine told is words that it did not."""
_BEFORE_MS, _AFTER_MS = 60.0, 20.0
"""The quiet place from which a word is resumed is looked for so far before and after its start ..."""
_BEFORE_FOUND_MS, _AFTER_FOUND_MS = 160.0, 40.0
"""... and so far where its place is only found in the sound."""


@dataclass(slots=True)
class SpokenPart:
    """A stretch of a prompt: ``text``, spoken by ``audio`` (PCM16) from ``start`` samples on."""

    text: str
    start: int
    audio: list[bytes] = field(default_factory=list, repr=False)
    words: Sequence[Word] = ()
    """What the engine says of them, as in ``TimedSound``; in samples of the player's rate from ``start``."""
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
        told: list[Word] = []
        places = iter(self.words)
        place = next(places, None)
        texts = self.text.split()
        for text in texts:
            if place is not None and place.text == text:
                told.append(place)
                place = next(places, None)
            elif is_said(text):
                break
            else:  # a dash, which the engine left out
                at = told[-1].end if told else 0
                told.append(Word(text, at, at))
        rest = texts[len(told) :]
        begin = told[-1].end if told else 0
        sound = self.pcm[begin:]
        if not rest or (told and not self.complete and _loud_ms(sound, sample_rate) < _TAIL_MS):
            return told
        found = word_times(" ".join(rest), sound, sample_rate, complete=self.complete)
        return told + [Word(word.text, word.start + begin, word.end + begin) for word in found]


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


def resume_point(
    parts: Sequence[SpokenPart], played: int, sample_rate: int, *, clause_ms: float = CLAUSE_MS
) -> int:
    """The sample from which a prompt that was cut after ``played`` samples goes on.

    It is the start of the word that was cut, or of its clause when that began less than ``clause_ms`` before
    (0: always the word), and there the quietest place between this word and the one before. It is ``played``
    itself when no word was cut: in a pause, or at the prompt's end. Sound without text goes on
    from its last pause, or from its quietest place, within BACK_MS. Never later than ``played``.
    """
    part = next((part for part in reversed(parts) if part.start < played), None)
    if part is None:
        return max(0, played)
    at = played - part.start
    if at >= part.samples:
        return played
    pcm = part.pcm
    words = [word for word in part.timed_words(sample_rate) if word.end > word.start]
    if not words:
        return part.start + _after_a_pause(pcm[:at], sample_rate)
    cut = sum(word.start < at for word in words) - 1
    between = cut < 0 or at >= words[cut].end
    if between and (cut < 0 or cut + 1 == len(words) or asks_for_pause(words[cut].text)):
        whole = True
    else:
        whole = between and not _loud_at(pcm, at, sample_rate)
        # Words that follow each other without a pause: it is the next that was about to begin.
        cut += between and not whole
        first = cut
        while first and not asks_for_pause(words[first - 1].text):
            first -= 1
        if (at - words[first].start) * 1000 < clause_ms * sample_rate:
            cut, whole = first, False
    if whole:
        return played
    told = any(word.start == words[cut].start for word in part.words)
    return part.start + _quiet_start(pcm[:at], words, cut, sample_rate, told=told)


def _loud_ms(pcm: npt.NDArray[np.int16], rate: int) -> int:
    return int(loud_blocks(levels(pcm, rate)).sum()) * BLOCK_MS


def _loud_at(pcm: npt.NDArray[np.int16], at: int, rate: int) -> bool:
    """Whether the 30 ms before ``at`` are no pause."""
    block = ms_to_samples(BLOCK_MS, rate)
    last = at // block
    return bool(loud_blocks(levels(pcm, rate))[max(0, last - 3) : last].any())


def _quiet_start(
    pcm: npt.NDArray[np.int16], words: Sequence[Word], index: int, rate: int, *, told: bool
) -> int:
    """The quietest place about the start of a word, but not before the middle of the word in front of it."""
    word = words[index]
    before, after = (_BEFORE_MS, _AFTER_MS) if told else (_BEFORE_FOUND_MS, _AFTER_FOUND_MS)
    low = max(0, word.start - ms_to_samples(before, rate))
    if index:
        low = max(low, (words[index - 1].start + words[index - 1].end) // 2)
    high = min(word.start + ms_to_samples(after, rate), (word.start + word.end) // 2, pcm.size)
    block = ms_to_samples(BLOCK_MS, rate)
    level = levels(pcm[low:high], rate)
    if level.size < 2:
        return min(word.start, pcm.size)
    quiet = np.flatnonzero(level < level.min() + 3.0)
    return low + int(quiet[-1]) * block + block // 2


def _after_a_pause(pcm: npt.NDArray[np.int16], rate: int) -> int:
    """The end of the last pause of ``pcm``, else its quietest place, within BACK_MS of its end."""
    block = ms_to_samples(BLOCK_MS, rate)
    level = levels(pcm, rate)
    begin = max(0, level.size - round(BACK_MS / BLOCK_MS))
    if level.size == 0:
        return 0
    loud = loud_blocks(level)
    if not loud[begin:].any():
        return int(pcm.size)
    pauses = [end for _, end in pauses_in(loud) if end > begin]
    if pauses:
        return (pauses[-1] - 1) * block
    if begin == 0:
        return 0
    return (begin + int(level[begin:].argmin())) * block + block // 2


def audio_from(parts: Sequence[SpokenPart], first: int) -> bytes:
    """The prompt's sound from sample ``first`` on."""
    return b"".join(
        b"".join(part.audio)[max(0, first - part.start) * BYTES_PER_SAMPLE :] for part in parts
    )
