"""The part of ``whisper`` that runs in the child process. Imports faster-whisper, which is slow."""

import math
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from ivr.audio.resample import resample
from ivr.grammar.inputs import InputSpec, make_input
from ivr.grammar.recognition import Hypothesis
from ivr.speech.providers.whisper.phrases import (
    CALIBRATION,
    LINE_NOISE,
    LINE_NOISE_S,
    MULTILINGUAL,
    Comparison,
    PhraseScorer,
)
from ivr.speech.providers.whisper.typed import MAX_LENGTH, Decoded, TypedDecoder

RATE = 16_000
FULL_S = 30.0
"""Seconds of sound that Whisper was trained on (Radford et al., "Robust Speech Recognition via Large-Scale
Weak Supervision", 2022)."""
ROOM_S = 3.0
"""Silence that must follow the speech inside a shortened context, or the end is not recognised."""
CUT_S = (20.0, 28.0)
"""A longer utterance is cut at the quietest place in this part of each window."""
SHORTEST_S = 0.1
CONTEXTS_S = (6.0, 10.0)
"""Shortened contexts for an answer of a closed grammar, which is compared with its phrases."""
CLEAR_VALUE, CLEAR_CONFIDENCE = 0.6, 0.95
"""Likelihood from which a free transcript that says a typed value is taken, and how often it is right."""
SURE = 0.9
"""Confidence of a phrase from which the free transcript is not made again with the full context."""
TOKENS_PER_S = 8
"""More than people speak; stops a decoder that repeats itself."""
MOST_REPETITIVE = 2.4
"""Compression ratio above which a text is a loop (the paper's value)."""

_F32 = npt.NDArray[np.float32]


class Guess(NamedTuple):
    text: str
    likelihood: float
    """Geometric mean of the tokens' probabilities, 0 to 1."""
    no_speech: float
    """Probability that there is no speech, 0 to 1."""
    loop: bool
    """The text repeats itself, or decoding had to be stopped."""


class _Decoder(NamedTuple):
    """The parts that depend on the language."""

    tokenizer: Tokenizer
    prompt: list[int]
    scorer: PhraseScorer
    typed: TypedDecoder

    @classmethod
    def make(cls, model: WhisperModel, multilingual: bool, silent: _F32, language: str) -> "_Decoder":
        tokenizer = Tokenizer(model.hf_tokenizer, multilingual, task="transcribe", language=language)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        calibration = MULTILINGUAL if multilingual else CALIBRATION
        scorer = PhraseScorer(model.model, tokenizer, silent, language, calibration)
        return cls(tokenizer, prompt, scorer, TypedDecoder(model.model, tokenizer, prompt, language))


class WhisperEngine:
    def __init__(
        self,
        *,
        model: str,
        language: str,
        compute_type: str,
        threads: int,
        beam_size: int,
        short_context_s: float,
        retry_below: float,
        reject_below: float,
        no_speech_above: float,
    ) -> None:
        if not (Path(model) / "model.bin").is_file():
            # faster-whisper would take the name for one on a hub and download it.
            raise FileNotFoundError(f"{model} is not a folder with a CTranslate2 model")
        self._model = WhisperModel(
            model, device="cpu", compute_type=compute_type, cpu_threads=threads, local_files_only=True
        )
        self._multilingual = bool(self._model.model.is_multilingual)
        self._language = language or "en"
        self._decoders: dict[str, _Decoder] = {}
        self._beam_size = beam_size
        self._short_s = min(short_context_s, FULL_S)
        self._retry_below, self._reject_below = retry_below, reject_below
        self._no_speech_above = no_speech_above
        noise = np.random.default_rng(0).standard_normal(int(LINE_NOISE_S * RATE)) * LINE_NOISE
        silent, _ = self._encode(noise.astype(np.float32), CONTEXTS_S[0])
        self._silent = np.array(silent)
        self.use_language(self._language)
        silence, _ = self._encode(np.zeros(RATE, np.float32), FULL_S)
        self._guess(silence, 1.0)  # the first inference allocates and is slow

    def use_language(self, tag: str) -> None:
        """Decode in a language from now on; in that of the settings where the network does not know it."""
        code = tag.partition("-")[0].lower()
        if not self._multilingual or self._model.hf_tokenizer.token_to_id(f"<|{code}|>") is None:
            code = self._language
        if code not in self._decoders:
            self._decoders[code] = _Decoder.make(self._model, self._multilingual, self._silent, code)
        self._tokenizer, self._prompt, self._scorer, self._typed = self._decoders[code]

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        """Transcribe PCM16 at ``request["sample_rate"]``; returns ``{"text", "confidence"}``, and where
        ``request["phrases"]`` or ``request["typed"]`` has the answers that are expected, ``"hypotheses"``.
        """
        self.use_language(str(request.get("language") or self._language))
        pcm = np.frombuffer(payload, np.int16)
        if request["sample_rate"] != RATE:
            pcm = resample(pcm, request["sample_rate"], RATE)
        sound = pcm.astype(np.float32) / 32768.0
        phrases, typed = request.get("phrases") or {}, request.get("typed") or {}
        context_s = _answer_context(sound.size / RATE)
        if context_s is None and typed and sound.size <= FULL_S * RATE:
            context_s, phrases = FULL_S, {}
        if context_s is not None and (phrases or typed):
            return self._recognise(sound, context_s, phrases, typed)
        texts: list[str] = []
        weights: list[float] = []
        confidence = 0.0
        for part in _windows(sound):
            text, certainty = self._understand(part)
            if text:
                texts.append(text)
                weights.append(len(text))
                confidence += certainty * len(text)
            yield b""  # progress, and a place where the request can be cancelled
        return {"text": " ".join(texts), "confidence": confidence / sum(weights) if weights else 0.0}

    def _recognise(
        self, sound: _F32, context_s: float, phrases: dict[str, list[str]], typed: dict[str, Any]
    ) -> dict[str, Any]:
        """Compare the sound with phrases, and decode a typed value; all on the same encoded sound."""
        if sound.size < SHORTEST_S * RATE or not sound.any():
            return {"text": "", "confidence": 0.0}
        encoded, frames = self._encode(sound, context_s)
        free = self._guess(encoded, sound.size / RATE)
        if free.no_speech > self._no_speech_above:
            return {"text": "", "confidence": 0.0}
        found = self._scorer.hypotheses(np.array(encoded), frames, phrases, "" if free.loop else free.text)
        if typed:
            values = self._values(encoded, sound.size / RATE, free, typed)
            found = sorted((*found, *values), key=lambda each: -each.confidence)
        text, confidence = self._settle(sound, None if _sure(found) else context_s, free)
        return {"text": text, "confidence": confidence, "hypotheses": [each.plain() for each in found]}

    def _values(
        self, encoded: ctranslate2.StorageView, seconds: float, free: Guess, typed: dict[str, Any]
    ) -> list[Hypothesis]:
        """Return the typed values that may have been said; a clear transcript needs no further decoding."""
        clear = free.likelihood >= CLEAR_VALUE and not free.loop
        if clear and make_input(InputSpec.from_plain(typed)).parse(free.text) is not None:
            return [Hypothesis("", free.text, CLEAR_CONFIDENCE)]
        return self._typed.hypotheses(encoded, _most_tokens(seconds), typed)

    def compare(self, sound: _F32, phrases: dict[str, list[str]]) -> list[Comparison]:
        """Compare a sound of 16 kHz with phrases, without a confidence: for the choice of ``CALIBRATION``."""
        context_s = _answer_context(sound.size / RATE)
        if context_s is None:
            return []
        encoded, frames = self._encode(sound, context_s)
        free = self._guess(encoded, sound.size / RATE)
        return self._scorer.compare(np.array(encoded), frames, phrases, "" if free.loop else free.text)

    def decode(self, sound: _F32, spec: InputSpec) -> list[Decoded]:
        """Decode a sound of 16 kHz as a typed value: for the choice of ``typed.CALIBRATION``."""
        seconds = sound.size / RATE
        encoded, _ = self._encode(sound, _answer_context(seconds) or FULL_S)
        return self._typed.decode(encoded, _most_tokens(seconds), spec)

    def _understand(self, sound: _F32) -> tuple[str, float]:
        seconds = sound.size / RATE
        if seconds < SHORTEST_S or not sound.any():
            return "", 0.0
        short = None
        if seconds + ROOM_S <= self._short_s:
            encoded, _ = self._encode(sound, self._short_s)
            short = self._guess(encoded, seconds)
            if short.no_speech > self._no_speech_above:
                return "", 0.0
        return self._settle(sound, self._short_s, short)

    def _settle(self, sound: _F32, context_s: float | None, short: Guess | None) -> tuple[str, float]:
        """Return text and confidence: those of ``short``, made with a context of ``context_s`` seconds, or
        where it is doubtful those of the full context. With None for ``context_s`` that is not asked."""
        best = short
        doubtful = short is None or short.loop or short.likelihood < self._retry_below
        if short is None or (doubtful and context_s is not None):
            encoded, _ = self._encode(sound, FULL_S)
            full = self._guess(encoded, sound.size / RATE)
            if best is None or best.loop or full.likelihood > best.likelihood:
                best = full
        assert best is not None
        if best.no_speech > self._no_speech_above or best.likelihood < self._reject_below or best.loop:
            return "", 0.0
        return best.text, best.likelihood * (1.0 - best.no_speech)

    def _encode(self, sound: _F32, context_s: float) -> tuple[ctranslate2.StorageView, int]:
        """Return the encoded sound, and how many of its frames of 10 ms are not padding."""
        frames = int(context_s * 100)
        padded = np.zeros(int(context_s * RATE), np.float32)
        padded[: sound.size] = sound[: padded.size]
        mel = self._model.feature_extractor(padded)[np.newaxis, :, :frames]
        features = ctranslate2.StorageView.from_array(np.ascontiguousarray(mel, dtype=np.float32))
        return self._model.model.encode(features), min(frames, sound.size * 100 // RATE)

    def _guess(self, encoded: ctranslate2.StorageView, seconds: float) -> Guess:
        """Return the free transcript of a sound of so many seconds."""
        most = _most_tokens(seconds)
        result = self._model.model.generate(
            encoded,
            [self._prompt],
            beam_size=self._beam_size,
            max_length=min(MAX_LENGTH, 2 * most),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        text = self._tokenizer.decode(tokens).strip()
        # The score is a mean over the tokens; the end token counts too.
        mean_logprob = result.scores[0] * len(tokens) / (len(tokens) + 1)
        raw = text.encode()
        loop = len(tokens) >= most or len(raw) > MOST_REPETITIVE * len(zlib.compress(raw))
        return Guess(text, math.exp(min(0.0, mean_logprob)), result.no_speech_prob, loop)


def _answer_context(seconds: float) -> float | None:
    """Return the context, in seconds, for an answer that is compared with phrases; None: it is too long."""
    return next((each for each in CONTEXTS_S if seconds + ROOM_S <= each), None)


def _most_tokens(seconds: float) -> int:
    return 8 + int(TOKENS_PER_S * seconds)


def _sure(found: list[Hypothesis]) -> bool:
    return bool(found) and found[0].confidence >= SURE


def _windows(sound: _F32) -> Generator[_F32, None, None]:
    """Yield the sound in pieces that fit into the model's context, cut where it is quiet."""
    while sound.size > FULL_S * RATE:
        block = RATE // 10
        first, last = (int(s * RATE) // block for s in CUT_S)
        energy = np.square(sound[first * block : last * block]).reshape(-1, block).sum(axis=1)
        cut = (first + int(energy.argmin())) * block + block // 2
        yield sound[:cut]
        sound = sound[cut:]
    yield sound
