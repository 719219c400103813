"""The Silero VAD network (v5 and v6 files) through onnxruntime: probability of speech, window by window.

Format of the model, as Silero publishes it (https://github.com/snakers4/silero-vad): inputs ``input``
float32 (n, 64 + 512), the window with the 64 samples before it in front; ``state`` float32
(2, n, 128); and, in some files, ``sr`` int64 (). Outputs: probability (n, 1) and the next state.

Some files hold a second network for sound of 8 kHz, chosen by ``sr``, whose ``input`` is (n, 32 + 256). It
hears speech on the telephone better than the other does, for which there is nothing above 4 kHz, and costs
less (measured: see the README).
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ivr.audio.frames import LINE_RATE, VAD_RATE
from ivr.errors import IvrError

WINDOW = 512
"""Samples of 16 kHz in one window (32 ms)."""
CONTEXT = 64
"""Samples of the window before, put in front of each window."""
INPUT = CONTEXT + WINDOW
NARROW_INPUT = INPUT * LINE_RATE // VAD_RATE
"""The same 36 ms in samples of 8 kHz."""
STATE_SHAPE = (2, 128)
"""Shape of the state of one stream."""

F32 = npt.NDArray[np.float32]
_RATE_8K = {"sr": np.array(LINE_RATE, dtype=np.int64)}


class VadModelError(IvrError, ValueError):
    """The file cannot serve as the detector's network; the text says why."""


class SileroModel:
    """One loaded network, for any number of streams: it keeps nothing between calls.

    ``run`` may be called from several threads. It releases the GIL while it computes, on the calling
    thread alone. Raises VadModelError for a file that is missing, no ONNX, or not Silero-compatible.
    """

    def __init__(self, path: Path, *, narrow: bool = True) -> None:
        """``narrow``: use the network for 8 kHz, if the file has one."""
        self.path = path
        if not path.is_file():
            raise VadModelError(f"{path}: no such file")
        import onnxruntime  # here, since it is large and most commands of the line need none

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
        self.narrow = narrow and self._knows_8k()
        """``run`` takes windows of 8 kHz too."""

    def run(self, windows: F32, states: F32) -> tuple[F32, F32]:
        """One inference for ``n`` streams.

        ``windows``: float32 (n, INPUT), sound of 16 kHz, or where the model is ``narrow`` also
        (n, NARROW_INPUT), sound of 8 kHz; full scale is 1. ``states``: float32 (2, n, 128), zeros for a new
        stream; those of one rate mean nothing at the other. Gives the probabilities of speech (n,) and the
        next states (2, n, 128).
        """
        extra = self._extra if windows.shape[1] == INPUT else _RATE_8K
        output, following = self._session.run(None, {"input": windows, "state": states, **extra})
        return output[:, 0], following

    def _knows_8k(self) -> bool:
        """Files for 16 kHz alone may have an input ``sr`` and take no notice of it."""
        if not self._extra:
            return False
        sound = np.random.default_rng(0).standard_normal((2, NARROW_INPUT)).astype(np.float32) * 0.1
        given = {"input": sound, "state": np.zeros((2, 2, 128), np.float32)}
        try:
            found = self._session.run(None, {**given, **_RATE_8K})
            taken_for_16k = self._session.run(None, {**given, **self._extra})
        except Exception:  # windows of that length serve neither; onnxruntime's exceptions have no base
            return False
        shapes = [output.shape for output in found]
        return shapes == [(2, 1), (2, 2, 128)] and not np.array_equal(found[1], taken_for_16k[1])

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
