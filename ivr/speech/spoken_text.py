"""A synthesiser whose text is made speakable first: "5:30 pm" is given to it as words.

Callers of it see the text as written: logs, the cache and the words that a caller heard keep it.
"""

from collections.abc import AsyncIterator, Sequence
from itertools import accumulate

from ivr.grammar.speakable import VERSION, Stretch, spoken_text, stretches
from ivr.speech.base import TextToSpeech
from ivr.speech.timed_words import Word, words_of


class SpokenTextTTS:
    """A TextToSpeech in front of another one, for the language of its voice."""

    def __init__(self, tts: TextToSpeech, language: str) -> None:
        """``language``: a tag (RFC 5646)."""
        self._tts, self._language = tts, language
        self.name, self.sample_rate = tts.name, tts.sample_rate

    async def start(self) -> None:
        await self._tts.start()

    def fingerprint(self) -> str:
        return f"{self._tts.fingerprint()} text {self._language} {VERSION}"

    def synthesize(self, text: str) -> "SpokenText":
        """See TextToSpeech. Words are those of ``text`` as written, with the times of what is said."""
        return SpokenText(self._tts, stretches(text, self._language))

    async def aclose(self) -> None:
        await self._tts.aclose()


class SpokenText(AsyncIterator[bytes]):
    """The sound of one text."""

    def __init__(self, tts: TextToSpeech, parts: Sequence[Stretch]) -> None:
        self._parts = parts
        self._sound = tts.synthesize(spoken_text(parts))

    @property
    def words(self) -> list[Word]:
        """See ``TimedAudio``."""
        return written_words(self._parts, words_of(self._sound))

    async def __anext__(self) -> bytes:
        return await anext(self._sound)

    async def aclose(self) -> None:
        """Abandon the request."""
        close = getattr(self._sound, "aclose", None)
        if close is not None:
            await close()


def written_words(parts: Sequence[Stretch], spoken: Sequence[Word]) -> list[Word]:
    """Return the words as written with the times of the words that were said for them, up to the first
    stretch that was not said whole. Several written words share the time of their stretch by their letters;
    what is not said has no length.
    """
    found: list[Word] = []
    at = 0
    for part in parts:
        said = spoken[at : at + len(part.spoken)]
        if len(said) < len(part.spoken):
            break
        at += len(part.spoken)
        last = found[-1].end if found else 0
        start, end = (said[0].start, said[-1].end) if said else (last, last)
        places = list(accumulate(map(len, part.written), initial=0))
        edges = [start + (end - start) * place // max(1, places[-1]) for place in places]
        found += [Word(*each) for each in zip(part.written, edges, edges[1:], strict=False)]
    return found
