"""The side of ``piper`` that runs in the child process. Imports onnxruntime, which is slow."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig, SynthesisConfig

PIECE_S = 0.5
"""Seconds of sound in one piece: a barge-in is seen between two."""


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
        # Not PiperVoice.load, which leaves no say in the threads.
        self._voice = PiperVoice(
            session=onnxruntime.InferenceSession(model, session, providers=["CPUExecutionProvider"]),
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
        for _ in self._voice.synthesize("Ready.", self._config):
            pass  # the first inference allocates and is slow

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        """The PCM16 of ``request["text"]``, a sentence, in pieces."""
        step = 2 * int(PIECE_S * self._voice.config.sample_rate)
        for sentence in self._voice.synthesize(request["text"], self._config):
            pcm = sentence.audio_int16_bytes
            for at in range(0, len(pcm), step):
                yield pcm[at : at + step]
        return {}
