import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.vad.events import AlarmRang, SpeechEnded, SpeechStarted, VadEvent
from ivr.vad.inline import InlineVad
from ivr.vad.options import EndpointingOptions
from tests.vad.sounds import ended, hear, loud_from, loud_until, prompt, silence


def test_a_sentence_is_one_turn(inline: InlineVad) -> None:
    x = prompt("vm-goodbye")
    events = hear(inline, np.concatenate([silence(1), x, silence(1)]))
    begin, end = events
    assert isinstance(begin, SpeechStarted) and isinstance(end, SpeechEnded)
    first, last = 16000 + loud_from(x) * 2, 16000 + loud_until(x) * 2
    assert abs(begin.onset - first) < 16 * 64
    assert abs(end.offset - last) < 16 * 250
    assert end.at - 1 - end.offset == 16 * 512
    assert end.audio.size == end.at - (end.onset - 4800)
    assert end.reason == "silence" and begin.probability >= 0.5


def test_events_do_not_depend_on_the_frames(inline: InlineVad) -> None:
    x = np.concatenate([silence(0.3), prompt("hello-world"), silence(0.8)])
    expected = hear(inline, x)
    assert len(expected) == 2
    for frame in (1, 80, 333, x.size):
        got = hear(inline, x, frame=frame)
        assert [repr(e) for e in got] == [repr(e) for e in expected]
        assert np.array_equal(ended(got)[0].audio, ended(expected)[0].audio)


def test_clock_speaking_and_flush(inline: InlineVad) -> None:
    events: list[VadEvent] = []
    stream = inline.open_stream(EndpointingOptions(), events.append)
    assert stream.clock == 0 and not stream.speaking
    stream.flush()
    assert events == []
    stream.push(prompt("hello-world")[:8000].tobytes(), 8000)
    assert stream.clock == 31 * 512 and stream.speaking
    stream.flush()
    assert not stream.speaking
    assert isinstance(events[-1], SpeechEnded) and events[-1].reason == "flushed"
    assert events[-1].at == stream.clock


def test_the_alarm_rings_in_the_streams_time(inline: InlineVad) -> None:
    events: list[VadEvent] = []
    stream = inline.open_stream(EndpointingOptions(), events.append)
    stream.set_alarm(16000)
    clocks = []
    for _ in range(100):
        stream.push(bytes(320), 8000)
        if events:
            clocks.append(stream.clock)
    assert events == [AlarmRang(16000)]
    assert 16000 <= clocks[0] < 16000 + 512
    stream.set_alarm(40000)
    stream.set_alarm(None)
    stream.push(bytes(16000), 8000)
    assert len(events) == 1


def test_a_listener_that_raises_is_logged_and_heard_no_less(inline: InlineVad) -> None:
    seen: list[VadEvent] = []

    def listener(event: VadEvent) -> None:
        seen.append(event)
        raise RuntimeError("mistake")

    stream = inline.open_stream(EndpointingOptions(), listener)
    with capture_logs() as logs:
        stream.push(np.concatenate([prompt("hello-world"), silence(1)]).tobytes(), 8000)
    assert [type(e) for e in seen] == [SpeechStarted, SpeechEnded]
    assert [entry["event_type"] for entry in logs] == ["SpeechStarted", "SpeechEnded"]
    assert logs[0]["log_level"] == "error"


def test_closing_inside_the_listener_ends_it_there(inline: InlineVad) -> None:
    seen: list[VadEvent] = []

    def listener(event: VadEvent) -> None:
        seen.append(event)
        stream.close()

    stream = inline.open_stream(EndpointingOptions(), listener)
    stream.push(prompt("demo-nogo").tobytes(), 8000)
    stream.flush()
    clock = stream.clock
    stream.push(prompt("demo-nogo").tobytes(), 8000)
    assert stream.clock == clock
    assert [type(e) for e in seen] == [SpeechStarted]


def test_half_a_sample_is_refused(inline: InlineVad) -> None:
    stream = inline.open_stream(EndpointingOptions(), lambda e: None)
    with pytest.raises(ValueError, match="even number of bytes"):
        stream.push(b"abc", 8000)
