"""A voice is given words; its caller sees the text as written, with the times of what was said for it."""

from collections.abc import AsyncIterator

from ivr.grammar.speakable import stretches
from ivr.speech.spoken_text import SpokenTextTTS, written_words
from ivr.speech.timed_words import Word


def said_words(text: str) -> list[Word]:
    """Return the words of a text that takes 100 samples a word."""
    return [Word(word, 100 * at, 100 * at + 100) for at, word in enumerate(text.split())]


class _Sound(AsyncIterator[bytes]):
    def __init__(self, text: str) -> None:
        self.words = said_words(text)
        self._left = len(self.words)

    async def __anext__(self) -> bytes:
        if not self._left:
            raise StopAsyncIteration
        self._left -= 1
        return bytes(200)


class _Voice:
    name, sample_rate = "voice", 8000

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def start(self) -> None: ...

    def fingerprint(self) -> str:
        return "voice"

    def synthesize(self, text: str) -> _Sound:
        self.texts.append(text)
        return _Sound(text)

    async def aclose(self) -> None: ...


async def test_the_engine_is_given_words_and_the_written_words_are_timed() -> None:
    voice = _Voice()
    speech = SpokenTextTTS(voice, "en-US").synthesize("**Pay** $12.50 by 5:30 pm, Dr. Ng.")
    pieces = [piece async for piece in speech]
    assert voice.texts == ["Pay twelve dollars and fifty cents by five thirty p m, Doctor Ng."]
    assert len(pieces) == 13
    assert [word.text for word in speech.words] == ["**Pay**", "$12.50", "by", "5:30", "pm,", "Dr.", "Ng."]
    times = {word.text: (word.start, word.end) for word in speech.words}
    assert times["$12.50"] == (100, 600)
    assert times["5:30"][0] == 700 and times["pm,"][1] == 1100
    assert times["Ng."] == (1200, 1300)


def test_a_stretch_that_was_not_said_whole_is_not_there() -> None:
    words = written_words(stretches("Pay $12.50 now", "en"), said_words("Pay twelve dollars"))
    assert [word.text for word in words] == ["Pay"]


def test_what_is_not_said_has_no_length() -> None:
    words = written_words(stretches("Hello \U0001f600 there", "en"), said_words("Hello there"))
    assert words == [("Hello", 0, 100), ("\U0001f600", 100, 100), ("there", 100, 200)]


def test_prompts_made_without_the_rules_are_made_again() -> None:
    assert SpokenTextTTS(_Voice(), "en").fingerprint() != _Voice().fingerprint()
