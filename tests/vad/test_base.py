import pytest

from ivr.vad.options import DetectorOptions, EndpointingOptions


def test_release_follows_the_threshold() -> None:
    assert DetectorOptions(threshold=0.5).release_level == pytest.approx(0.35)
    assert DetectorOptions(threshold=0.1).release_level == 0.01
    assert DetectorOptions(threshold=0.5, release=0.5).release_level == 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"threshold": 1},
        {"threshold": 0.4, "release": 0.5},
        {"threshold": 0.4, "early": 0.5},
        {"release": 0},
        {"gain_db": -1},
        {"gain_db": 41},
        {"noise_margin_db": -1},
        {"fade_ms": -1},
        {"batch_window_ms": -1},
        {"backlog_ms": 0},
        {"echo_share": 0},
        {"echo_share": 1},
        {"echo_delay_ms": 0},
        {"echo_delay_ms": 1001},
        {"echo_loss_db": -1},
        {"echo_margin_db": -1},
    ],
)
def test_detector_options_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        DetectorOptions(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"min_speech_ms": -1}, {"min_silence_ms": -1}, {"pre_roll_ms": -1}, {"max_turn_ms": 64}]
)
def test_endpointing_options_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        EndpointingOptions(**wrong)
