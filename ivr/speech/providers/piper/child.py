"""The part of ``piper`` that runs in the child process. Imports onnxruntime, which is slow."""

import itertools
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from piper import AudioChunk, PiperVoice
from piper.config import PiperConfig, SynthesisConfig
from piper.const import BOS, EOS

from ivr.speech.providers.piper.phoneme_words import Phoneme, phonemes_of, word_spans
from ivr.speech.providers.piper.voice_durations import with_durations

PIECE_S = 0.5
"""Seconds of sound in one piece: a cancellation is noticed between two."""
WORDS_KNOWN = 4096
"""Words whose phonemes are remembered."""


class PiperEngine:
    def __init__(
        self,
        *,
        model: str,
        threads: int,
        speaker: int | None,
        length_scale: float | None,
        noise_scale: float | None,
        noise_w: float | None,
        volume: float,
    ) -> None:
        session = onnxruntime.SessionOptions()
        session.intra_op_num_threads = threads
        session.inter_op_num_threads = 1
        # Waiting threads that spin would take the cores from the media threads.
        session.add_session_config_entry("session.intra_op.allow_spinning", "0")
        inference = onnxruntime.InferenceSession(
            with_durations(Path(model).read_bytes()) or model, session, providers=["CPUExecutionProvider"]
        )
        # It would keep the file's 60 MB, to make the session again on another kind of device.
        inference._model_bytes = None
        # Not PiperVoice.load, which leaves no say in the threads.
        self._voice = PiperVoice(
            session=inference,
            config=PiperConfig.from_dict(json.loads(Path(model + ".json").read_bytes())),
        )
        self._config = SynthesisConfig(
            speaker_id=speaker,
            length_scale=length_scale,
            noise_scale=noise_scale,
            noise_w_scale=noise_w,
            # Piper would bring every sentence to full scale by itself, so that a short one is louder.
            normalize_audio=False,
            volume=volume,
        )
        self._known: dict[str, list[str]] = {}
        for _ in self._voice.synthesize("Ready.", self._config):
            pass  # the first inference allocates and is slow

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        """Yield the PCM16 of ``request["text"]``, a sentence, in pieces; then return ``{"words": [[start,
        end], ...]}``, in samples, for each of ``text.split()``; no words when the voice does not know them.
        """
        text = request["text"]
        step = 2 * int(PIECE_S * self._voice.config.sample_rate)
        spoken: list[Phoneme] = []
        made, known = 0, True
        for sentence in self._voice.synthesize(text, self._config, include_alignments=True):
            pcm = sentence.audio_int16_bytes
            for at in range(0, len(pcm), step):
                yield pcm[at : at + step]
            symbols = [BOS, *sentence.phonemes, EOS]
            lengths = self._lengths(symbols, sentence)
            known = known and lengths is not None
            spoken += phonemes_of(symbols, lengths or [0] * len(symbols), made)
            made += len(pcm) // 2
        if not known:
            return {"words": []}
        return {"words": word_spans(spoken, [self._phonemes(word) for word in text.split()])}

    def _lengths(self, symbols: list[str], sound: AudioChunk) -> list[int] | None:
        """Return the samples of each symbol; None when that is not known."""
        samples, voice = sound.phoneme_id_samples, self._voice.config
        if samples is None or abs(int(samples.sum()) - sound.audio_int16_array.size) > voice.hop_length:
            return None
        # Every symbol has its ids in the voice and a pad after them; one that it does not know has nothing.
        ids = [len(voice.phoneme_id_map.get(symbol, ())) for symbol in symbols]
        ends = np.cumsum([count + 1 if count else 0 for count in ids])
        ends[-1] -= 1
        if ends[-1] != samples.size:
            return None
        at = np.concatenate([[0], np.cumsum(samples)])[np.concatenate([[0], ends])]
        return [int(length) for length in np.diff(at)]

    def _phonemes(self, word: str) -> list[str]:
        """Return the phonemes of ``word`` spoken alone."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= WORDS_KNOWN:
                self._known.clear()
            known = self._known[word] = list(itertools.chain(*self._voice.phonemize(word)))
        return known
