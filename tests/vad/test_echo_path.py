"""The path of an echo from sound alone: its delay, its taps, and what it can explain by chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.vad.echo_path import LONG, TAPS, EchoPath, PathFinder, above_noise
from tests.vad.echoes import F64, Echo, at_level, echoed, heard, response
from tests.vad.sounds import PROMPTS, Pcm16, music, noise, prompt

N = 4096
F32 = np.float32


@pytest.fixture(scope="module")
def finder() -> PathFinder:
    return PathFinder(300, 5, N)


def stretch(finder: PathFinder, sent: Pcm16, back: Pcm16 | F64, end: int) -> tuple[np.ndarray, np.ndarray]:
    return sent[end - N - finder.before : end].astype(F32), back[end - N : end].astype(F32)


def talk(first: int, seconds: float = 4.0) -> Pcm16:
    x = np.concatenate([prompt(PROMPTS[(first + k) % len(PROMPTS)]) for k in range(4)])
    return at_level(x[: round(seconds * 8000)], -20)


@pytest.mark.parametrize("delay_ms", [0, 20, 60, 250, 290])
def test_the_delay_is_found(finder: PathFinder, delay_ms: float) -> None:
    for i, sent in enumerate([noise(2, -20), talk(0), talk(9), at_level(music(1)[80000:112000], -20)]):
        echo = Echo(18, delay_ms, seed=i)
        x, y = stretch(finder, sent, heard(sent, echo), 12000)
        path, share = finder.fit(x, y, finder.delays(x, y)[0])
        assert share > 0.9
        begins = int(np.argmax(np.abs(response(echo))))
        assert path.delay <= begins < path.delay + TAPS


def test_a_beginning_is_enough(finder: PathFinder) -> None:
    """64 ms of an echo after silence: what was heard of it shows the delay, not what was sent before."""
    found = 0
    for i, name in enumerate(PROMPTS):
        sent = np.concatenate([np.zeros(8000, np.int16), at_level(prompt(name), -20)])
        back = heard(sent, Echo(18, 120, seed=i), seed=i)
        loud = np.flatnonzero(np.abs(back) > 150)[0]
        x, y = stretch(finder, sent, back, int(loud) + 512)
        found += abs(finder.delays(x, y)[0] - 960) < 40
    assert found >= 0.9 * len(PROMPTS)


def test_the_taps_are_those_of_least_squares(finder: PathFinder) -> None:
    sent = talk(3)
    x, y = stretch(finder, sent, echoed(sent, Echo(12, 60)) + noise(4, -40), 14000)
    path, share = finder.fit(x, y, 470)
    first = finder.before - 470
    columns = np.stack([x[first - k : first - k + N] for k in range(TAPS)], axis=1).astype(np.float64)
    moments = columns.T @ columns
    loaded = moments + np.eye(TAPS) * (1e-4 * moments.trace() / TAPS + 1)
    assert path.taps == pytest.approx(np.linalg.solve(loaded, columns.T @ y), abs=1e-3)
    left = path.left(x, y)
    assert left == pytest.approx(y - columns @ path.taps, abs=0.5)
    assert share == pytest.approx(float(y @ y - left @ left) / above_noise(y), abs=2e-3)


def test_other_speech_is_hardly_explained(finder: PathFinder) -> None:
    """Nor music; even with the delay chosen to please."""
    shares = []
    for i in range(40):
        sent = talk(i) if i % 4 else at_level(music(i)[200000:232000], -20)
        said = talk(i + 20)
        x, y = stretch(finder, sent, heard(sent, None, at_level(said, -26)), 12000 + 300 * i)
        shares.append(finder.fit(x, y, finder.delays(x, y)[0])[1])
    assert max(shares) < 0.5
    assert np.median(shares) < 0.15


def test_what_comes_back_louder_than_it_went_is_no_echo(finder: PathFinder) -> None:
    sent = talk(5)
    for loss, believed in ((10, True), (2, False)):
        x, y = stretch(finder, sent, echoed(sent, Echo(loss, 60)), 12000)
        share = finder.fit(x, y, finder.delays(x, y)[0])[1]
        assert (share > 0.9) is believed


def test_a_path_that_moved_is_found_by_its_taps(finder: PathFinder) -> None:
    sent = talk(7)
    echo = echoed(sent, Echo(15, 120))
    x, y = stretch(finder, sent, echo, 12000)
    path, _ = finder.fit(x, y, finder.delays(x, y)[0])
    for later in (160, -160, 320):
        x, y = stretch(finder, sent, np.roll(echo, later), 24000)
        latest, window = x[-finder.before - 256 :], y[-256:]
        moved = finder.shift(latest, window, path)
        assert moved.delay == path.delay + later
        assert moved.taps is path.taps


@pytest.mark.parametrize(
    "echo", [Echo(15, 60, second=(35, 6)), Echo(15, 60, reverb_ms=250)], ids=["second", "room"]
)
def test_a_long_filter_explains_rooms(finder: PathFinder, echo: Echo) -> None:
    sent = talk(2)
    x, y = stretch(finder, sent, echoed(sent, echo), 14000)
    path, share = finder.fit(x, y, finder.delays(x, y)[0])
    assert share < 0.97

    def left(path: EchoPath) -> float:
        rest = path.left(x, y)
        return float(rest @ rest) / float(y @ y)

    longer = finder.extend(x, y, path)
    assert longer.taps.size == LONG and longer.delay == path.delay
    again = finder.extend(x, y, longer)
    assert left(again) < left(longer) < 0.7 * left(path)
    assert left(again) < 0.05


def test_steady_noise_is_not_the_echos_to_explain() -> None:
    assert above_noise(noise(0.512, -60).astype(F32)) < 0.3 * float(
        (noise(0.512, -60).astype(F32) ** 2).sum()
    )
    loud = noise(0.512, -30).astype(F32)
    assert above_noise(loud) == pytest.approx(float(loud @ loud), rel=0.05)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["zeros", "noise", "full", "constant", "click"]),
    st.sampled_from(["zeros", "noise", "full", "constant", "click"]),
    st.sampled_from([256, 768, N]),
)
def test_wild_sound_gives_finite_paths(seed: int, sent: str, back: str, n: int) -> None:
    finder = PathFinder(300, 5, N)
    dice = np.random.default_rng(seed)

    def sound(kind: str, size: int) -> np.ndarray:
        x = np.zeros(size, F32)
        match kind:
            case "noise":
                x[:] = dice.integers(-300, 300, size)
            case "full":
                x[:] = dice.choice([-32768, 32767], size)
            case "constant":
                x[:] = dice.integers(-32768, 32767)
            case "click":
                x[dice.integers(size)] = 32767
        return x

    x, y = sound(sent, finder.before + n), sound(back, n)
    delay = finder.delays(x, y)[0]
    assert 0 <= delay <= 2400
    path, share = finder.fit(x, y, delay)
    assert np.isfinite(path.taps).all() and 0 <= share <= 1
    assert np.isfinite(finder.shift(x, y, path).left(x, y)).all()
    if n == N:
        assert np.isfinite(finder.extend(x, y, path).taps).all()
