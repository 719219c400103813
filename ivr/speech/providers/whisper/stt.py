"""Speech to text on this machine: Whisper through faster-whisper (CTranslate2), in its own process."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ivr.grammar.recognition import Hypothesis, RecognitionContext
from ivr.modelstore import model_path
from ivr.process.requests import ProcessOptions
from ivr.speech.base import SpeechError, Transcript, options_of
from ivr.speech.local_engine import LocalEngine

MODEL = "whisper-tiny.en"
MULTILINGUAL_MODEL = "whisper-base"
TARGET = "ivr.speech.providers.whisper.child:WhisperEngine"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhisperOptions(ProcessOptions):
    """Options of Whisper. Defaults were measured on recorded phrases over G.711; see the room's README."""

    model: Path | None = None
    """Folder of a Whisper model converted for CTranslate2; when not set, tiny.en from the model cache, or for
    another language than English the multilingual base."""
    language: str = "en"
    """Code of the language spoken; only a multilingual model knows others than English. Empty: the language
    of each question."""
    compute_type: str = "int8"
    """Number format, in CTranslate2's names: int8, int8_float32, float32, ..."""
    beam_size: int = 2
    """Hypotheses that are followed at once; more is slower."""
    short_context_s: float = 15.0
    """Seconds to which an utterance is padded before it is encoded, when it is at least 3 s shorter. The
    model was trained on 30 s, and encoding half of that takes a third of the time. 30 switches it off."""
    retry_below: float = 0.55
    """Confidence (0 to 1) of the short result below which the full 30 s are used."""
    reject_below: float = 0.3
    """Confidence (0 to 1) below which the result is "not understood"."""
    no_speech_above: float = 0.5
    """Probability of "no speech" above which nothing was said."""


class WhisperStt:
    """A SpeechToText. Utterances over 30 s are cut in quiet places."""

    name = "whisper"
    options_type = WhisperOptions

    def __init__(self, **options: Any) -> None:
        """Options are the fields of WhisperOptions. Raises ValueError, ModelMissing."""
        self.options = options_of(WhisperOptions, self.name, options)
        known = MODEL if self.options.language == "en" else MULTILINGUAL_MODEL
        model = self.options.model if self.options.model is not None else model_path(known)
        inherited = {item.name for item in fields(ProcessOptions)}
        own = {item.name for item in fields(WhisperOptions)} - inherited - {"model"}
        arguments = {name: getattr(self.options, name) for name in sorted(own)}
        arguments |= {"model": str(model), "threads": self.options.threads}
        self.engine = LocalEngine(self.name, TARGET, arguments, self.options)

    async def start(self) -> None:
        await self.engine.start()

    async def transcribe(self, pcm16: bytes, sample_rate: int) -> Transcript:
        """See SpeechToText. Any rate is accepted; 16 kHz needs no conversion."""
        return await self._request({"sample_rate": sample_rate}, pcm16)

    async def recognise(self, pcm16: bytes, sample_rate: int, context: RecognitionContext) -> Transcript:
        """See ``HasGrammar``. An answer of up to 7 s to a question of a few phrases is compared with them."""
        request: dict[str, Any] = {"sample_rate": sample_rate}
        if not self.options.language:
            request["language"] = context.language
        if context.closed:
            request["phrases"] = {name: list(each) for name, each in context.phrases.items()}
        if context.typed:
            request["typed"] = dict(context.typed)
        return await self._request(request, pcm16)

    async def _request(self, request: dict[str, Any], pcm16: bytes) -> Transcript:
        if len(pcm16) % 2 or request["sample_rate"] <= 0:
            wrong = f"{len(pcm16)} bytes at {request['sample_rate']} Hz"
            raise SpeechError(self.name, f"not PCM16: {wrong}")
        result = await self.engine.call(request, pcm16)
        found = tuple(
            Hypothesis(str(meaning), str(phrase), float(confidence))
            for meaning, phrase, confidence in result.get("hypotheses", ())
        )
        return Transcript(str(result["text"]), float(result["confidence"]), self.name, found)

    async def aclose(self) -> None:
        await self.engine.aclose()
