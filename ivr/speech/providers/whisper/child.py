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

RATE = 16_000
FULL_S = 30.0
"""Seconds of sound that Whisper was trained on (Radford et al., "Robust Speech Recognition via Large-Scale
Weak Supervision", 2022)."""
ROOM_S = 3.0
"""Silence that must follow the speech inside a shortened context, or the end is not recognised."""
CUT_S = (20.0, 28.0)
"""A longer utterance is cut at the quietest place in this part of each window."""
SHORTEST_S = 0.1
TOKENS_PER_S = 12
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
        many = bool(self._model.model.is_multilingual)
        tokenizer = Tokenizer(self._model.hf_tokenizer, many, task="transcribe", language=language)
        self._tokenizer = tokenizer
        self._prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        self._beam_size = beam_size
        self._short_s = min(short_context_s, FULL_S)
        self._retry_below, self._reject_below = retry_below, reject_below
        self._no_speech_above = no_speech_above
        self._guess(np.zeros(RATE, np.float32), FULL_S)  # the first inference allocates and is slow

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        """Transcribe PCM16 at ``request["sample_rate"]``; returns ``{"text", "confidence"}``."""
        pcm = np.frombuffer(payload, np.int16)
        if request["sample_rate"] != RATE:
            pcm = resample(pcm, request["sample_rate"], RATE)
        texts: list[str] = []
        weights: list[float] = []
        confidence = 0.0
        for part in _windows(pcm.astype(np.float32) / 32768.0):
            text, certainty = self._understand(part)
            if text:
                texts.append(text)
                weights.append(len(text))
                confidence += certainty * len(text)
            yield b""  # progress, and a place where the request can be cancelled
        return {"text": " ".join(texts), "confidence": confidence / sum(weights) if weights else 0.0}

    def _understand(self, sound: _F32) -> tuple[str, float]:
        seconds = sound.size / RATE
        if seconds < SHORTEST_S or not sound.any():
            return "", 0.0
        best: Guess | None = None
        if seconds + ROOM_S <= self._short_s:
            best = self._guess(sound, self._short_s)
            if best.no_speech > self._no_speech_above:
                return "", 0.0
        if best is None or best.loop or best.likelihood < self._retry_below:
            full = self._guess(sound, FULL_S)
            if best is None or best.loop or full.likelihood > best.likelihood:
                best = full
        if best.no_speech > self._no_speech_above or best.likelihood < self._reject_below or best.loop:
            return "", 0.0
        return best.text, best.likelihood * (1.0 - best.no_speech)

    def _guess(self, sound: _F32, context_s: float) -> Guess:
        frames = int(context_s * 100)
        padded = np.zeros(int(context_s * RATE), np.float32)
        padded[: sound.size] = sound[: padded.size]
        mel = self._model.feature_extractor(padded)[np.newaxis, :, :frames]
        features = ctranslate2.StorageView.from_array(np.ascontiguousarray(mel, dtype=np.float32))
        most = 12 + int(TOKENS_PER_S * sound.size / RATE)
        result = self._model.model.generate(
            self._model.model.encode(features),
            [self._prompt],
            beam_size=self._beam_size,
            max_length=min(448, len(self._prompt) + most),
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
