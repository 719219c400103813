"""Text to speech on this machine: a Piper voice, in its own process."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ivr.modelstore import model_path
from ivr.speech.base import SpeechError
from ivr.speech.options import options_of
from ivr.speech.process import ProcessOptions
from ivr.speech.sentences import split_sentences
from ivr.speech.shared_engine import engine_requests

MODEL = "piper-joe"
TARGET = "ivr.speech.piper_engine:PiperEngine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PiperOptions(ProcessOptions):
    """None means the voice's own value."""

    model: Path | None = None
    """The .onnx file of a voice, its .onnx.json beside it; None is the voice in the model cache."""
    speaker: int | None = None
    """Of a voice with several."""
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

    A text is asked for sentence by sentence, so its first sound takes as long as its first sentence,
    and the sentences of several calls take turns.
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
            self.sample_rate = int(json.loads(voice)["audio"]["sample_rate"])
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
        # Two voices with the same description and size differ in training only; nobody has both.
        known_by = hashlib.sha256(voice + str(size).encode()).hexdigest()[:16]
        self._fingerprint = f"piper {model.stem} {known_by} {json.dumps(sound)}"
        arguments = {**sound, "model": str(model), "threads": self.options.threads}
        self.process = engine_requests(self.name, TARGET, arguments, self.options)

    async def start(self) -> None:
        await self.process.start()

    def fingerprint(self) -> str:
        return self._fingerprint

    async def synthesize(self, text: str) -> AsyncIterator[bytes]:
        """See TextToSpeech. The next sentence is made when the sound of the last has been taken."""
        if "\0" in text:
            raise SpeechError(self.name, "the text has a NUL character")
        for sentence in split_sentences(text):
            async with aclosing(self.process.stream({"text": sentence})) as pieces:
                async for piece in pieces:
                    yield piece

    async def aclose(self) -> None:
        await self.process.aclose()
