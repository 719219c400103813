"""Keys as real phones send them, by RTP (RFC 4733) and INFO: each press is one key.

Keys are told apart in ivr/sip/keys.py, and in the carrier build's pjmedia too
(docker/pjsua2/patches/0002-keys-by-timestamp.patch).
"""

import struct
import time
from collections.abc import Iterator

import pytest

from tests.hostile.messages import Request, Target
from tests.hostile.test_media import EVENTS, Phone, carrier, start
from tests.ports import free_port

END = 0x80
SAMPLES_PER_MS = 8


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    running = Target(free_port(), rtp_timeout_s=60)
    yield running
    running.close()


def event(key: str, duration: int, *, end: bool = False) -> bytes:
    """The payload of one packet of a key; ``duration`` in samples."""
    return struct.pack("!BBH", "0123456789*#ABCD".index(key), (END if end else 0) | 10, min(duration, 0xFFFF))


def heard(target: Target, phone: Phone, invite: Request, timeout: float = 0.6) -> str:
    """The keys that the service took; the call is over then."""
    keys = ""
    try:
        while True:
            keys += target.wait("key", timeout)["key"]
    except AssertionError:
        pass
    phone.stop()
    target.established[invite.call_id].hang_up()
    target.wait("ended", call=invite.call_id)
    return keys


@carrier
def test_keys_of_one_end_packet_each_and_equal_durations_are_all_taken(target: Target) -> None:
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    for place, key in enumerate("1223"):
        phone.send(to, event(key, 800, end=True), EVENTS, at=1000 + 20 * place)
        time.sleep(0.05)
    assert heard(target, phone, invite) == "1223"


def test_keys_of_equal_durations_with_a_beginning_each_are_all_taken(target: Target) -> None:
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    for place, key in enumerate("12233"):
        phone.send(to, event(key, 800), EVENTS, at=1000 + 20 * place)
        phone.send(to, event(key, 800, end=True), EVENTS, at=1000 + 20 * place)
        time.sleep(0.05)
    assert heard(target, phone, invite) == "12233"


def test_the_end_sent_three_times_is_one_key(target: Target) -> None:
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    for place in (1000, 1020):
        for step in range(1, 6):
            phone.send(to, event("7", 160 * step), EVENTS, at=place)
        for _ in range(3):
            phone.send(to, event("7", 800, end=True), EVENTS, at=place)
    assert heard(target, phone, invite) == "77"


def test_a_key_whose_beginning_is_lost_and_one_whose_end_is_lost(target: Target) -> None:
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    phone.send(to, event("4", 800, end=True), EVENTS, at=1000)
    phone.send(to, event("5", 160), EVENTS, at=1020)
    phone.send(to, event("5", 320), EVENTS, at=1020)
    phone.send(to, event("5", 160), EVENTS, at=1080)
    assert heard(target, phone, invite) == "455"


def test_a_key_held_ten_seconds_is_one_key(target: Target) -> None:
    """Longer than the duration field: it goes on in a second segment (RFC 4733, 2.5.1.3)."""
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    first, segment = 1000 * 160, 0xFFFF
    for at_ms in range(20, 10_000, 200):
        samples = at_ms * SAMPLES_PER_MS
        second = samples > segment
        begun = (first + segment) if second else first
        payload = event("9", samples - segment if second else samples)
        send_at(phone, to, payload, begun)
    for _ in range(3):
        send_at(phone, to, event("9", 80_000 - segment, end=True), first + segment)
    assert heard(target, phone, invite) == "9"


def test_a_sender_that_moves_the_timestamp_within_a_key_presses_it_once(target: Target) -> None:
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    for step in range(1, 6):
        phone.send(to, event("3", 160 * step), EVENTS, at=1000 + step)
    for step in range(3):
        phone.send(to, event("3", 800, end=True), EVENTS, at=1005 + step)
    assert heard(target, phone, invite) == "3"


def send_at(phone: Phone, to: tuple[str, int], payload: bytes, timestamp: int) -> None:
    """A packet with this very timestamp."""
    number = next(phone.sequence)
    header = struct.pack("!BBHII", 0x80, EVENTS, number % 65536, timestamp, phone.ssrc)
    phone.socket.sendto(header + payload, to)


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= *\nDuration= 250\n", "*"),
        ("application/dtmf", "5", "5"),
        ("application/dtmf", "Signal=5\r\nDuration=160", "5"),
        ("application/dtmf", "d=5", "5"),
        ("audio/telephone-event", "5", "5"),
        ("audio/telephone-event", "Signal=11\r\n", "#"),
        ("application/dtmf-relay", "5", "5"),
    ],
)
def test_a_key_by_info_is_read_as_phones_write_it(target: Target, kind: str, body: str, key: str) -> None:
    call = target.call()
    assert target.status(call.request("INFO", body, content_type=kind)) == 200
    assert target.wait("key", call=call.invite.call_id)["key"] == key
    call.hang_up()


@pytest.mark.parametrize("info_first", [False, True])
def test_a_key_by_rtp_and_by_info_counts_once_in_either_order(target: Target, info_first: bool) -> None:
    phone = Phone("127.0.0.1", 1)
    to, invite = start(target, phone)
    phone.talk(to)
    call = target.established[invite.call_id]
    for place, key in enumerate("1223"):

        def by_rtp(key: str = key, place: int = place) -> None:
            for step in range(1, 5):
                phone.send(to, event(key, 160 * step), EVENTS, at=1000 + 100 * place)
            phone.send(to, event(key, 800, end=True), EVENTS, at=1000 + 100 * place)
            time.sleep(0.05)

        def by_info(key: str = key) -> None:
            body = f"Signal={key}\r\nDuration=100\r\n"
            assert target.status(call.request("INFO", body, content_type="application/dtmf-relay")) == 200

        for send in (by_info, by_rtp) if info_first else (by_rtp, by_info):
            send()
    assert heard(target, phone, invite) == "1223"
