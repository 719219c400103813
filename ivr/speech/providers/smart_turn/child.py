"""The part of ``smart-turn`` that runs in the child process.

The model, as its authors publish and use it (https://github.com/pipecat-ai/smart-turn): input
``input_features`` float32 (1, 80, 800), Whisper's log-mel spectrogram of 8 s of standardised sound, a
shorter turn with silence in front; one output (1, 1), the probability that the turn is complete.
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from ivr.audio.logmel import BANDS, HOP, RATE, log_mel, standardise
from ivr.audio.resample import resample

SAMPLES = 8 * RATE
INPUT = "input_features"
SHAPE = (1, BANDS, SAMPLES // HOP)

_F32 = npt.NDArray[np.float32]


class SmartTurnEngine:
    """Raises FileNotFoundError, and ValueError for a file that is no ONNX or another model."""

    def __init__(self, *, model: str, threads: int) -> None:
        if not Path(model).is_file():
            raise FileNotFoundError(f"{model}: no such file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait would take the cores from the media threads.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions have no common base but this
            raise ValueError(f"{model}: not an ONNX model that onnxruntime can load: {error}") from error
        self._check(model)

    def handle(self, request: dict[str, Any], payload: bytes) -> Generator[bytes, None, dict[str, Any]]:
        """Judge PCM16 at ``request["sample_rate"]``; returns ``{"probability"}``, 0 to 1."""
        mel = features(np.frombuffer(payload, np.int16), request["sample_rate"])
        yield b""  # a place where the request can be cancelled: what follows is most of the work
        return {"probability": self._judge(mel)}

    def _judge(self, mel: _F32) -> float:
        return float(self._session.run(None, {INPUT: mel})[0][0, 0])

    def _check(self, model: str) -> None:
        """The only sure test is to try; and the first inference allocates and is slow."""
        mel = features(np.zeros(0, np.int16), RATE)
        try:
            outputs = self._session.run(None, {INPUT: mel})
        except Exception as error:
            raise ValueError(f"{model}: no smart-turn v3: it cannot take {INPUT} {SHAPE}: {error}") from error
        if len(outputs) != 1 or outputs[0].shape != (1, 1) or not 0 <= outputs[0][0, 0] <= 1:
            raise ValueError(f"{model}: no smart-turn v3: its output is not one probability")


def features(pcm: npt.NDArray[np.int16], sample_rate: int) -> _F32:
    """Return the model's input, float32 of SHAPE, for a turn of any length at any rate."""
    if sample_rate != RATE:
        pcm = resample(pcm, sample_rate, RATE)
    sound = np.zeros(SAMPLES, np.float32)
    last = pcm[-SAMPLES:]
    sound[SAMPLES - last.size :] = last.astype(np.float32) / 32768.0
    return log_mel(standardise(sound))[np.newaxis]
