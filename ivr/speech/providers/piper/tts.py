"""Text to speech on this machine: a Piper voice, in its own process."""

import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.audio.frames import BYTES_PER_SAMPLE
from ivr.modelstore import model_path
from ivr.process.requests import ProcessOptions
from ivr.speech.base import SpeechError, options_of
from ivr.speech.local_engine import LocalEngine
from ivr.speech.sentences import split_sentences
from ivr.speech.timed_words import Word

MODEL = "piper-joe"
TARGET = "ivr.speech.providers.piper.child:PiperEngine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PiperOptions(ProcessOptions):
    """Options of a Piper voice. None means the voice's own value."""

    model: Path | None = None
    """The .onnx file of a voice, its .onnx.json beside it; when not set, the voice in the model cache."""
    speaker: int | None = None
    """Number of the speaker, of a voice with several."""
    length_scale: float | None = None
    """Larger is slower; 1 is the voice's natural speed."""
    noise_scale: float | None = None
    """Variation of the sound, 0 to 1."""
    noise_w: float | None = None
    """Variation of the rhythm, 0 to 1."""
    volume: float = 1.0
    """Factor on the samples. The prompt cache levels what it keeps, so this is for use without it."""


class PiperTts:
    """A TextToSpeech at the voice's own rate (22,050 Hz for a medium voice).

    A text is synthesised sentence by sentence, so its first sound takes as long as its first sentence, and
    the sentences of several calls take turns.
    """

    name = "piper"
    options_type = PiperOptions

    def __init__(self, **options: Any) -> None:
        """Options are the fields of PiperOptions. Raises ValueError, ModelMissing."""
        self.options = options_of(PiperOptions, self.name, options)
        model = Path(self.options.model) if self.options.model is not None else model_path(MODEL)
        description = model.with_name(model.name + ".json")
        try:
            voice = description.read_bytes()
            described = json.loads(voice)
            self.sample_rate = int(described["audio"]["sample_rate"])
            self.languages = _languages(described)
            """Languages of the voice, such as ``en``; None when its description names none."""
            size = model.stat().st_size
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{model} and {description.name} are not a Piper voice: {error}") from error
        sound = {
            "speaker": self.options.speaker,
            "length_scale": self.options.length_scale,
            "noise_scale": self.options.noise_scale,
            "noise_w": self.options.noise_w,
            "volume": self.options.volume,
        }
        # Two voices with the same description and size would differ in training only.
        known_by = hashlib.sha256(voice + str(size).encode()).hexdigest()[:16]
        self._fingerprint = f"piper {model.stem} {known_by} {json.dumps(sound)}"
        arguments = {**sound, "model": str(model), "threads": self.options.threads}
        self.engine = LocalEngine(self.name, TARGET, arguments, self.options)

    async def start(self) -> None:
        await self.engine.start()

    def fingerprint(self) -> str:
        return self._fingerprint

    def synthesize(self, text: str) -> "PiperSpeech":
        """See TextToSpeech. The next sentence is made when the sound of the last has been taken."""
        return PiperSpeech(self, text)

    async def aclose(self) -> None:
        await self.engine.aclose()


class PiperSpeech(AsyncIterator[bytes]):
    """The sound of one text, with its words (``TimedAudio``) if the voice knows them."""

    def __init__(self, tts: PiperTts, text: str) -> None:
        self._tts, self._text = tts, text
        self.words: list[Word] = []
        self._made = 0
        self._sound = self._synthesize()

    async def __anext__(self) -> bytes:
        return await anext(self._sound)

    async def aclose(self) -> None:
        """Abandon the request."""
        await self._sound.aclose()

    async def _synthesize(self) -> AsyncGenerator[bytes, None]:
        if "\0" in self._text:
            raise SpeechError(self._tts.name, "the text has a NUL character")
        known = True
        for sentence in split_sentences(self._text):
            pieces: list[bytes] = []
            spans: list[tuple[int, int]] = []
            # A sentence is computed in one go: its words, which follow the sound, cost no wait.
            async with aclosing(self._tts.engine.run({"text": sentence})) as items:
                async for item in items:
                    if isinstance(item, bytes):
                        pieces.append(item)
                    else:
                        spans = item["words"]
            known = known and bool(spans)
            if known:
                for word, (start, end) in zip(sentence.split(), spans, strict=True):
                    self.words.append(Word(word, self._made + start, self._made + end))
            self._made += sum(map(len, pieces)) // BYTES_PER_SAMPLE
            for piece in pieces:
                yield piece


def _languages(description: dict[str, Any]) -> tuple[str, ...] | None:
    language = description.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    return (str(code).replace("_", "-"),) if code else None
