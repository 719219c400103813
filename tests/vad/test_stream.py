"""The ear with probabilities given by hand: times, windows, the sound of a turn, memory."""

import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.audio.resample import resample
from ivr.vad.events import AlarmRang, SpeechEnded, SpeechStarted, VadEvent
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.silero import CONTEXT, INPUT, NARROW_INPUT, WINDOW
from ivr.vad.stream import Delivery, StreamDetector, check_pcm

STATE = np.zeros((2, 128), np.float32)


def ear(narrow: bool = False, gain_db: float = 0, **endpointing: float) -> StreamDetector:
    times = EndpointingOptions(**{"min_silence_ms": 500, **endpointing})
    return StreamDetector(times, DetectorOptions(gain_db=gain_db), narrow)


def hear(
    ear: StreamDetector, x: np.ndarray, loud: list[bool], rate: int = 16000, frame: int = 160
) -> tuple[list[VadEvent], list[np.ndarray]]:
    """Feed ``x``; window i has probability 0.9 where ``loud[i]``, else 0. Gives events and windows."""
    events, inputs = [], []
    for i in range(0, x.size, frame):
        ear.feed(x[i : i + frame].tobytes(), rate)
        while (window := ear.next_window()) is not None:
            index = len(inputs)
            inputs.append(window.copy())
            event = ear.accept(0.9 if index < len(loud) and loud[index] else 0.0, STATE)
            if event is not None:
                events.append(event)
    return events, inputs


def ramp(n: int) -> np.ndarray:
    """Every sample is its own place."""
    return np.arange(n).astype(np.int16)


def test_windows_carry_the_samples_before_them() -> None:
    x = ramp(4 * WINDOW)
    _, inputs = hear(ear(), x, [])
    assert len(inputs) == 4
    padded = np.concatenate([np.zeros(CONTEXT), x]) / 32768
    for i, window in enumerate(inputs):
        assert window.dtype == np.float32 and window.shape == (INPUT,)
        assert np.array_equal(window, padded[i * WINDOW : i * WINDOW + INPUT].astype(np.float32))


def test_a_network_for_8_khz_is_shown_the_samples_of_the_telephone() -> None:
    x = ramp(4 * WINDOW)
    _, inputs = hear(ear(narrow=True), x, [], rate=8000)
    padded = np.concatenate([np.zeros(CONTEXT // 2), x]) / 32768
    for i, window in enumerate(inputs):
        assert window.dtype == np.float32 and window.shape == (NARROW_INPUT,)
        step = WINDOW // 2
        assert np.array_equal(window, padded[i * step : i * step + NARROW_INPUT].astype(np.float32))


def test_wider_sound_goes_to_the_network_for_16_khz_which_has_a_memory_of_its_own() -> None:
    e = ear(narrow=True)
    assert {window.size for window in hear(e, ramp(4 * WINDOW), [], rate=8000)[1]} == {NARROW_INPUT}
    e.state[:] = 1
    assert hear(e, ramp(4 * WINDOW), [], rate=16000)[1][-1].size == INPUT
    assert not e.state.any()


def test_the_network_is_shown_more_than_was_heard_and_the_recogniser_is_not() -> None:
    x = np.full(40 * WINDOW, 1000, np.int16)
    events, inputs = hear(ear(gain_db=20), x, [True] * 10)
    assert inputs[1][CONTEXT:] == pytest.approx(10 * 1000 / 32768)
    (end,) = [event for event in events if isinstance(event, SpeechEnded)]
    assert (end.audio == 1000).all()


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
def test_the_clock_is_that_of_the_input(rate: int) -> None:
    """The resampler's delay is taken out: an impulse is found where it was put, whatever the rate."""
    x = np.zeros(rate, np.int16)
    x[rate // 2] = 30000
    _, inputs = hear(ear(), x, [], rate=rate, frame=rate // 50)
    sound = np.concatenate([w[CONTEXT:] for w in inputs])
    assert abs(int(np.argmax(sound)) - 8000) <= 1
    assert 16000 - 64 - WINDOW < sound.size <= 16000


def test_no_sound_is_lost_when_the_rate_changes() -> None:
    e = ear()
    tone = (9000 * np.sin(np.arange(16000) * 0.1)).astype(np.int16)
    first = hear(e, tone[:8000:2], [], rate=8000)[1]
    rest = hear(e, tone[8000:], [], rate=16000)[1]
    sound = np.concatenate([w[CONTEXT:] for w in first + rest]) * 32768
    assert sound.size == 16000 // WINDOW * WINDOW
    inside = np.r_[200:7800, 8200 : sound.size]
    assert np.abs(sound - tone[: sound.size])[inside].max() < 30


def test_audio_of_a_turn_runs_from_the_pre_roll_to_the_decision() -> None:
    x = ramp(60 * WINDOW)
    loud = [False] * 20 + [True] * 10
    (begin, end), _ = hear(ear(pre_roll_ms=300), x, loud)
    assert begin == SpeechStarted(20 * WINDOW, 22 * WINDOW, 0.9)
    assert isinstance(end, SpeechEnded)
    assert (end.onset, end.offset, end.at, end.reason) == (
        20 * WINDOW,
        30 * WINDOW - 1,
        46 * WINDOW,
        "silence",
    )
    assert end.audio.dtype == np.int16
    assert np.array_equal(end.audio, x[20 * WINDOW - 4800 : 46 * WINDOW])


def test_pre_roll_stops_at_the_beginning_of_the_stream() -> None:
    x = ramp(30 * WINDOW)
    events, _ = hear(ear(pre_roll_ms=2000), x, [False, True, True, True])
    assert isinstance(events[1], SpeechEnded)
    assert np.array_equal(events[1].audio, x[: events[1].at])


def test_pre_roll_never_holds_the_speech_of_the_turn_before() -> None:
    x = ramp(60 * WINDOW)
    loud = [True] * 5 + [False] * 5 + [True] * 5
    events, _ = hear(ear(pre_roll_ms=1000, min_silence_ms=100), x, loud)
    first, second = (e for e in events if isinstance(e, SpeechEnded))
    # The silence after the first turn is part of both; its speech is not.
    assert np.array_equal(second.audio, x[first.offset + 1 : second.at])


def test_an_endless_talker_loses_nothing_and_repeats_nothing() -> None:
    x = ramp(100 * WINDOW)
    events, _ = hear(ear(max_turn_ms=640, min_silence_ms=200, pre_roll_ms=300), x, [True] * 90)
    turns = [e for e in events if isinstance(e, SpeechEnded)]
    assert [t.reason for t in turns] == ["max_turn"] * 4 + ["silence"]
    assert np.array_equal(np.concatenate([t.audio for t in turns]), x[: turns[-1].at])


def test_flush_gives_the_turn_so_far() -> None:
    x = ramp(30 * WINDOW + 100)
    e = ear()
    events, _ = hear(e, x, [False] * 20 + [True] * 10)
    assert len(events) == 1 and e.speaking
    end = e.flush()
    assert isinstance(end, SpeechEnded) and end.reason == "flushed" and end.at == 30 * WINDOW
    assert np.array_equal(end.audio, x[20 * WINDOW - 4800 : 30 * WINDOW])
    assert e.flush() is None and not e.speaking


def test_memory_is_bounded() -> None:
    e = ear(pre_roll_ms=300, max_turn_ms=2000)
    kept = []
    for loud in ([False] * 500, [True] * 500, [True, False] * 200):
        hear(e, np.zeros(len(loud) * WINDOW, np.int16), loud)
        kept.append(len(e._kept))
        assert e._pending.size < WINDOW
        assert all(w.base is None for _, w in e._kept)
    assert max(kept) <= (2000 + 300) / 32 + 3
    assert kept[0] <= 300 / 32 + 2


def test_a_long_push_leaves_nothing_behind() -> None:
    e = ear()
    x = np.zeros(16000 * 60, np.int16)
    hear(e, x, [], frame=x.size)
    assert sum(sys.getsizeof(w) for _, w in e._kept) < 20_000


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.booleans(), max_size=80),
    st.lists(st.integers(1, 2000), min_size=1, max_size=5),
    st.integers(0, 600),
)
def test_any_split_of_the_input_gives_the_same_events(
    loud: list[bool], frames: list[int], pre_roll: int
) -> None:
    x = np.random.default_rng(1).integers(-3000, 3000, 80 * WINDOW // 2, dtype=np.int16)
    options = {"pre_roll_ms": pre_roll, "min_silence_ms": 100, "max_turn_ms": 500}
    expected, _ = hear(ear(**options), x, loud, rate=8000, frame=x.size)
    for frame in frames:
        got, _ = hear(ear(**options), x, loud, rate=8000, frame=frame)
        assert [repr(e) for e in got] == [repr(e) for e in expected]
        for a, b in zip(got, expected, strict=True):
            if isinstance(a, SpeechEnded) and isinstance(b, SpeechEnded):
                assert np.array_equal(a.audio, b.audio)
                up = resample(x, 8000, 16000)
                assert np.array_equal(a.audio, up[a.at - a.audio.size : a.at])


def test_the_state_fades_while_quiet_and_only_then() -> None:
    e = StreamDetector(EndpointingOptions(min_silence_ms=64), DetectorOptions(fade_ms=320))
    ones = np.ones((2, 128), np.float32)

    def state_after(probability: float) -> float:
        e.feed(bytes(2 * WINDOW), 16000)
        assert e.next_window() is not None
        e.accept(probability, ones)
        return float(e.state[0, 0])

    faded = pytest.approx(np.exp(-0.1))
    assert state_after(0.0) == faded
    assert state_after(0.9) == 1.0
    assert state_after(0.9) == 1.0
    assert state_after(0.0) == 1.0  # a pause inside the turn
    assert state_after(0.0) == faded  # the turn has ended


def test_fade_of_zero_keeps_the_state() -> None:
    e = StreamDetector(EndpointingOptions(), DetectorOptions(fade_ms=0))
    e.feed(bytes(2 * WINDOW), 16000)
    e.next_window()
    e.accept(0.0, np.ones((2, 128), np.float32))
    assert (e.state == 1).all()


def test_the_alarm_rings_once_behind_the_windows_own_event() -> None:
    events: list[VadEvent] = []
    d = Delivery(events.append)
    d.set_alarm(1000)
    d.deliver(None, 999)
    assert events == []
    speech = SpeechStarted(0, 1024, 0.9)
    d.deliver(speech, 1024)
    d.deliver(None, 1536)
    assert events == [speech, AlarmRang(1000)]


def test_a_listener_can_take_the_alarm_back_or_set_another() -> None:
    events: list[VadEvent] = []

    def listener(event: VadEvent) -> None:
        events.append(event)
        d.set_alarm(None if isinstance(event, SpeechStarted) else 3000)

    d = Delivery(listener)
    d.set_alarm(1000)
    d.deliver(SpeechStarted(0, 1024, 0.9), 1024)
    assert len(events) == 1
    d.set_alarm(1100)
    d.deliver(None, 1536)
    d.deliver(None, 2999)
    d.deliver(None, 3000)
    assert events[1:] == [AlarmRang(1100), AlarmRang(3000)]


def test_nothing_is_delivered_after_closing() -> None:
    events: list[VadEvent] = []
    d = Delivery(events.append)
    d.set_alarm(5)
    d.closed = True
    d.deliver(SpeechStarted(0, 1, 0.9), 10)
    assert events == []


def test_an_alarm_set_from_another_thread_is_never_lost() -> None:
    rung: list[int] = []
    one_more = threading.Event()
    done = threading.Event()

    def listener(event: VadEvent) -> None:
        assert isinstance(event, AlarmRang)
        rung.append(event.at)
        one_more.set()

    d = Delivery(listener)

    def tick() -> None:
        clock = 0
        while not done.is_set():
            clock += 1
            d.deliver(None, clock)

    ticker = threading.Thread(target=tick)
    ticker.start()
    for at in range(1, 50):
        one_more.clear()
        d.set_alarm(at)
        assert one_more.wait(10)
    done.set()
    ticker.join()
    assert rung == list(range(1, 50))


@pytest.mark.parametrize(("pcm", "rate"), [(b"abc", 8000), (b"ab", 0), (b"ab", -8000)])
def test_wrong_sound_is_refused_where_it_is_given(pcm: bytes, rate: int) -> None:
    with pytest.raises(ValueError):
        check_pcm(pcm, rate)
