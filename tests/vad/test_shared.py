"""The detector of a process: real network, real thread. Waiting is for events, never for a while."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr.modelstore import model_path
from ivr.vad.events import AlarmRang, SpeechEnded, SpeechStarted, VadEvent
from ivr.vad.inline import InlineVad
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.shared import SharedStream, SharedVad
from ivr.vad.silero import F32, WINDOW, SileroModel
from tests.vad.sounds import HALF_SECOND, Pcm16, ended, hear, noise, prompt, silence

LATE = 20.0
"""Seconds after which an event that has not come never will."""
UPSAMPLER_DELAY = 27


class Caller:
    """Pushes sound and can wait until all of it was examined: its alarm is set to the last window."""

    def __init__(self, vad: SharedVad, options: EndpointingOptions | None = None) -> None:
        self.events: list[VadEvent] = []
        self._examined = threading.Event()
        self.stream: SharedStream = vad.open_stream(options or HALF_SECOND, self._listen)
        self._pushed = 0

    def _listen(self, event: VadEvent) -> None:
        if isinstance(event, AlarmRang):
            self._examined.set()
        else:
            self.events.append(event)

    def push(self, x: Pcm16) -> None:
        for i in range(0, x.size, 160):
            self.stream.push(x[i : i + 160].tobytes(), 8000)
        self._pushed += x.size

    def begin(self, samples: int) -> None:
        """Push so many samples first: the alarm belongs after them."""
        windows = ((self._pushed + samples) * 2 - UPSAMPLER_DELAY) // WINDOW
        self._examined.clear()
        self.stream.set_alarm(windows * WINDOW)

    def wait(self) -> None:
        assert self._examined.wait(LATE)

    def say(self, x: Pcm16) -> None:
        """Push sound at the pace the detector keeps, well inside its backlog."""
        for i in range(0, x.size, 4000):
            part = x[i : i + 4000]
            self.begin(part.size)
            self.push(part)
            self.wait()


class Network(SileroModel):
    """The real network; ``before`` is called ahead of each inference and may wait or raise."""

    def __init__(self, before: Callable[[int], None]) -> None:
        super().__init__(model_path("silero"))
        self._before = before
        self.batches: list[int] = []

    def run(self, windows: F32, states: F32) -> tuple[F32, F32]:
        self.batches.append(len(windows))
        self._before(len(self.batches))
        return super().run(windows, states)


def same(a: list[VadEvent], b: list[VadEvent], probability: float = 1e-3) -> bool:
    """Times and reasons exactly, probabilities to what the order of a batch's sums may change."""
    if [type(e) for e in a] != [type(e) for e in b]:
        return False
    for x, y in zip(a, b, strict=True):
        if isinstance(x, SpeechStarted) and isinstance(y, SpeechStarted):
            if (x.onset, x.at) != (y.onset, y.at) or abs(x.probability - y.probability) > probability:
                return False
        elif repr(x) != repr(y):
            return False
    return all(np.array_equal(p.audio, q.audio) for p, q in zip(ended(a), ended(b), strict=True))


def test_many_callers_at_once_hear_what_each_would_alone(inline: InlineVad, shared: SharedVad) -> None:
    sounds = [
        np.concatenate([silence(0.2 + 0.013 * i), prompt(name)[:16000], silence(0.7), noise(0.3, -40, i)])
        for i, name in enumerate(["vm-goodbye", "im-sorry", "hello-world", "auth-thankyou", "conf-getpin"])
    ]
    callers = [Caller(shared) for _ in sounds]
    threads = [threading.Thread(target=c.say, args=(x,)) for c, x in zip(callers, sounds, strict=True)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for caller, x in zip(callers, sounds, strict=True):
        expected = hear(inline, x)
        assert len(expected) >= 2
        assert same(caller.events, expected)
        assert caller.stream.dropped == 0


def test_windows_that_are_ready_together_share_one_inference() -> None:
    first, go = threading.Event(), threading.Event()

    def before(n: int) -> None:
        if n == 1:
            first.set()
            assert go.wait(LATE)

    network = Network(before)
    vad = SharedVad(network)
    try:
        callers = [Caller(vad) for _ in range(7)]
        callers[0].push(silence(0.04))
        assert first.wait(LATE)
        for c in callers:
            c.begin(4000)
            c.push(silence(0.5))
        go.set()
        for c in callers:
            c.wait()
        assert network.batches[0] == 1
        assert set(network.batches[1:-1]) == {7}
        assert vad.windows == sum(network.batches) and vad.inferences == len(network.batches)
    finally:
        go.set()
        vad.close()


def test_push_waits_for_nobody_and_drops_the_oldest() -> None:
    """The detector hangs in an inference; two seconds come in; one is kept, and time is not lost."""
    hanging, go = threading.Event(), threading.Event()

    def before(n: int) -> None:
        if n == 1:
            hanging.set()
            assert go.wait(LATE)

    vad = SharedVad(Network(before))
    try:
        caller = Caller(vad)
        caller.push(silence(0.04))
        assert hanging.wait(LATE)
        caller.push(silence(2))
        assert caller.stream.dropped == 50 and len(caller.stream._frames) == 50
        # The gap shifts the windows, so the alarm is set a little before the end.
        caller.stream.set_alarm(2 * caller._pushed - 2 * WINDOW)
        go.set()
        caller.wait()
        assert 0 <= 2 * caller._pushed - caller.stream.clock <= 2 * WINDOW
        start = 2 * caller._pushed
        speech = prompt("vm-goodbye")
        for i in range(0, speech.size, 1600):
            part = speech[i : i + 1600]
            caller._examined.clear()
            caller.stream.set_alarm(2 * (caller._pushed + part.size) - 2 * WINDOW)
            caller.push(part)
            caller.wait()
        began = caller.events[0]
        assert isinstance(began, SpeechStarted)
        assert abs(began.onset - start) < 16 * 150
        assert caller.stream.dropped == 50
    finally:
        go.set()
        vad.close()


def test_a_frame_longer_than_the_backlog_is_still_heard(shared: SharedVad) -> None:
    caller = Caller(shared)
    x = prompt("demo-nogo")[:24000]
    caller.begin(x.size)
    caller.stream.push(x.tobytes(), 8000)
    caller.wait()
    assert isinstance(caller.events[0], SpeechStarted)


def test_a_listener_that_raises_harms_nobody(shared: SharedVad) -> None:
    def bad(event: VadEvent) -> None:
        raise RuntimeError("mistake")

    stream = shared.open_stream(EndpointingOptions(), bad)
    good = Caller(shared)
    x = prompt("hello-world")
    with capture_logs() as logs:
        for i in range(0, x.size, 4000):
            stream.push(x[i : i + 4000].tobytes(), 8000)
            good.say(x[i : i + 4000])
    assert [type(e) for e in good.events] == [SpeechStarted]
    assert any(entry["event"] == "vad_listener_failed" for entry in logs)


def test_a_failing_inference_is_logged_and_time_goes_on() -> None:
    def before(n: int) -> None:
        if n <= 5:
            raise RuntimeError("no memory")

    vad = SharedVad(Network(before))
    try:
        caller = Caller(vad)
        with capture_logs() as logs:
            caller.say(silence(0.5))
        assert [entry["event"] for entry in logs] == ["vad_inference_failed"], (
            "said once, not for each window"
        )
        caller.say(prompt("hello-world"))
        assert [type(e) for e in caller.events] == [SpeechStarted]
    finally:
        vad.close()


@pytest.mark.parametrize("mistake", [ValueError, SystemExit, KeyboardInterrupt])
def test_the_thread_outlives_a_mistake_of_its_own(mistake: type[BaseException]) -> None:
    class Mistaken(SharedVad):
        rounds = 0

        def _round(self) -> bool:
            self.rounds += 1
            if self.rounds == 2:
                raise mistake("mistake")
            return super()._round()

    vad = Mistaken(SileroModel(model_path("silero")))
    try:
        with capture_logs() as logs:
            caller = Caller(vad)
            caller.say(prompt("hello-world"))
        assert [type(e) for e in caller.events] == [SpeechStarted]
        assert [(e["event"], e["log_level"]) for e in logs] == [("vad_thread_failed", "critical")]
    finally:
        vad.close()


def test_flush_covers_what_was_pushed_before_it(shared: SharedVad) -> None:
    flushed = threading.Event()
    events: list[VadEvent] = []

    def listener(event: VadEvent) -> None:
        events.append(event)
        if isinstance(event, SpeechEnded):
            flushed.set()

    stream = shared.open_stream(EndpointingOptions(), listener)
    stream.push(prompt("hello-world")[:7000].tobytes(), 8000)
    stream.flush()
    assert flushed.wait(LATE)
    end = events[-1]
    assert isinstance(end, SpeechEnded) and end.reason == "flushed"
    assert end.at == (14000 - UPSAMPLER_DELAY) // WINDOW * WINDOW == stream.clock
    assert not stream.speaking


def test_a_closed_stream_is_forgotten_and_the_others_go_on(shared: SharedVad) -> None:
    gone, stays = Caller(shared), Caller(shared)
    x = prompt("hello-world")
    gone.say(x[:1600])
    gone.stream.close()
    gone.stream.close()
    gone.push(x)
    assert len(gone.stream._frames) == 0
    stays.say(x)
    assert gone.events == [] and len(stays.events) == 1
    assert shared._streams == (stays.stream,)


def test_close_from_inside_a_listener() -> None:
    vad = SharedVad(SileroModel(model_path("silero")))
    called = threading.Event()

    def listener(event: VadEvent) -> None:
        vad.close()
        called.set()

    stream = vad.open_stream(EndpointingOptions(), listener)
    stream.push(prompt("hello-world").tobytes(), 8000)
    assert called.wait(LATE)
    vad.close()
    assert not vad._thread.is_alive()


def test_streams_come_and_go_from_many_threads_while_sound_comes_in(shared: SharedVad) -> None:
    steady = Caller(shared)
    x = prompt("hello-world")[:1600]
    failures: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(40):
                stream = shared.open_stream(EndpointingOptions(), lambda e: None)
                for i in range(0, x.size, 160):
                    stream.push(x[i : i + 160].tobytes(), 8000)
                stream.set_alarm(1)
                stream.flush()
                stream.close()
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for t in threads:
        t.start()
    steady.say(prompt("hello-world"))
    for t in threads:
        t.join()
    assert failures == [] and [type(e) for e in steady.events] == [SpeechStarted]
    assert shared._streams == (steady.stream,)


def test_a_closed_detector_opens_no_stream_and_ignores_sound() -> None:
    vad = SharedVad(SileroModel(model_path("silero")))
    stream = vad.open_stream(EndpointingOptions(), lambda e: None)
    vad.close()
    vad.close()
    stream.push(bytes(320), 8000)
    assert len(stream._frames) == 0
    with pytest.raises(RuntimeError, match="closed"):
        vad.open_stream(EndpointingOptions(), lambda e: None)


def test_without_gathering(model: SileroModel) -> None:
    vad = SharedVad(model, DetectorOptions(batch_window_ms=0))
    try:
        caller = Caller(vad)
        caller.say(prompt("hello-world"))
        assert [type(e) for e in caller.events] == [SpeechStarted]
    finally:
        vad.close()


def test_close_gives_up_on_a_listener_that_hangs(model: SileroModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ivr.vad.shared.CLOSE_LIMIT_S", 0.1)
    hanging, go = threading.Event(), threading.Event()

    def listener(event: VadEvent) -> None:
        hanging.set()
        go.wait(LATE)

    vad = SharedVad(model)
    vad.open_stream(EndpointingOptions(), listener).push(prompt("hello-world").tobytes(), 8000)
    assert hanging.wait(LATE)
    with capture_logs() as logs:
        vad.close()
    assert [entry["log_level"] for entry in logs] == ["error"]
    go.set()
    vad._thread.join(LATE)
    assert not vad._thread.is_alive()
