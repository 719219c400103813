import pytest

from ivr.audio.frames import LINE_FRAME, LINE_RATE, VAD_RATE, ms_to_samples, samples_to_ms


def test_a_frame_is_twenty_milliseconds() -> None:
    assert LINE_FRAME == 160 == ms_to_samples(20, LINE_RATE)
    assert samples_to_ms(320, VAD_RATE) == 20.0


@pytest.mark.parametrize(
    ("ms", "rate", "samples"), [(0, 8000, 0), (0.06, 8000, 0), (0.07, 8000, 1), (1.5, 16000, 24)]
)
def test_rounding_to_the_nearest_sample(ms: float, rate: int, samples: int) -> None:
    assert ms_to_samples(ms, rate) == samples
