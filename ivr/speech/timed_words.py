"""Times of the words in synthesised speech, from engines that know them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Word(NamedTuple):
    """One word of the text (``str.split``) and its sound: samples ``start`` to ``end``."""

    text: str
    start: int
    end: int


@runtime_checkable
class TimedAudio(Protocol):
    """An iterator of sound that knows its words; ``TextToSpeech.synthesize`` may return one.

    ``words`` are the text's words from the first on, without a gap, in samples of the engine's rate since
    the first sample yielded. The list grows: a word is in it no later than the last piece of its sound. It
    ends where the engine no longer knows.
    """

    @property
    def words(self) -> Sequence[Word]: ...


def words_of(sound: object) -> Sequence[Word]:
    """Return ``sound.words``; an empty list for an iterator without them."""
    return sound.words if isinstance(sound, TimedAudio) else ()


def shift_words(words: Iterable[Word], by: int, rate: int, new_rate: int) -> list[Word]:
    """Return ``words`` converted from ``rate`` to ``new_rate`` Hz, then moved by ``by`` samples."""
    if not by and rate == new_rate:
        return list(words)

    def at(sample: int) -> int:
        return max(0, round(sample * new_rate / rate) + by)

    return [Word(word.text, at(word.start), at(word.end)) for word in words]
