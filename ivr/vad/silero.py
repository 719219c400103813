"""The Silero VAD network (v5 and v6 files) through onnxruntime: probability of speech, window by window.

Format of the model, as Silero publishes it (https://github.com/snakers4/silero-vad): inputs ``input``
float32 (n, 64 + 512), the window with the 64 samples before it in front; ``state`` float32
(2, n, 128); and, in some files, ``sr`` int64 (). Outputs: probability (n, 1) and the next state.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from ivr.audio.frames import VAD_RATE

WINDOW = 512
"""Samples of 16 kHz in one window (32 ms)."""
CONTEXT = 64
"""Samples of the window before, put in front of each window."""
INPUT = CONTEXT + WINDOW
STATE_SHAPE = (2, 128)
"""Of one stream."""

F32 = npt.NDArray[np.float32]


class VadModelError(ValueError):
    """The file cannot serve as the detector's network; the text says why."""


class SileroModel:
    """One loaded network, for any number of streams: it keeps nothing between calls.

    ``run`` may be called from several threads. It releases the GIL while it computes, on the calling
    thread alone. Raises VadModelError for a file that is missing, no ONNX, or not Silero-compatible.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise VadModelError(f"{path}: no such file")
        options = onnxruntime.SessionOptions()
        # A window takes a tenth of a millisecond: threads of its own would only wake and spin.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as e:  # onnxruntime's own exceptions have no common base but this
            raise VadModelError(f"{path}: not an ONNX model that onnxruntime can load: {e}") from e
        self._extra: dict[str, npt.NDArray[np.int64]] = {}
        self._check_names()
        self._check_shapes()

    def run(self, windows: F32, states: F32) -> tuple[F32, F32]:
        """One inference for ``n`` streams.

        ``windows``: float32 (n, INPUT) in -1..1; ``states``: float32 (2, n, 128), zeros for a new
        stream. Gives the probabilities of speech (n,) and the next states (2, n, 128).
        """
        output, following = self._session.run(None, {"input": windows, "state": states, **self._extra})
        return output[:, 0], following

    def _check_names(self) -> None:
        names = {i.name for i in self._session.get_inputs()}
        if names not in ({"input", "state"}, {"input", "state", "sr"}):
            raise VadModelError(
                f"{self.path}: not a Silero VAD (v5 or later): its inputs are "
                f"{', '.join(sorted(names))}; expected input, state and perhaps sr"
            )
        if "sr" in names:
            self._extra["sr"] = np.array(VAD_RATE, dtype=np.int64)

    def _check_shapes(self) -> None:
        """Two streams at once, of which one hears noise: the only sure test is to try."""
        windows = np.zeros((2, INPUT), np.float32)
        windows[1] = np.random.default_rng(0).standard_normal(INPUT) * 0.1
        try:
            outputs = self._session.run(
                None, {"input": windows, "state": np.zeros((2, 2, 128), np.float32), **self._extra}
            )
        except Exception as e:
            raise VadModelError(
                f"{self.path}: cannot take float32 windows (2, {INPUT}) with states (2, 2, 128) "
                f"at {VAD_RATE} Hz: {e}"
            ) from e
        shapes = [getattr(o, "shape", None) for o in outputs]
        if shapes != [(2, 1), (2, 2, 128)]:
            raise VadModelError(f"{self.path}: gives outputs of {shapes}; expected (2, 1) and (2, 2, 128)")
        p = outputs[0]
        if not (np.isfinite(p).all() and (p >= 0).all() and (p <= 1).all()):
            raise VadModelError(f"{self.path}: its output is no probability: {p[:, 0].tolist()}")
