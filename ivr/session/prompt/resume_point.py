"""The point from which a prompt that was cut resumes: where a person would continue it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import ms_to_samples
from ivr.session.prompt.heard_words import SpokenPart
from ivr.session.prompt.word_lengths import asks_for_pause
from ivr.session.prompt.word_times import BLOCK_MS, levels, loud_blocks, pauses_in
from ivr.speech.timed_words import Word

CLAUSE_MS = 1200.0
"""A clause that began no longer before the cut than this is said again from its start."""
BACK_MS = 1000.0
"""How far to go back, at most, in sound of which the words are not known."""
DIP_DB = 10.0
"""No word is begun where the one before runs into it, with no dip as deep as this under the speech."""
EQUAL_DB = 6.0
"""Among borders within 6 dB of the deepest, take the latest, where the words' places are only found in the
sound: a deep border is likely to be one."""
DIP_MS = 50.0
"""Silence that may lie between two words; a plosive in the midst of one is as long, but less deep."""
EQUAL_PAUSES_DB = 3.0
"""Among pauses within 3 dB of the deepest, take the latest, where nothing is known of the words."""
_BEFORE_MS, _AFTER_MS = 60.0, 20.0
"""How far before and after a word's start the quiet place from which it is resumed may be."""
_BEFORE_FOUND_MS, _AFTER_FOUND_MS = 160.0, 40.0
"""The same where the word's place is only found in the sound."""

_Pcm16 = npt.NDArray[np.int16]


def resume_point(
    parts: Sequence[SpokenPart], played: int, sample_rate: int, *, clause_ms: float = CLAUSE_MS
) -> int:
    """The sample from which a prompt that was cut after ``played`` samples resumes.

    It is the start of the clause that was cut when that began less than ``clause_ms`` before; else the start
    of the word, or of one before it, no more than ``clause_ms`` back, when those are spoken in one go or
    their places are not certain. It lies in the pause or the dip between that word and the one in front.
    0 ms: always the word that was cut.
    Where nothing was cut, between two clauses and at the end, it is ``played`` itself. Sound without text
    resumes from its last pause, else from its quietest place, within BACK_MS. Never later than ``played``.
    """
    part = next((part for part in reversed(parts) if part.start < played), None)
    if part is None or played - part.start >= part.samples:
        return max(0, played)
    sound = _Cut(part.pcm, played - part.start, sample_rate)
    words = [word for word in part.timed_words(sample_rate) if word.end > word.start]
    if not words:
        return part.start + sound.after_a_pause()
    return part.start + sound.place_in(words, {word.start for word in part.words}, clause_ms)


class _Cut:
    """The sound of a part, cut at the sample ``at``."""

    def __init__(self, pcm: _Pcm16, at: int, rate: int) -> None:
        self._pcm, self._at, self._rate = pcm[:at], at, rate
        self._block = ms_to_samples(BLOCK_MS, rate)
        level = levels(pcm, rate)
        loud = loud_blocks(level)
        self._speech_db = float(np.median(level[loud])) if loud.any() else 0.0
        self._level = level[: at // self._block]
        self._loud = loud[: at // self._block]

    def place_in(self, words: Sequence[Word], timed: set[int], clause_ms: float) -> int:
        """The sample from which the prompt resumes. ``timed``: the starts of those of ``words`` that the
        engine timed.
        """
        last = sum(word.start < self._at for word in words) - 1
        if last < 0 or self._at >= words[last].end:
            between = last < 0 or last + 1 == len(words) or asks_for_pause(words[last].text)
            if between or not (clause_ms or self._loud[-3:].any()):
                return self._at
            if self._loud[-3:].any():
                last += 1  # it was about to begin, in one go with the word before
        back = clause_ms * self._rate / 1000
        first = last
        while first and not asks_for_pause(words[first - 1].text):
            first -= 1
        if self._at - words[first].start < back:
            return self._before(words, first, timed)[0]
        borders: list[tuple[int, float]] = []
        for index in range(last, first - 1, -1):
            if borders and self._at - words[index].start > back:
                break
            borders.append(self._before(words, index, timed))
            if words[index].start in timed and borders[-1][1] <= self._speech_db - DIP_DB:
                break
        deepest = min(level for _, level in borders)
        return next(place for place, level in borders if level <= deepest + EQUAL_DB)

    def _before(self, words: Sequence[Word], index: int, timed: set[int]) -> tuple[int, float]:
        """The quietest place at a word's start, after the middle of the word before, and its level."""
        word = words[index]
        before, after = (
            (_BEFORE_MS, _AFTER_MS) if word.start in timed else (_BEFORE_FOUND_MS, _AFTER_FOUND_MS)
        )
        low = max(0, word.start - ms_to_samples(before, self._rate))
        if index:
            low = max(low, (words[index - 1].start + words[index - 1].end) // 2)
        high = min(word.start + ms_to_samples(after, self._rate), (word.start + word.end) // 2)
        level = levels(self._pcm[low:high], self._rate)
        if not level.size:
            return min(word.start, self._at), self._speech_db
        # The last of those as quiet: the silence before a word need not be heard again.
        quiet = int(np.flatnonzero(level <= max(float(level.min()) + 3.0, self._floor_db))[-1])
        return low + quiet * self._block, float(level[quiet])

    @property
    def _floor_db(self) -> float:
        """Below this it is a pause whatever the level."""
        quiet = self._level[~self._loud]
        return float(quiet.max()) if quiet.size else 0.0

    def after_a_pause(self) -> int:
        begin = max(0, self._level.size - round(BACK_MS / BLOCK_MS))
        if not self._loud[begin:].any():
            return self._at
        pauses = [pause for pause in pauses_in(self._loud, DIP_MS) if pause[1] > begin]
        if pauses:
            depths = [float(self._level[first:end].mean()) for first, end in pauses]
            equal = min(depths) + EQUAL_PAUSES_DB
            deep = [end for (_, end), depth in zip(pauses, depths, strict=True) if depth <= equal]
            return (deep[-1] - 1) * self._block
        if begin == 0:
            return 0
        return (begin + int(self._level[begin:].argmin())) * self._block
