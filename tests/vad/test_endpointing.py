import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.vad.endpointing import Endpointer
from ivr.vad.events import (
    SpeechContinued,
    SpeechDipped,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechRuledOut,
    SpeechStarted,
    SpeechSuspected,
)
from ivr.vad.options import EndpointingOptions

W = 512
MS = W / 16


def run(
    probabilities: list[float], options: EndpointingOptions | None = None
) -> list[SpeechStarted | SpeechEnded]:
    endpointer = Endpointer(options or EndpointingOptions(min_silence_ms=500), 0.5, 0.35)
    return [e for p in probabilities if (e := endpointer.step(p, W)) is not None]


def test_two_windows_make_an_onset_and_half_a_second_of_quiet_an_end() -> None:
    events = run([0.1] * 3 + [0.9, 0.8] + [0.9] * 5 + [0.1] * 20)
    assert events == [
        SpeechStarted(onset=3 * W, at=5 * W, probability=0.8),
        # 500 ms are 15.6 windows.
        SpeechEnded(onset=3 * W, offset=10 * W - 1, at=26 * W, reason="silence"),
    ]


@pytest.mark.parametrize(("ms", "windows"), [(0, 1), (1, 1), (32, 1), (33, 2), (64, 2), (65, 3), (128, 4)])
def test_min_speech_is_rounded_up_to_windows(ms: float, windows: int) -> None:
    options = EndpointingOptions(min_speech_ms=ms)
    assert run([0.9] * (windows - 1) + [0.0] * 9, options) == []
    assert run([0.9] * windows, options) == [SpeechStarted(0, windows * W, 0.9)]


def test_a_click_of_one_window_is_not_speech() -> None:
    assert run([0.9, 0.1] * 50) == []


def test_hysteresis_between_release_and_threshold_nothing_changes() -> None:
    assert run([0.4] * 100) == []
    assert run([0.5, 0.4]) == [SpeechStarted(0, 2 * W, 0.4)]
    assert run([0.5, 0.34, 0.4, 0.4]) == []
    assert len(run([0.9, 0.9] + [0.36] * 100)) == 1
    # Once quiet, 0.4 does not make it speech again.
    events = run([0.9, 0.9, 0.34] + [0.4] * 15)
    assert events[-1] == SpeechEnded(0, 2 * W - 1, 18 * W, "silence")


def test_a_pause_shorter_than_min_silence_is_inside_the_turn() -> None:
    events = run([0.9] * 5 + [0.1] * 15 + [0.9] + [0.1] * 16)
    assert [type(e) for e in events] == [SpeechStarted, SpeechEnded]
    assert events[1] == SpeechEnded(0, 21 * W - 1, 37 * W, "silence")


def test_an_endless_talker_is_cut_and_heard_on() -> None:
    options = EndpointingOptions(max_turn_ms=10 * MS)
    events = run([0.9] * 25, options)
    assert events == [
        SpeechStarted(0, 2 * W, 0.9),
        SpeechEnded(0, 10 * W - 1, 10 * W, "max_turn"),
        SpeechStarted(10 * W, 12 * W, 0.9),
        SpeechEnded(10 * W, 20 * W - 1, 20 * W, "max_turn"),
        SpeechStarted(20 * W, 22 * W, 0.9),
    ]


def test_a_cut_in_a_pause_is_not_followed_by_a_turn() -> None:
    options = EndpointingOptions(max_turn_ms=10 * MS)
    events = run([0.9] * 8 + [0.1] * 40, options)
    assert events == [SpeechStarted(0, 2 * W, 0.9), SpeechEnded(0, 8 * W - 1, 10 * W, "max_turn")]


def test_flush_ends_the_turn_and_only_a_turn() -> None:
    endpointer = Endpointer(EndpointingOptions(), 0.5, 0.35)
    assert endpointer.flush() is None
    endpointer.step(0.9, W)
    assert endpointer.flush() is None
    endpointer.step(0.9, W)
    assert endpointer.flush() == SpeechEnded(0, 2 * W - 1, 2 * W, "flushed")
    assert endpointer.flush() is None
    assert endpointer.step(0.9, W) is None
    assert endpointer.step(0.9, W) == SpeechStarted(2 * W, 4 * W, 0.9)


def test_lost_sound_moves_the_clock_and_breaks_a_run() -> None:
    endpointer = Endpointer(EndpointingOptions(), 0.5, 0.35)
    endpointer.step(0.9, W)
    endpointer.skip(1000)
    assert endpointer.step(0.9, W) is None
    assert endpointer.step(0.9, W) == SpeechStarted(1000 + W, 1000 + 3 * W, 0.9)
    endpointer.skip(700)
    assert endpointer.speaking and endpointer.clock == 1700 + 3 * W


@pytest.mark.parametrize(("threshold", "release"), [(0.5, 0.6), (0.5, 0), (1.1, 0.5)])
def test_levels_that_make_no_sense(threshold: float, release: float) -> None:
    with pytest.raises(ValueError, match="release <= threshold"):
        Endpointer(EndpointingOptions(), threshold, release)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 40)), max_size=30),
    st.integers(0, 400),
    st.integers(0, 900),
    st.integers(401, 3000),
)
def test_events_of_any_sound(
    stretches: list[tuple[float, int]], min_speech: int, min_silence: int, max_turn: int
) -> None:
    options = EndpointingOptions(min_speech_ms=min_speech, min_silence_ms=min_silence, max_turn_ms=max_turn)
    events = run([p for p, n in stretches for _ in range(n)], options)
    before = 0
    for i, event in enumerate(events):
        assert isinstance(event, SpeechStarted if i % 2 == 0 else SpeechEnded)
        assert event.onset >= before or isinstance(event, SpeechEnded)
        if isinstance(event, SpeechStarted):
            assert event.at - event.onset >= min_speech * 16
        else:
            began = events[i - 1]
            assert event.onset == began.onset and began.at <= event.at
            assert event.onset <= event.offset < event.at
            assert event.at - event.onset < max_turn * 16 + 2 * W
            if event.reason == "silence":
                assert min_silence * 16 <= event.at - 1 - event.offset
            before = event.at


def test_a_soft_beginning_counts_once_it_has_become_speech() -> None:
    def began(*probabilities: float) -> SpeechStarted | None:
        endpointer = Endpointer(EndpointingOptions(), 0.5, 0.35, attack=0.2)
        events = [endpointer.step(p, W) for p in probabilities]
        return next((e for e in events if isinstance(e, SpeechStarted)), None)

    assert began(0.1, 0.3, 0.6) == SpeechStarted(W, 3 * W, 0.6)
    assert began(0.1, 0.6, 0.6) == SpeechStarted(W, 3 * W, 0.6)
    assert began(0.3, 0.1, 0.6) is None
    # However long it goes on, it is no speech before one window reaches the threshold.
    assert began(*[0.45] * 50) is None


def test_a_hint_needs_less_than_a_beginning_of_speech() -> None:
    endpointer = Endpointer(EndpointingOptions(details=True), 0.5, 0.35, 0.2, 0.1)
    events = [endpointer.step(p, W) for p in (0.05, 0.12, 0.15, 0.05, 0.12, 0.9, 0.9)]
    assert events == [
        None, SpeechSuspected(2 * W, 0.12), None, SpeechRuledOut(4 * W),
        SpeechSuspected(5 * W, 0.12), None, SpeechStarted(5 * W, 7 * W, 0.9)
    ]  # fmt: skip


def steps(*windows: tuple[float, bool], **options: float) -> list[object]:
    """What is decided in each window, of a probability, and whether only the line's noise is in it."""
    times = EndpointingOptions(min_silence_ms=500, details=True, **options)  # type: ignore[arg-type]
    endpointer = Endpointer(times, 0.5, 0.35)
    return [endpointer.step(p, W, only_noise) for p, only_noise in windows]


def test_a_dip_is_reported_when_the_sound_is_gone_whatever_the_network_says() -> None:
    spoken, gone = (0.99, False), (0.9, True)
    decided = steps(spoken, spoken, gone, gone, (0.2, True), (0.1, True), pause_ms=64)
    assert decided[1:] == [
        SpeechStarted(0, 2 * W, 0.99),
        SpeechDipped(0, 3 * W, 0.9),
        SpeechContinued(0, 4 * W, 0.9),
        None,
        SpeechPaused(0, 4 * W - 1, 6 * W),
    ]


def test_it_is_reported_once_and_so_is_the_return_of_the_sound() -> None:
    spoken, gone = (0.99, False), (0.9, True)
    decided = steps(spoken, spoken, gone, spoken, gone, (0.1, True), spoken, spoken)
    kinds = [SpeechDipped, SpeechResumed, SpeechDipped, type(None), SpeechResumed, SpeechContinued]
    assert [type(event) for event in decided[2:]] == kinds


def test_nor_is_a_gap_within_a_word_one() -> None:
    """The network has no doubt at all."""
    spoken = (0.999, False)
    assert [type(event) for event in steps(spoken, spoken, (0.999, True), spoken)[2:]] == [
        SpeechContinued,
        SpeechContinued,
    ]


def test_where_the_network_hears_no_speech_it_is_a_dip_however_loud_the_line() -> None:
    assert type(steps((0.9, False), (0.9, False), (0.3, False))[2]) is SpeechDipped


def test_without_pauses_no_dips_are_reported() -> None:
    assert steps((0.9, False), (0.9, False), (0.9, True), pause_ms=0)[2] == SpeechContinued(0, 3 * W, 0.9)
