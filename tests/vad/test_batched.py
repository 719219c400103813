"""Streams that follow lines: the same decisions as for pushed sound, for all calls at once. ``round`` is
called here as the VAD thread calls it, without one.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from ivr.audio.frames import LINE_FRAME
from ivr.audio.line import RING, Line, LineBank
from ivr.audio.wake import PipeWake
from ivr.vad.batched import BatchedVad
from ivr.vad.events import AlarmRang, SpeechContinued, SpeechEnded, VadEvent
from ivr.vad.inline import InlineVad
from ivr.vad.options import DetectorOptions, EndpointingOptions
from ivr.vad.push_adapter import PushAdapter
from ivr.vad.registry import create_vad
from ivr.vad.shared import SharedVad
from ivr.vad.silero import SileroModel
from tests.vad.sounds import (
    HALF_SECOND,
    PROMPTS,
    Pcm16,
    ended,
    hear,
    loud_from,
    music,
    noise,
    prompt,
    silence,
    started,
)
from tests.vad.test_shared import same

ALL_SHOWN = DetectorOptions(silence_dbfs=-200)
"""Nothing is taken for silence."""


def frames(x: Pcm16) -> list[bytes]:
    x = np.concatenate([x, silence((-x.size % LINE_FRAME) / 8000)])
    return [x[i : i + LINE_FRAME].tobytes() for i in range(0, x.size, LINE_FRAME)]


def listen(
    batched: BatchedVad, sounds: Sequence[Pcm16], options: EndpointingOptions = HALF_SECOND
) -> list[list[VadEvent]]:
    """All events of one stream a sound, all heard at the same time."""
    events: list[list[VadEvent]] = [[] for _ in sounds]
    lines = [batched.bank.open() for _ in sounds]
    streams = [batched.open(line, options, heard.append) for line, heard in zip(lines, events, strict=True)]
    ticks = [frames(x) for x in sounds]
    for n in range(max(map(len, ticks))):
        for line, given in zip(lines, ticks, strict=True):
            if n < len(given):
                line.write_received(given[n])
        while batched.round():
            pass
    for stream, line in zip(streams, lines, strict=True):
        stream.close()
        batched.bank.release(line)
    return events


def conversation(seed: int) -> Pcm16:
    """Speech between pauses with a quiet line's noise."""
    dice = np.random.default_rng(seed)
    parts: list[Pcm16] = []
    for _ in range(4):
        parts.append(noise(dice.uniform(0.8, 1.6), dice.uniform(-75, -55), int(dice.integers(1000))))
        parts.append(prompt(str(dice.choice(PROMPTS)))[:20000])
    return np.concatenate([*parts, silence(1.0)])


def test_they_hear_what_a_pushed_stream_hears(model: SileroModel) -> None:
    sounds = [conversation(seed) for seed in range(6)]
    alone = InlineVad(model, ALL_SHOWN)
    heard = listen(BatchedVad(model, ALL_SHOWN, LineBank(8)), sounds)
    for x, events in zip(sounds, heard, strict=True):
        whole = x[: x.size // LINE_FRAME * LINE_FRAME + LINE_FRAME]
        expected = [e for e in hear(alone, np.concatenate([whole, silence(0.1)])) if e.at <= x.size * 2]
        assert len(started(events)) >= 4
        # The network's first context is zeros there, here the filter's answer to what follows.
        assert same(events, expected, probability=0.02)


@pytest.mark.parametrize("loud", [1.0, 0.3], ids=["loud", "soft"])
@pytest.mark.parametrize("floor", [None, -70.0, -62.0])
def test_taking_silence_for_silence_costs_no_onset(
    model: SileroModel, floor: float | None, loud: float
) -> None:
    """The measure is the same batch, shown everything: no sentence is missed, the median is not later by a
    third of a window (one sentence in four pays a window, for fewer turns begun by music and noise), the 95th
    percentile not by one.
    """
    sounds, onsets = [], []
    for i, name in enumerate(PROMPTS):
        lead = silence(3 + 0.0047 * i)
        speech = (prompt(name)[:12000] * loud).astype(np.int16)
        x = np.concatenate([lead, speech, silence(0.3)])
        if floor is not None:
            x = (x + noise(x.size / 8000, floor, i)[: x.size]).clip(-32768, 32767).astype(np.int16)
        sounds.append(x)
        onsets.append((lead.size + loud_from(speech)) * 2)

    def latencies(options: DetectorOptions) -> list[float]:
        batched = BatchedVad(model, options, LineBank(len(sounds)))
        heard = listen(batched, sounds)
        if options.silence_dbfs > -100:
            assert batched.silent > 0.5 * batched.windows
        return [
            next((max(s.at - onset, 0) for s in started(events) if s.at > onset - 1600), 10**6) / 16
            for events, onset in zip(heard, onsets, strict=True)
        ]

    shown, gated = np.array(latencies(ALL_SHOWN)), np.array(latencies(DetectorOptions()))
    assert gated.max() <= 300
    assert np.median(gated) <= np.median(shown) + 10
    assert np.percentile(gated, 95) <= np.percentile(shown, 95) + 32


def test_taking_silence_for_silence_lets_no_music_in(model: SileroModel) -> None:
    """A turn more, in seven minutes of it, is chance."""
    starts = (5, 40, 75)
    tracks = [music(n)[8000 * at : 8000 * (at + 30)] for n in range(5) for at in starts]
    shown = listen(BatchedVad(model, ALL_SHOWN, LineBank(15)), tracks)
    gated = listen(BatchedVad(model, DetectorOptions(), LineBank(15)), tracks)
    assert sum(len(started(e)) for e in gated) <= sum(len(started(e)) for e in shown) + 1


def test_the_network_is_not_asked_about_silence(model: SileroModel) -> None:
    batched = BatchedVad(model, DetectorOptions(), LineBank(2))
    assert listen(batched, [silence(5.0), noise(5.0, -75)]) == [[], []]
    assert batched.windows == 2 * ((5 * 8000 - 14) // 256)
    assert batched.inferences == 8 and batched.silent == batched.windows - 2 * 8


def test_a_late_reader_loses_the_oldest_and_time_goes_on(model: SileroModel) -> None:
    batched = BatchedVad(model, DetectorOptions(backlog_ms=400), LineBank(1))
    line = batched.bank.open()
    events: list[VadEvent] = []
    stream = batched.open(line, HALF_SECOND, events.append)
    stream.set_alarm(2 * 16000)
    for frame in frames(noise(2.5, -40)):
        line.write_received(frame)
    while batched.round():
        pass
    assert stream.dropped == (2.5 - 0.4) / 0.02
    assert [type(e) for e in events] == [AlarmRang]
    assert 2.5 * 16000 - 512 - 28 <= stream.clock <= 2.5 * 16000


def test_a_turn_can_be_ended_and_its_sound_is_whole(model: SileroModel) -> None:
    x = prompt("vm-options")[:24000]
    batched = BatchedVad(model, DetectorOptions(), LineBank(1))
    line, events = batched.bank.open(), list[VadEvent]()
    stream = batched.open(line, HALF_SECOND, events.append)
    for frame in frames(np.concatenate([silence(0.5), x])):
        line.write_received(frame)
        while batched.round():
            pass
    assert stream.speaking
    stream.flush()
    batched.round()
    (turn,) = ended(events)
    assert turn.reason == "flushed" and not stream.speaking
    assert turn.at == stream.clock
    assert turn.audio.size == turn.at - (turn.onset - 300 * 16)
    line_samples = np.concatenate([silence(0.5), x])
    assert np.array_equal(turn.audio[0::2], line_samples[(turn.onset - 4800) // 2 : turn.at // 2])
    stream.close()
    stream.flush()
    assert batched.round() is False


def test_what_was_asked_in_a_turn_is_forgotten_with_it(model: SileroModel) -> None:
    batched = BatchedVad(model, ALL_SHOWN, LineBank(1))
    line = batched.bank.open()
    events: list[VadEvent] = []
    stream = batched.open(line, EndpointingOptions(details=True), events.append)

    def hears(x: Pcm16) -> None:
        for frame in frames(x):
            line.write_received(frame)
            while batched.round():
                pass

    hears(np.concatenate([silence(0.3), prompt("vm-goodbye")[:4000]]))
    assert stream.speaking
    stream.request_audio()
    stream.flush("complete")
    batched.round()
    assert not stream.speaking
    hears(np.concatenate([silence(0.6), prompt("vm-goodbye")]))
    goes = [
        event for event in events if isinstance(event, SpeechContinued) and event.at > ended(events)[0].at
    ]
    assert len(goes) > 5 and all(event.audio is None for event in goes)


def test_a_line_is_reused_only_when_it_is_released() -> None:
    bank = LineBank(2)
    one, two = bank.open(), bank.open()
    with pytest.raises(RuntimeError, match="all 2 lines"):
        bank.open()
    one.write_received(b"\1\0" * LINE_FRAME)
    bank.release(one)
    bank.release(one)
    again = bank.open()
    assert again.row == one.row and again.written == 0 and not bank.received[again.row].any()
    with pytest.raises(RuntimeError, match="all 2 lines"):
        bank.open()
    assert two.row != again.row


def test_what_was_sent_stands_beside_what_was_heard() -> None:
    line = LineBank(1).open()
    for n in range(RING // LINE_FRAME + 3):
        if n % 2:
            line.write_sent(np.full(LINE_FRAME, n, np.int16).tobytes())
        line.write_received(np.full(LINE_FRAME, -n, np.int16).tobytes())
    for n in range(3, RING // LINE_FRAME + 3):
        at = n * LINE_FRAME % RING
        assert line.bank.received[0, at] == -n
        assert line.bank.sent[0, at] == (n if n % 2 else 0)


def test_a_pipe_wakes_whoever_armed_it() -> None:
    wake = PipeWake()
    wake.arm()
    assert wake.armed[0] == 1
    wake.set()
    wake.wait()
    wake.wait(0.0)
    for _ in range(100_000):  # more than a pipe holds
        wake.set()
    wake.wait()
    wake.close()


class _Hears:
    """Follows a line with the detector's own thread, and waits for its events."""

    def __init__(self, vad: SharedVad | PushAdapter, line: Line) -> None:
        import threading

        self.events: list[VadEvent] = []
        self.turn = threading.Event()
        self.stream = vad.open_line(line, HALF_SECOND, self._on)

    def _on(self, event: VadEvent) -> None:
        self.events.append(event)
        if isinstance(event, SpeechEnded):
            self.turn.set()


@pytest.mark.parametrize("pumped", [False, True], ids=["shared", "a third party's"])
@pytest.mark.parametrize("wake", [None, PipeWake], ids=["lock", "pipe"])
def test_the_thread_hears_lines(model: SileroModel, pumped: bool, wake: type[PipeWake] | None) -> None:
    bank = LineBank(3, wake() if wake else None)
    vad: SharedVad | PushAdapter
    vad = PushAdapter(InlineVad(model), bank) if pumped else SharedVad(model, bank=bank)
    x = np.concatenate([silence(0.3), prompt("vm-goodbye"), silence(0.7)])
    try:
        line = bank.open()
        hears = _Hears(vad, line)
        for frame in frames(x):
            line.write_received(frame)
            wait_for_clock(hears.stream, line.written * 2 - 2 * 600)
        assert hears.turn.wait(20)
        assert [type(e) for e in hears.events] == [type(e) for e in hear(InlineVad(model), x)]
        with pytest.raises(RuntimeError, match="follows its line"):
            hears.stream.push(b"", 8000)
        hears.stream.close()
    finally:
        vad.close()


def wait_for_clock(stream: object, at: int) -> None:
    """Wait until the detector has looked so far: a stream that is pushed faster would lose sound."""
    import time

    until = time.monotonic() + 20
    while stream.clock < at:  # type: ignore[attr-defined]
        assert time.monotonic() < until
        time.sleep(0.0005)


def test_a_detector_with_a_bank_follows_its_lines_only(model: SileroModel) -> None:
    vad = create_vad("silero", bank=LineBank(1))
    assert isinstance(vad, SharedVad)
    try:
        with pytest.raises(RuntimeError, match="this bank"):
            vad.open_line(LineBank(1).open(), HALF_SECOND, lambda event: None)
    finally:
        vad.close()
