"""Whether a window holds nothing but the line's noise."""

import numpy as np
import pytest

from ivr.vad.events import SpeechDipped, SpeechPaused
from ivr.vad.inline import InlineVad
from ivr.vad.noise_floor import NoiseFloor
from ivr.vad.options import EndpointingOptions
from tests.vad.sounds import PROMPTS, hear, noise, prompt, silence

ROW = np.zeros(1, np.int64)


def only_noise(floor: NoiseFloor, *peaks: float) -> list[bool]:
    return [bool(floor.only_noise(ROW, np.array([peak], np.int32))[0]) for peak in peaks]


def test_near_its_noise_a_line_only_noise() -> None:
    floor = NoiseFloor(1, 9)
    assert only_noise(floor, 100, 110, 2000, 260, 300, 90) == [True, True, False, True, False, True]


def test_digital_silence_is_noise_too() -> None:
    assert only_noise(NoiseFloor(1, 9), 0, 40, 0, 60) == [True, True, True, False]


def test_the_noise_rises_slowly_and_sinks_at_once() -> None:
    floor = NoiseFloor(1, 9)
    only_noise(floor, 100)
    loud = only_noise(floor, *[1000] * 400)
    # 11 dB at 0.05 dB a window.
    assert 200 < loud.index(True) < 260
    only_noise(floor, *[100] * 4)
    assert only_noise(floor, 1000) == [False]


def test_every_line_has_its_own_and_the_next_call_another() -> None:
    floor = NoiseFloor(2, 9)
    both = np.arange(2)
    floor.only_noise(both, np.array([100, 1000], np.int32))
    assert floor.only_noise(both, np.array([900, 900], np.int32)).tolist() == [False, True]
    floor.forget(0)
    assert floor.only_noise(both, np.array([900, 900], np.int32)).tolist() == [True, True]


@pytest.mark.parametrize("dbfs", [-70.0, -55.0])
def test_a_dip_comes_before_the_network_has_noticed(inline: InlineVad, dbfs: float) -> None:
    """The last dip of a sentence, before the pause that the network's silence makes."""
    earlier = []
    for i, name in enumerate(PROMPTS[::4]):
        x = np.concatenate([silence(0.5), prompt(name), silence(1.0)])
        x = (x + noise(x.size / 8000, dbfs, i)[: x.size]).clip(-32768, 32767).astype(np.int16)
        events = hear(inline, x, EndpointingOptions(details=True, min_silence_ms=500))
        paused = [e for e in events if isinstance(e, SpeechPaused)]
        dips = [e for e in events if isinstance(e, SpeechDipped) and e.at <= paused[-1].at]
        assert dips[-1].audio.size <= paused[-1].audio.size
        earlier.append((paused[-1].at - dips[-1].at) / 16)
    # Without the line's noise it is reported with the network's first quiet window: 128 ms before the pause.
    assert np.median(earlier) > 128
