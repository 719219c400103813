"""The crowd against callees of our own, over real sockets; and its arithmetic."""

import itertools
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.caller import Call, UserAgent, measure, rtp, sounds
from tests.caller.crowd import Crowd, record
from tests.caller.crowd.record import PACKET

PROMPT = sounds.continuous(("conf-adminmenu",), 6.0)


class Callee:
    """Answers every call, plays a prompt, and stops it on request."""

    def __init__(self) -> None:
        self.ua = UserAgent(user="callee")
        self.calls: list[Call] = []
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self) -> None:
        while True:
            call = self.ua.incoming.get()
            call.answer((0, 101))
            call.media.play(PROMPT)
            self.calls.append(call)

    @property
    def address(self) -> tuple[str, int]:
        return (self.ua.host, self.ua.port)


@pytest.fixture
def callee() -> Iterator[Callee]:
    callee = Callee()
    yield callee
    callee.ua.close()


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    said = {"silence": sounds.silence(0.4), "noise": sounds.noise(-60, 1), "hello": sounds.recording("hello")}
    with Crowd(said) as crowd:
        yield crowd


def test_calls_are_dialled_heard_and_hung_up(crowd: Crowd, callee: Callee) -> None:
    began = time.time()
    calls = crowd.dial(callee.address, 5, 50, ["silence", "noise"], user="someone")
    assert [call.status for call in calls] == [200] * 5 and not any(call.failure for call in calls)
    assert all(began < call.invited < call.answered < time.time() for call in calls)
    assert 0.07 < calls[-1].invited - calls[0].invited < 0.5, "50 a second"
    time.sleep(1.0)
    ended = crowd.hang_up()
    assert all(call.bye_answered > call.ended for call in ended)
    assert all(theirs.ended.wait(1) for theirs in callee.calls)
    assert {call.invite.uri.partition("@")[0] for call in callee.calls if call.invite} == {"sip:someone"}
    heard = crowd.report()
    assert heard.dropped == heard.refused == 0 and not heard.unexpected
    for call, packets in heard.each(ended):
        assert 45 <= len(packets) <= 70
        assert record.lost(packets) == 0 and record.loud(packets).mean() > 0.9
        assert record.gaps_ms(packets).max() < 150
        first = record.first_loud(packets, call.answered)
        assert first is not None and first - call.answered < 0.2
    # What they were sent: each its own sound, in order, at the right pace.
    for call in callee.calls:
        received = call.media.packets
        assert 45 <= len(received) <= 70 and measure.flow(received).lost == 0
        assert len({p.ssrc for p in received}) == 1 and len(call.media.sources) == 1
        assert all(p.payload_type == 0 and len(p.payload) == 160 for p in received)
        steps = {(b.ts - a.ts) % (1 << 32) for a, b in itertools.pairwise(received)}
        assert steps == {160}
    levels = sorted(measure.dbfs(call.media.packets[10].pcm16) for call in callee.calls)
    assert levels[:3] == [-120.0] * 3 and all(-63 < level < -57 for level in levels[3:])


def test_an_interruption_is_sent_once_and_the_cut_is_measured(crowd: Crowd, callee: Callee) -> None:
    (call,) = crowd.dial(callee.address, 1, 50, "silence")
    theirs = callee.calls[0]
    time.sleep(0.5)
    assert crowd.hearing([call])[0] > 0.3
    crowd.interrupt(call, "hello")
    spoke = theirs.media.wait_loud(2)
    theirs.media._queue.clear()  # the prompt yields
    theirs.media._position = 0
    time.sleep(1.2)
    assert crowd.hearing([call]) == [0.0]
    crowd.say("noise")
    time.sleep(0.3)
    (call,) = crowd.hang_up([call])
    heard = crowd.report()
    shot = heard.shots[-1]
    hello = sounds.recording("hello")
    assert len(shot.sent) == len(hello) // 320 and shot.call == call.number
    onset = shot.sent[measure.onset_sample(hello) // 160]
    packets = heard.of(call, onset - 0.5, onset + 1.0)
    cut = record.cut(packets, onset)
    assert cut is not None and abs(cut - spoke) < 0.1
    assert measure.dbfs(theirs.media.packets[-2].pcm16) == pytest.approx(-60, abs=3)
    received = b"".join(p.payload for p in theirs.media.packets)
    assert received.count(ulaw(hello)[:1600]) == 1


def test_a_stay_is_counted_from_the_answer_and_a_refusal_is_a_failure(crowd: Crowd, callee: Callee) -> None:
    calls = crowd.dial(callee.address, 4, 100, "silence", stay=0.3)
    assert all(0.3 <= call.ended - call.answered < 0.5 and call.bye_answered for call in calls)
    assert not any(call.failure for call in calls)
    with UserAgent() as refusing:
        refusing.on_request = lambda request: bool(
            request.method != "INVITE" or refusing.reply(request, 503, "Service Unavailable")
        )
        (refused,) = crowd.dial((refusing.host, refusing.port), 1, 10, "silence", stay=0.3)
    assert refused.status == 503 and refused.failure == "INVITE answered 503"


def test_a_call_that_the_callee_ends_is_a_failure(crowd: Crowd, callee: Callee) -> None:
    crowd.dial(callee.address, 1, 10, "silence")
    callee.calls[0].hangup()
    heard = crowd.report()
    assert heard.calls[-1].failure == "ended by the callee"


def ulaw(pcm16: bytes) -> bytes:
    return rtp.encode(pcm16, rtp.PCMU)


def packets(*rows: tuple[float, int, float]) -> np.ndarray:
    """Arrival, sequence number, mean square."""
    made = np.zeros(len(rows), PACKET)
    for n, (at, seq, power) in enumerate(rows):
        made[n]["at"], made[n]["seq"], made[n]["power"] = at, seq, power
    return made


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 3], 0),
        ([1, 2, 5], 2),
        ([65534, 65535, 0, 1], 0),
        ([65534, 1], 2),
        ([1, 3, 2, 4], 0),
        ([1, 3, 3, 4], 1),
        ([7], 0),
        ([], 0),
    ],
)
def test_losses_by_sequence_number(numbers: list[int], missing: int) -> None:
    assert record.lost(packets(*((n * 0.02, seq, 0.0) for n, seq in enumerate(numbers)))) == missing


def test_a_stream_that_stops_has_a_gap() -> None:
    made = packets(*((1 + n * 0.02, n, 0.0) for n in range(51)))
    assert record.gaps_ms(made) == pytest.approx([20.0] * 50)
    assert record.gaps_ms(made, 0.99, 2.015) == pytest.approx([20.0] * 50), "the ends lie between packets"
    assert record.gaps_ms(made, 0.5, 4.0)[-2:] == pytest.approx([500.0, 2000.0])
    assert record.gaps_ms(packets(), 0.5, 4.0) == pytest.approx([3500.0])


def test_power_is_that_of_the_samples() -> None:
    noise = sounds.noise(-30, 0.02)
    coded = np.frombuffer(ulaw(noise), np.uint8)
    assert 10 * np.log10(record.ULAW_POWER[coded].mean()) == pytest.approx(measure.dbfs(noise), abs=0.3)


def test_a_cut_is_found_as_in_packets() -> None:
    made = packets(*((n * 0.02, n, 0.1 if n < 30 or n > 80 else 0.0) for n in range(100)))
    assert record.cut(made, 0.45) == pytest.approx(29 * 0.02)
    assert record.cut(made, 1.7) is None, "it went on to the end"


def test_quantiles_keep_percentiles_and_ends() -> None:
    values = np.random.default_rng(1).exponential(20, 100_000)
    kept = record.quantiles(values)
    assert len(kept) == 2001 and kept[0] == values.min() and kept[-1] == values.max()
    for q in (50, 95, 99):
        assert measure.percentile(kept, q) == pytest.approx(np.percentile(values, q), rel=0.01)


def test_a_conversation_has_the_share_of_speech_asked_for() -> None:
    words = [sounds.recording(name) for name in ("hello", "goodbye", "hours", "digits/1", "vm-goodbye")]
    pcm16, turns = record.conversation(words, 60, 0.4, sounds.noise(-62, 10), seed=3)
    assert sum(end - start for start, end in turns) / 60 == pytest.approx(0.4, abs=0.04)
    assert len(pcm16) == 60 * 16000 and len({len(word) for word in words}) > 3
    assert all(b[0] > a[1] for a, b in itertools.pairwise(turns)), "one after the other"
    frames = np.frombuffer(pcm16, "<i2").astype(float).reshape(-1, 160)
    level = 10 * np.log10((frames**2).mean(axis=1) / 32768**2)
    assert 0.2 < (level > -45).mean() < 0.45
    assert np.median(level[level < -50]) == pytest.approx(-62, abs=1)
