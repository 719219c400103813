from pathlib import Path

import numpy as np
import pytest

from ivr.audio.resample import resample
from ivr.modelstore import model_path
from ivr.vad.silero import CONTEXT, INPUT, NARROW_INPUT, WINDOW, SileroModel, VadModelError
from tests.vad.sounds import PROMPTS, loud_from, noise, prompt


def probabilities(model: SileroModel, x: np.ndarray) -> np.ndarray:
    """Return the probability of each window of 8 kHz sound, one stream alone."""
    y = np.concatenate([np.zeros(CONTEXT, np.int16), resample(x, 8000, 16000)]).astype(np.float32) / 32768
    state = np.zeros((2, 1, 128), np.float32)
    found = []
    for i in range(0, y.size - INPUT + 1, WINDOW):
        p, state = model.run(y[np.newaxis, i : i + INPUT], state)
        found.append(p[0])
    return np.array(found)


def test_speech_is_speech_and_noise_is_not(model: SileroModel) -> None:
    assert (probabilities(model, prompt("demo-nogo")) > 0.5).mean() > 0.8
    assert probabilities(model, noise(3, -30)).max() < 0.3


def test_windows_of_8_khz_are_for_a_network_of_their_own(model: SileroModel) -> None:
    """It is as sure as the other about a recording from the telephone, in fewer windows of doubt."""
    assert model.narrow and not SileroModel(model.path, narrow=False).narrow
    found: dict[int, list[float]] = {INPUT: [], NARROW_INPUT: []}
    for name in PROMPTS[::3]:
        x = prompt(name)[loud_from(prompt(name)) :][:8000] * np.float32(0.2 / 32768)
        state = np.zeros((2, 1, 128), np.float32)
        y = np.concatenate([np.zeros(CONTEXT // 2, np.float32), x])
        step = WINDOW // 2
        for i in range(0, y.size - NARROW_INPUT + 1, step):
            p, state = model.run(y[np.newaxis, i : i + NARROW_INPUT], state)
            found[NARROW_INPUT].append(float(p[0]))
        found[INPUT] += probabilities(model, np.rint(x * 32768).astype(np.int16)).tolist()
    assert np.mean(np.array(found[NARROW_INPUT]) > 0.5) > np.mean(np.array(found[INPUT]) > 0.5)


def test_a_file_for_16_khz_alone_takes_no_others(tmp_path: Path) -> None:
    """One without an input ``sr``, and one that takes no notice of it."""
    one = tmp_path / "one.onnx"
    one.write_bytes(model_path("silero").read_bytes())
    model = SileroModel(one)
    answers = model._session

    class Deaf:
        """A session that does not know the rate."""

        def run(self, names: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
            return answers.run(names, {**given, "sr": np.array(16000)})

    model._session = Deaf()
    assert not model._knows_8k()
    model._extra = {}
    assert not model._knows_8k()


def test_a_batch_gives_every_stream_its_own_answer(model: SileroModel) -> None:
    """Streams do not leak into one another, whatever is beside them."""
    rng = np.random.default_rng(5)
    windows = (rng.standard_normal((7, INPUT)) * 0.1).astype(np.float32)
    states = (rng.standard_normal((2, 7, 128)) * 0.1).astype(np.float32)
    together, following = model.run(windows, states)
    assert together.shape == (7,) and following.shape == states.shape
    for i in range(7):
        alone, state = model.run(windows[i : i + 1], np.ascontiguousarray(states[:, i : i + 1]))
        assert alone[0] == pytest.approx(together[i], abs=1e-5)
        assert np.allclose(state[:, 0], following[:, i], atol=1e-4)


def test_a_users_own_file_serves(tmp_path: Path) -> None:
    mine = tmp_path / "my detector.onnx"
    mine.write_bytes(model_path("silero").read_bytes())
    assert (probabilities(SileroModel(mine), prompt("hello-world")) > 0.5).any()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VadModelError, match=r"nowhere\.onnx: no such file"):
        SileroModel(tmp_path / "nowhere.onnx")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(VadModelError, match=r"wrong\.onnx: not an ONNX model"):
        SileroModel(wrong)


def test_a_truncated_model_is_refused(tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(model_path("silero").read_bytes()[:100_000])
    with pytest.raises(VadModelError, match=r"cut\.onnx"):
        SileroModel(cut)


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer (all lengths here are below 128 or written in two bytes)."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    size = len(value)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + value


def tiny_model(inputs: dict[str, list[int]], outputs: list[tuple[str, str]]) -> bytes:
    """ONNX that copies inputs to outputs, written by hand: ModelProto > GraphProto > NodeProto."""

    def tensor(name: str, shape: list[int]) -> bytes:
        dims = b"".join(field(1, field(1, d) if d else field(2, b"n")) for d in shape)
        return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, dims)))

    graph = b"".join(
        field(1, field(1, source.encode()) + field(2, target.encode()) + field(4, b"Identity"))
        for source, target in outputs
    )
    graph += field(2, b"g")
    graph += b"".join(field(11, tensor(name, shape)) for name, shape in inputs.items())
    graph += b"".join(field(12, tensor(target, inputs[source])) for source, target in outputs)
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))


@pytest.mark.parametrize(
    ("inputs", "outputs", "why"),
    [
        ({"x": [0, 4]}, [("x", "y")], "its inputs are x; expected input, state"),
        ({"input": [0, 0], "h": [2, 0, 64]}, [("input", "y")], "its inputs are h, input"),
        (
            {"input": [0, 100], "state": [2, 0, 64]},
            [("input", "y"), ("state", "s")],
            r"cannot take float32 windows \(2, 576\)",
        ),
        (
            {"input": [0, 0], "state": [2, 0, 0]},
            [("input", "y"), ("state", "s")],
            r"gives outputs of \[\(2, 576\), \(2, 2, 128\)\]",
        ),
    ],
)
def test_another_network_is_refused(
    tmp_path: Path, inputs: dict[str, list[int]], outputs: list[tuple[str, str]], why: str
) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(tiny_model(inputs, outputs))
    with pytest.raises(VadModelError, match=why):
        SileroModel(other)
