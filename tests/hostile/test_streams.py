"""Whatever a phone does to its stream in mid-call, it is heard and not hung up (RFC 3550, 3551, 6263).

Where a test is for the carrier build alone, the stock wheel's pjmedia cannot do it (ivr/sip/README.md).
"""

import struct
import time
from collections.abc import Iterator

import pytest

from tests.caller.rtp import PCMA, PCMU
from tests.hostile.messages import Target
from tests.hostile.rtp_phone import COMFORT_NOISE, EVENTS, LOUD, PhoneCall, RtpPhone, end_calls
from tests.hostile.test_media import carrier
from tests.ports import free_port

MOMENT = 300
"""Milliseconds of speech in each state of a stream."""
HEARD = MOMENT - 80
G722 = 9


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=60)
    yield running
    running.close()


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    end_calls()


@pytest.fixture
def call(target: Target) -> PhoneCall:
    """A call of a phone that has spoken for a while."""
    call = PhoneCall.start(target, RtpPhone())
    call.phone.speak(500)
    return call


def test_packets_may_change_their_length(call: PhoneCall) -> None:
    for packet_ms in (40, 20, 10, 20, 30, 60, 100, 20):
        assert call.heard_ms(MOMENT, packet_ms) >= HEARD - packet_ms, f"{packet_ms} ms"


def test_packets_may_change_their_length_by_a_reinvite(call: PhoneCall) -> None:
    phone = call.phone
    for packet_ms in (40, 10, 30):
        call.reinvite(phone.line(more=f"a=ptime:{packet_ms}\r\n"))
        phone.speak(100, packet_ms)
        assert call.heard_ms(MOMENT, packet_ms) >= HEARD - packet_ms, f"{packet_ms} ms"


def test_gaps_jumps_and_wraps_of_sequence_and_timestamp_are_survived(call: PhoneCall) -> None:
    phone = call.phone

    def silent(milliseconds: int, *, counted: bool) -> None:
        time.sleep(milliseconds / 1000)
        phone.timestamp += 8 * milliseconds if counted else 0

    changes = {
        "a gap": lambda: silent(300, counted=True),
        "a gap in which the timestamp stands": lambda: silent(300, counted=False),
        "a jump of the sequence by 50": lambda: setattr(phone, "sequence", phone.sequence + 50),
        "a jump of the sequence by 5000": lambda: setattr(phone, "sequence", phone.sequence + 5000),
        "a jump back of the sequence": lambda: setattr(phone, "sequence", phone.sequence - 50),
        "a wrap of the sequence": lambda: setattr(phone, "sequence", 65_530),
        "a jump of the timestamp": lambda: setattr(phone, "timestamp", phone.timestamp + 10**6),
        "a jump back of the timestamp": lambda: setattr(phone, "timestamp", phone.timestamp - 10**5),
        "a wrap of the timestamp": lambda: setattr(phone, "timestamp", 2**32 - 1600),
        "another source": lambda: setattr(phone, "ssrc", 77),
    }
    for name, change in changes.items():
        change()
        assert call.heard_ms(MOMENT) >= HEARD, name


@carrier
@pytest.mark.parametrize("back_ms", [100, 500, 900])
def test_a_sender_whose_timestamp_goes_back_a_little_is_heard_at_once(call: PhoneCall, back_ms: int) -> None:
    """Once it was not heard until its timestamp had caught up."""
    call.phone.timestamp -= 8 * back_ms
    assert call.heard_ms(MOMENT, 40) >= HEARD


@carrier
def test_a_new_source_may_begin_its_timestamp_just_before_that_of_the_old_one(call: PhoneCall) -> None:
    call.phone.ssrc, call.phone.timestamp = 5, call.phone.timestamp - 4000
    assert call.heard_ms(MOMENT) >= HEARD


@carrier
def test_a_sender_whose_timestamp_stands_still_is_heard(call: PhoneCall) -> None:
    call.look()
    for _ in range(20):
        before = call.phone.timestamp
        call.phone.speak(20)
        call.phone.timestamp = before
    time.sleep(0.1)
    assert sum(level > LOUD for level in call.look()) >= 15


@carrier
def test_a_jump_of_the_timestamp_in_the_middle_of_sound_does_not_delay_it(call: PhoneCall) -> None:
    call.phone.timestamp += 8 * 450
    call.phone.speak(MOMENT)
    time.sleep(0.15)
    call.look()
    time.sleep(0.2)
    assert not [level for level in call.look() if level > LOUD]


def test_comfort_noise_is_not_heard_and_the_speech_after_it_is(call: PhoneCall) -> None:
    time.sleep(0.2)
    call.look()
    for _ in range(3):
        call.phone.send(b"\x30", COMFORT_NOISE)
        call.phone.pause(100)
    assert max(call.look()) < LOUD
    assert call.heard_ms(MOMENT) >= HEARD


@carrier
@pytest.mark.parametrize("payload", [PCMU, PCMA, G722])
def test_any_codec_that_was_offered_is_heard_whichever_was_taken(target: Target, payload: int) -> None:
    phone = RtpPhone()
    call = PhoneCall.start(target, phone, phone.line(payloads=f"{payload} {EVENTS}"))
    for kind in (PCMU, PCMA, PCMU):
        assert call.heard_ms(MOMENT, kind=kind) >= HEARD
    assert call.heard_g722_ms(MOMENT) >= HEARD


@carrier
def test_keys_after_a_small_step_back_of_the_sequence_are_taken(call: PhoneCall) -> None:
    call.phone.sequence -= 50
    for key in "556":
        call.phone.press(key)
        call.phone.pause(60)
    assert call.keys(0.4) == "556"


# -- signs of life


def report(with_block: bool) -> bytes:
    """An RTCP receiver report, with or without a block about our stream (RFC 3550, 6.4.2)."""
    block = struct.pack("!I6I", 1, 0, 1000, 0, 0, 0, 0)[:24] if with_block else b""
    return struct.pack("!BBHI", 0x80 | bool(block), 201, 1 + len(block) // 4, 0x1234) + block


STUN = struct.pack("!HHI12s", 0x0011, 0, 0x2112A442, b"keep-alive--")
NO_OP, PROBE = 20, 96


@pytest.fixture(scope="module")
def short() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=1)
    yield running
    running.close()


def stays(short: Target, kinds: tuple[str, ...]) -> None:
    """Phones that send one of these each after they were heard; none is hung up, until they send nothing."""
    calls = {kind: PhoneCall.start(short, RtpPhone(ssrc=n + 1)) for n, kind in enumerate(kinds)}
    for call in calls.values():
        call.phone.speak(40)
    for _ in range(12):
        for kind, call in calls.items():
            phone = call.phone
            if kind == "empty datagrams":
                phone.rtp.sendto(b"", phone.to)
            elif kind == "four zeros":
                phone.rtp.sendto(bytes(4), phone.to)
            elif kind == "STUN":
                phone.rtp.sendto(STUN, phone.to)
            elif kind.startswith("receiver reports"):
                with_block = kind == "receiver reports"
                phone.rtcp.sendto(report(with_block), (phone.to[0], phone.to[1] + 1))
            else:
                phone.send(b"\x00" * 4, {"no-op": NO_OP, "probes": PROBE}.get(kind, COMFORT_NOISE))
        time.sleep(0.25)
    with pytest.raises(AssertionError):
        short.wait("ended", 0.05)
    for call in calls.values():
        call.is_hung_up("rtp_timeout")


def test_a_phone_that_sends_no_sound_but_is_there_is_not_hung_up(short: Target) -> None:
    stays(short, ("receiver reports", "STUN", "no-op"))


def test_comfort_noise_and_packets_of_an_unknown_type_keep_a_call(short: Target) -> None:
    stays(short, ("comfort noise", "probes"))


@carrier
def test_keep_alives_that_are_no_packets_of_rtp_keep_a_call(short: Target) -> None:
    stays(short, ("empty datagrams", "four zeros", "receiver reports without a block"))
