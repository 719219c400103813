"""Where the words of a speech are, for the engines that know it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable


class Word(NamedTuple):
    """One word as it stands in the text (``str.split``), and its sound: samples ``start`` to ``end``."""

    text: str
    start: int
    end: int


@runtime_checkable
class TimedSound(Protocol):
    """What ``TextToSpeech.synthesize`` may give: an iterator of sound that knows its words.

    ``words`` are those of the text from its first on, without a gap, in samples of the engine's rate since
    the first sample yielded. It grows: a word is there no later than the last piece of its sound. It ends
    where the engine no longer knows.
    """

    @property
    def words(self) -> Sequence[Word]: ...


def words_of(sound: object) -> Sequence[Word]:
    """``sound.words``; nothing for an iterator that has none."""
    return sound.words if isinstance(sound, TimedSound) else ()


def moved(words: Iterable[Word], by: int, rate: int, new_rate: int) -> list[Word]:
    """``words`` at ``rate`` Hz brought to ``new_rate``, then ``by`` samples later (none before 0)."""
    if not by and rate == new_rate:
        return list(words)

    def at(sample: int) -> int:
        return max(0, round(sample * new_rate / rate) + by)

    return [Word(word.text, at(word.start), at(word.end)) for word in words]
