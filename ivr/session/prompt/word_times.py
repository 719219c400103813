"""Where the words of a text lie in its sound, found from text and sound alone. Pure.

For recordings and for engines that do not tell. A dynamic programme (as in R. Bellman, "On the Approximation
of Curves by Line Segments Using Dynamic Programming", 1961) divides the sound into the words so that each
takes about as long as its spelling lets expect, pauses fall between words and where there is punctuation, and
the sound on both sides of each border is like the letters there: an "s" hisses, a "p" is silent before it
bursts.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from ivr.audio.frames import LINE_RATE
from ivr.audio.resample import resample
from ivr.session.prompt.word_lengths import SOUNDS, Length, Sound, word_lengths
from ivr.speech.timed_words import Word

_F32 = npt.NDArray[np.float32]
_F64 = npt.NDArray[np.float64]
_Int = npt.NDArray[np.int64]

BLOCK_MS = 10
LOUD_BELOW_PEAK_DB = 38.0
PAUSE_MS = 70
"""Shorter silence is part of a sound: a plosive's closure."""
_STEP = 2
"""Blocks from one possible border to the next inside speech."""
_EDGE = 4
"""Blocks on either side of a border that are compared with the letters there."""
_LONGEST_PAUSE_MS = 1000.0

# Chosen on one half of the phrases of tests/bench/heard.py.
_SPREAD = 0.44
"""Standard deviation of a word's length, as a share of it."""
_SPREAD_MS = 3.0
"""What is added to that."""
_LONGEST_SHARE = 2.5
"""The longest word, as a multiple of what is expected."""
_LONGEST_MS = 500.0
"""The longest word where that is less."""
_TOO_SHORT = 4.0
"""Cost of a word of one step."""
_LAST_MS = 58.0
"""The word before a pause is drawn out by this."""
_PAUSE_UNASKED = 2.1
"""Cost of 400 ms of pause where there is no punctuation, and gain where there is."""
_PAUSE_MISSING = 2.7
"""Cost of punctuation without a pause."""
_PAUSE_INSIDE = 0.03
"""Cost of each ms of pause inside a word."""
_EDGE_WEIGHT = 0.2
"""Weight of the sound at a border against lengths and pauses."""
_SLACK_MS = 800.0
"""How far a border may be from where it would be at an even pace."""
_SLACK_SHARE = 0.1
"""What is added to that, as a share of the whole."""
_MEAN_BEFORE = np.array([(-16.8, -8.3), (-20.2, -10.0), (-28.8, -0.4), (-33.8, -6.7)])
_SPREAD_BEFORE = np.array([(12.5, 3.7), (13.3, 4.4), (11.5, 6.2), (16.0, 6.6)])
_MEAN_AFTER = np.array([(-12.8, -7.2), (-9.9, -8.2), (-23.5, -0.7), (-19.1, -3.6)])
_SPREAD_AFTER = np.array([(11.9, 4.1), (7.0, 3.0), (8.5, 4.5), (6.3, 3.4)])
"""Statistics of the last and of the first ``_EDGE`` blocks of a word, for each of SOUNDS: level (dB above the
loudest speech) and brightness (dB; see ``_Blocks``)."""


class _Blocks(NamedTuple):
    """Sound in blocks of BLOCK_MS at 8 kHz, which telephone sound has."""

    level: _F32
    """dB, of no particular reference."""
    bright: _F32
    """Level of the difference from sample to sample, over that of the samples: dB, high for a hiss."""


class _Grid(NamedTuple):
    """Where a word may end: every ``_STEP`` blocks of speech, and once for each pause."""

    end: _Int
    """Block at which the word before it ends."""
    next: _Int
    """Block at which the word after it begins: later by the pause."""

    @property
    def pause_ms(self) -> _F64:
        return (self.next - self.end).astype(np.float64) * BLOCK_MS


def word_times(text: str, pcm: npt.NDArray[np.int16], rate: int, *, complete: bool = True) -> list[Word]:
    """The words of ``text`` (``str.split``) with their places in ``pcm``, mono at ``rate`` Hz.

    ``pcm`` holds all of the text, or with ``complete`` false its beginning: then the words end where the
    sound does. Punctuation by itself and other words that are not said have no length. None are found where
    there is nothing to hear.
    """
    words = text.split()
    lengths = word_lengths(words)
    said = [length for length in lengths if length.ms]
    if said and complete:
        said[-1] = said[-1]._replace(pause=True)
    blocks = _blocks(pcm, rate)
    loud = loud_blocks(blocks.level)
    if not said or not loud.any():
        return []
    grid = _grid(loud)
    if complete and len(said) >= len(grid.end):
        # More words than places for them: the text is not what is said. Evenly, then.
        borders = np.linspace(0, len(grid.end) - 1, len(said) + 1).astype(np.int64)
    else:
        borders = _divide(said, grid, blocks, complete=complete)
    unit = rate * BLOCK_MS / 1000
    found: list[Word] = []
    number, last = 0, round(grid.next[0] * unit)
    for word, length in zip(words, lengths, strict=True):
        start = end = last
        if length.ms:
            if number + 1 >= len(borders):
                break
            start = round(grid.next[borders[number]] * unit)
            end = max(start, round(grid.end[borders[number + 1]] * unit))
            number, last = number + 1, end
        found.append(Word(word, min(start, pcm.size), min(end, pcm.size)))
    return found


def levels(pcm: npt.NDArray[np.int16], rate: int) -> _F32:
    """dB of each BLOCK_MS; 0 is silence."""
    size = max(1, rate * BLOCK_MS // 1000)
    x = pcm[: pcm.size // size * size].astype(np.float32).reshape(-1, size)
    powers: _F32 = 10 * np.log10(np.einsum("ij,ij->i", x, x) / size + 1)
    return powers


def loud_blocks(level: _F32) -> npt.NDArray[np.bool_]:
    """Which blocks are not a pause."""
    loud: npt.NDArray[np.bool_] = level > max(20.0, float(level.max(initial=0.0)) - LOUD_BELOW_PEAK_DB)
    return loud


def pauses_in(loud: npt.NDArray[np.bool_], least_ms: float = PAUSE_MS) -> list[tuple[int, int]]:
    """First block and end of each run of ``least_ms`` or more that is not loud, without those at the ends."""
    edges = np.flatnonzero(np.diff(loud)) + 1
    edges = edges[0 if loud.size and loud[0] else 1 :]
    pairs = edges[: len(edges) // 2 * 2].reshape(-1, 2)
    return [(int(a), int(b)) for a, b in pairs if (b - a) * BLOCK_MS >= least_ms]


def _blocks(pcm: npt.NDArray[np.int16], rate: int) -> _Blocks:
    line = pcm if rate == LINE_RATE else resample(pcm, rate, LINE_RATE)
    level = levels(line, LINE_RATE)
    # Halved, so that it fits; 6 dB bring it back.
    steps = line // 2
    steps[1:] -= steps[:-1].copy()
    return _Blocks(level, levels(steps, LINE_RATE) + np.float32(6.0) - level)


def _grid(loud: npt.NDArray[np.bool_]) -> _Grid:
    spoken = np.flatnonzero(loud)
    first, last = int(spoken[0]), int(spoken[-1]) + 1
    ends: list[_Int] = []
    nexts: list[_Int] = []
    at = first
    for begin, end in [*pauses_in(loud), (last, last)]:
        points = np.arange(at, begin, _STEP)
        # The pause's own place stands for both of its sides.
        points = points[1:] if nexts else points
        ends += [points, np.array([begin])]
        nexts += [points, np.array([end])]
        at = end
    return _Grid(np.concatenate(ends), np.concatenate(nexts))


def _divide(said: list[Length], grid: _Grid, blocks: _Blocks, *, complete: bool) -> _Int:
    """The places of the grid between which the words lie: one more than words."""
    places = len(grid.end)
    expected = np.array([length.ms + _LAST_MS * length.pause for length in said])
    expected /= _STEP * BLOCK_MS
    if complete:
        expected *= (places - 1) / expected.sum()
    spread = _SPREAD * expected + _SPREAD_MS / (_STEP * BLOCK_MS)
    due = np.cumsum(expected)
    slack = _SLACK_MS / (_STEP * BLOCK_MS) + _SLACK_SHARE * places
    pause = np.minimum(grid.pause_ms, _LONGEST_PAUSE_MS)
    upto = np.cumsum(pause) * _PAUSE_INSIDE
    before = upto - pause * _PAUSE_INSIDE
    border = _border_costs(said, grid, blocks)

    best = np.full(places, np.inf)
    best[0] = 0.0
    came = np.zeros((len(said), places), np.int64)
    finals = np.full(len(said), np.inf)
    low = 0
    for number in range(len(said)):
        final = number == len(said) - 1
        low = min(places - 1, max(low + 1, int(due[number] - slack)))
        high = places - 1 if not complete else min(places - 1, max(low, int(due[number] + slack)))
        if complete and final:
            low = high = places - 1
        longest = int(max(_LONGEST_SHARE * expected[number], _LONGEST_MS / (_STEP * BLOCK_MS)))
        steps = np.arange(longest, 0, -1)
        # Less its mean, so that it says nothing about how many words there are in unfinished sound.
        cost = ((steps - expected[number]) / spread[number]) ** 2 - 1.0
        cost[-1] += _TOO_SHORT
        padded = np.full(longest + places, np.inf)
        padded[longest:] = best - upto
        ways = as_strided(padded[low:], (high - low + 1, longest), 2 * padded.strides) + cost
        chosen = ways.argmin(axis=1)
        at = np.arange(low, high + 1)
        reached = np.full(places, np.inf)
        reached[at] = ways[at - low, chosen] + before[at]
        came[number, at] = at - steps[chosen]
        finals[number] = reached[-1]
        best = reached if final else reached + border[number]
    count = len(said) if complete else int(finals.argmin()) + 1
    found = [places - 1]
    for number in range(count - 1, -1, -1):
        found.append(int(came[number, found[-1]]))
    return np.array(found[::-1])


def _border_costs(said: list[Length], grid: _Grid, blocks: _Blocks) -> _F64:
    """What it costs that the border after each word but the last is at each place of the grid."""
    share = np.minimum(grid.pause_ms, 400.0) / 400.0
    by_pause = np.stack(
        [_PAUSE_UNASKED * share, np.where(share > 0, -_PAUSE_UNASKED * share, _PAUSE_MISSING)]
    )
    costs: _F64 = by_pause[[int(length.pause) for length in said[:-1]]]
    top = float(np.quantile(blocks.level, 0.95))
    sums = np.cumsum(np.stack([blocks.level - top, blocks.bright]), axis=1, dtype=np.float64)
    sums = np.concatenate([np.zeros((2, 1)), sums], axis=1)
    ends = _likeness(sums, grid.end - _EDGE, grid.end, _MEAN_BEFORE, _SPREAD_BEFORE)
    begins = _likeness(sums, grid.next, grid.next + _EDGE, _MEAN_AFTER, _SPREAD_AFTER)
    for number in range(len(said) - 1):
        costs[number] -= _EDGE_WEIGHT * (_of(ends, said[number].last) + _of(begins, said[number + 1].first))
    return costs


def _likeness(sums: _F64, start: _Int, end: _Int, mean: _F64, spread: _F64) -> _F64:
    """How much better than on the average each of SOUNDS fits the blocks from ``start`` to ``end``: log of
    the likelihood's ratio, within reason.
    """
    start = np.clip(start, 0, sums.shape[1] - 2)
    end = np.clip(end, start + 1, sums.shape[1] - 1)
    seen = (sums[:, end] - sums[:, start]) / (end - start)
    z = (seen - mean[:, :, None]) / spread[:, :, None]
    logs = -0.5 * (z**2).sum(axis=1) - np.log(spread).sum(axis=1)[:, None]
    ratio: _F64 = logs - np.log(np.exp(np.maximum(logs, -50.0)).mean(axis=0))
    return np.clip(ratio, -3.0, 2.0)


def _of(likeness: _F64, sound: Sound | None) -> _F64 | float:
    return 0.0 if sound is None else likeness[SOUNDS.index(sound)]
